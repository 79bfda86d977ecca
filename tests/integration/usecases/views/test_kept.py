"""Kept results: the button, the page with the numbers as they were, the same computed again, the list."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from routing.actions import outcomes
from routing.models import Decision
from tests.documents import claims
from usecases.actions import drafts
from usecases.models import KeptImpact, UseCase

KEEP = "/use-cases/claims/what-if/keep"
LIST = "/use-cases/claims/what-if"


@pytest.fixture
def past(decide: Any, use_case: UseCase) -> list[Decision]:
    """Ten decisions of the large model, received a minute ago."""
    received = timezone.now() - timedelta(minutes=1)
    return [
        decide(
            "claims",
            f"Request {number}",
            model="large",
            action="review",
            confidence=0.6 + number / 40,
            received_at=received,
            tried=[
                {"model": "small", "confidence": 0.1, "cost_usd": 0.001, "latency_ms": 300.0},
                {"model": "large", "confidence": 0.6 + number / 40, "cost_usd": 0.01, "latency_ms": 700.0},
            ],
        )
        for number in range(10)
    ]


@pytest.fixture
def as_ops(client: Client, ops: User, use_case: UseCase) -> Client:
    client.force_login(ops)
    drafts.edit(draft=drafts.open_for(use_case=use_case, by=ops), document=claims(0.7), by=ops)
    return client


def text(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def judge(*decisions: Decision) -> None:
    """Have the desk find these wrong, and the next question read everything anew."""
    now = timezone.now()
    outcomes.store([outcomes.Word("claims", False, "claims-desk", now, decision_id=d.pk) for d in decisions])
    from routing.history import SHARED

    SHARED.forget()


def test_a_draft_is_kept_and_shown_as_it_was_also_after_it_has_moved_on(
    as_ops: Client, use_case: UseCase, ops: User, past: list[Decision]
) -> None:
    answer = as_ops.post(KEEP, {"note": "For the board"})
    row = KeptImpact.objects.get()
    assert answer.headers["Location"] == f"{LIST}/{row.pk}"
    drafts.edit(draft=drafts.open_for(use_case=use_case, by=ops), document=claims(0.9), by=ops)

    said = text(as_ops.get(f"{LIST}/{row.pk}").content)
    assert "For the board" in said
    assert "Answer from 0.70 instead of 0.85" in said
    assert "10 replayed" in said
    assert "6 decisions would move from review to answer." in said
    assert row.ids_digest[:16] in said
    assert (
        f"cases?live=review&amp;draft=answer&amp;kept={row.pk}"
        in as_ops.get(f"{LIST}/{row.pk}").content.decode()
    )
    cases = as_ops.get(f"/use-cases/claims/cases?live=review&draft=answer&kept={row.pk}")
    assert cases.content.decode().count("data-row") == 6
    listed = text(as_ops.get(LIST).content)
    assert "For the board by ops 10 decisions, a draft beside r1" in listed


def test_computing_again_says_the_same_or_what_differs(as_ops: Client, past: list[Decision]) -> None:
    as_ops.post(KEEP)
    page = f"{LIST}/{KeptImpact.objects.get().pk}?again=1"
    assert "The same numbers again" in text(as_ops.get(page).content)

    judge(past[9])
    said = text(as_ops.get(page).content)
    assert "The same numbers again" in said  # one verdict among ten says nothing yet
    assert "1 verdict has come since (0 then, 1 now)." in said

    judge(*past)
    said = text(as_ops.get(page).content)
    assert "Not the same numbers" in said
    assert "10 verdicts have come since (0 then, 10 now)." in said
    assert "draft, wrong among answered, value — 1.0" in said


def test_another_use_cases_result_is_none_of_this_ones(
    as_ops: Client, past: list[Decision], stranger: User
) -> None:
    as_ops.post(KEEP)
    row = KeptImpact.objects.get()
    for pk in (UUID(int=7), "x"):
        assert as_ops.get(f"{LIST}/{pk}").status_code == 404
        assert as_ops.get(f"/use-cases/claims/cases?live=a&draft=b&kept={pk}").status_code == 404
    as_ops.force_login(stranger)
    assert as_ops.get(f"{LIST}/{row.pk}").status_code == 404
    assert as_ops.get(f"/use-cases/claims/cases?live=a&draft=b&kept={row.pk}").status_code == 404


def test_nothing_to_keep_is_told_and_an_empty_list_says_where_to_begin(as_ops: Client) -> None:
    answer = as_ops.post(KEEP)
    assert answer.status_code == 422
    assert "There are no decisions in this window" in text(answer.content)
    assert "Nothing is kept yet" in text(as_ops.get(LIST).content)
