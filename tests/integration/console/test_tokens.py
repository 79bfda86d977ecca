"""Tokens: shown once, stored as a digest, checked cheaply, gone everywhere once revoked."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from audit import log
from audit.models import Event
from console import tokens
from console.models import Token
from usecases.permissions import Forbidden
from usecases.publishing import Refused

COMMAND = log.System("command")


@pytest.fixture(autouse=True)
def _forget(db: None) -> None:
    tokens.memory.forget()


def test_issuing_stores_no_text_and_records_who_did_it(admin: User) -> None:
    token, text = tokens.issue(name="desk", by=admin, use_cases=["claims", "claims"], reason="New desk")

    assert text.startswith(token.prefix)
    assert text not in str(Token.objects.filter(pk=token.pk).values().get())
    assert (token.use_cases, token.is_assistant) == (["claims"], True)
    event = Event.objects.get(kind="token.issued")
    assert event.sentence == "admin created the token “desk” for assistants of claims."
    assert event.reason == "New desk"


@pytest.mark.parametrize(
    "wish",
    [{"use_cases": []}, {"use_cases": ["No Slug"]}, {"name": ""}, {"name": "a\0b"}, {"name": "taken"}],
)
def test_a_token_that_makes_no_sense_is_refused(admin: User, wish: dict[str, Any]) -> None:
    tokens.issue(name="taken", by=admin, user=admin)

    with pytest.raises(Refused):
        tokens.issue(**{"name": "desk", "by": admin, "use_cases": ["claims"], **wish})
    with pytest.raises(Refused):
        tokens.issue(name="both", by=admin, user=admin, use_cases=["claims"])

    assert Token.objects.count() == 1


def test_people_make_their_own_tokens_and_admins_any(admin: User, ops: User, risk: User) -> None:
    own, _ = tokens.issue(name="own", by=ops, user=ops)
    with pytest.raises(Forbidden):
        tokens.issue(name="other", by=ops, user=risk)
    with pytest.raises(Forbidden):
        tokens.issue(name="machine", by=ops, use_cases=["claims"])
    with pytest.raises(Forbidden):
        tokens.revoke(token=own, by=risk)
    tokens.revoke(token=own, by=admin)


def test_a_token_says_whose_it_is(admin: User) -> None:
    person = tokens.check(tokens.issue(name="p", by=admin, user=admin)[1])
    machine = tokens.check(tokens.issue(name="m", by=admin, use_cases=["claims"])[1])

    assert person is not None
    assert machine is not None
    assert (person.user_id, person.is_assistant) == (admin.pk, False)
    assert (machine.use_cases, machine.is_assistant) == (frozenset({"claims"}), True)
    assert tokens.check("oc_guess") is None
    assert tokens.check("\ud800") is None


def test_a_checked_token_costs_no_query_for_a_while(
    admin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    _, text = tokens.issue(name="m", by=admin, use_cases=["claims"])
    tokens.check(text)

    with django_assert_num_queries(0):
        assert tokens.check(text) is not None


def test_a_revoked_token_is_refused_at_once_and_twice_is_fine(
    admin: User, django_capture_on_commit_callbacks: Any
) -> None:
    token, text = tokens.issue(name="m", by=admin, use_cases=["claims"])
    assert tokens.check(text) is not None

    with django_capture_on_commit_callbacks(execute=True):
        tokens.revoke(token=token, by=admin)
    events = Event.objects.count()
    tokens.revoke(token=token, by=admin)

    assert tokens.check(text) is None
    assert Event.objects.count() == events


def test_a_check_that_was_under_way_while_tokens_were_revoked_is_not_remembered(admin: User) -> None:
    token, _ = tokens.issue(name="m", by=admin, use_cases=["claims"])
    grant = tokens.valid([token.digest])[token.digest]
    generation = tokens.memory.generation
    tokens.memory.forget([token.digest])

    tokens.memory.put(grant, generation)

    assert tokens.memory.get(token.digest) is None


def test_expired_tokens_and_those_of_people_who_left_are_refused(admin: User, ops: User) -> None:
    past = timezone.now() - timedelta(seconds=1)
    _, expired = tokens.issue(name="old", by=admin, use_cases=["claims"], expires_at=past)
    _, gone = tokens.issue(name="gone", by=admin, user=ops)
    User.objects.filter(pk=ops.pk).update(is_active=False)

    assert tokens.check(expired) is None
    assert tokens.check(gone) is None


def test_a_token_that_expires_while_it_is_remembered_is_refused(admin: User) -> None:
    soon = timezone.now() + timedelta(seconds=0.2)
    _, text = tokens.issue(name="m", by=admin, use_cases=["claims"], expires_at=soon)
    grant = tokens.check(text)
    assert grant is not None
    import time

    time.sleep(0.25)
    assert tokens.memory.get(grant.key) is None


@pytest.mark.parametrize(
    "act",
    [
        lambda admin, token: tokens.issue(name="n", by=admin, use_cases=["claims"]),
        lambda admin, token: tokens.revoke(token=token, by=admin),
    ],
)
def test_a_failing_audit_row_rolls_all_back(
    admin: User, monkeypatch: pytest.MonkeyPatch, act: Callable[[User, Token], Any]
) -> None:
    token, _ = tokens.issue(name="m", by=admin, use_cases=["claims"])

    def broken(**_: Any) -> None:
        raise DatabaseError("the record is full")

    monkeypatch.setattr(log, "record", broken)
    with pytest.raises(DatabaseError):
        act(admin, token)

    assert Token.objects.filter(revoked_at=None).count() == 1


def test_the_command_prints_the_token_and_nothing_else(use_case: Any) -> None:
    out, err = StringIO(), StringIO()
    call_command(
        "create_token",
        "m",
        "--assistant",
        "--use-case",
        "claims",
        "--use-case",
        "typo",
        stdout=out,
        stderr=err,
    )

    grant = tokens.check(out.getvalue().removesuffix("\n"))
    assert grant is not None
    assert grant.use_cases == {"claims", "typo"}
    assert "There is no use case “typo” yet" in err.getvalue()


@pytest.mark.parametrize("arguments", [["m", "--user", "nobody"], ["m", "--assistant"], ["m"]])
def test_the_command_says_what_is_wrong(people: Any, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_token", *arguments, stdout=StringIO())
