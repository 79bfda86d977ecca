"""What a version did, on its page: what it promised, and what came of it since."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.documents import claims
from usecases.actions import kill_switches, versions
from usecases.models import UseCase

PAGE = "/use-cases/claims/changes/2"


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def as_ops(client: Client, ops: User, use_case: UseCase) -> Client:
    client.force_login(ops)
    return client


def made(decide: Any, confidence: float, **said: Any) -> None:
    tried = [{"model": "large", "confidence": confidence, "cost_usd": 0.009, "latency_ms": 700.0}]
    tried.insert(0, {"model": "small", "confidence": 0.1, "cost_usd": 0.001, "latency_ms": 300.0})
    plain = {"model": "large", "tried": tried, "confidence": confidence, "text": f"sure {confidence}"}
    decide("claims", **(plain | said))


def test_a_change_is_shown_as_promised_and_as_it_came(
    as_ops: Client, use_case: UseCase, ops: User, decide: Any
) -> None:
    made(decide, 0.8, action="review", band="review")
    made(decide, 0.9)
    versions.apply(use_case=use_case, document=claims(0.75), by=ops, reason="Peak", expected_version=1)
    from django.utils import timezone

    made(decide, 0.78, at=timezone.now(), version=2)

    page = as_ops.get(PAGE).content.decode()
    assert f"{PAGE}/effect?part=then" in page
    assert f"{PAGE}/effect?part=since" in page

    whole = as_ops.get(f"{PAGE}/effect").content.decode()
    then, since = whole.split('id="effect-since"')
    assert "1 decision would move from review to answer." in text(then)
    assert "version=2&amp;window=then" in then
    assert "Answered without a person" in text(since)
    assert "1 replayed" in text(since)
    assert "What really happened: 100.0% answered, 0.0% to review, 0.0% escalated, of 1." in text(since)
    part = as_ops.get(f"{PAGE}/effect?part=since", headers={"HX-Request": "true"}).content.decode()
    assert ("effect-since" in part, "effect-then" in part, "<html" in part) == (True, False, False)


def test_where_only_the_state_differs_the_page_says_so(as_ops: Client, use_case: UseCase, ops: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops)
    said = text(as_ops.get(PAGE).content.decode())
    assert "only the state changed, from “Live” to “On baseline”" in said
    assert "Replaying" not in said


def test_a_version_under_which_nothing_was_decided_says_so(
    as_ops: Client, use_case: UseCase, ops: User
) -> None:
    versions.apply(use_case=use_case, document=claims(0.8), by=ops, reason="", expected_version=1)
    said = text(as_ops.get(f"{PAGE}/effect").content.decode())
    assert "No decisions were made in the week before it." in said
    assert "No decisions have been made under it yet." in said
    assert as_ops.get("/use-cases/claims/changes/1/effect").status_code == 404
    assert "What it promised" not in as_ops.get("/use-cases/claims/changes/1").content.decode()
