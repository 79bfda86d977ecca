"""Accounts, passwords and groups that whoever runs the console gives at the machine."""

from io import StringIO
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from audit import log
from audit.models import Event
from console import new_accounts
from tests.record import failing_record
from usecases.publishing import Refused

MACHINE = log.System("command")


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def comes_in(name: str, password: str) -> bool:
    return Client().post("/sign-in", {"username": name, "password": password}).status_code == 302


def test_who_gets_an_account_signs_in_with_the_printed_password_and_has_the_role(ops: User) -> None:
    password = run("create_account", "risk2", "--group", "risk", "--reason", "Joins")

    assert comes_in("risk2", password)
    assert [group.name for group in User.objects.get(username="risk2").groups.all()] == ["risk"]
    event = Event.objects.get(kind="person.created")
    assert (event.sentence, event.reason) == ("command made the account risk2.", "Joins")
    assert event.new == {"account": "risk2", "groups": ["risk"]}


@pytest.mark.parametrize(
    ("name", "groups", "why"),
    [
        ("ops", [], "already exists"),
        ("", [], "cannot be blank"),
        ("two words", [], "Enter a valid username"),
        ("risk2", ["nobody"], "There is no group “nobody”. There are: admin, operations, risk."),
    ],
)
def test_an_account_that_cannot_be_is_refused_and_nothing_written(
    ops: User, name: str, groups: list[str], why: str
) -> None:
    before = User.objects.count(), Event.objects.count()
    with pytest.raises(Refused, match=why):
        new_accounts.create(name=name, by=MACHINE, groups=groups)
    with pytest.raises(CommandError, match=why):
        run("create_account", name, *(part for group in groups for part in ("--group", group)))
    assert (User.objects.count(), Event.objects.count()) == before


@pytest.mark.parametrize("name", ["OPS", "ops", "\u0430dmin", "Console", "left", "sign-in", "a b"])
def test_no_account_gets_a_name_that_passes_for_another_s(ops: User, stranger: User, name: str) -> None:
    stranger.username = "left"  # whom the record tells of, and no account has the name any more
    log.record(kind="person.signed_out", sentence="left signed out.", by=stranger)
    with pytest.raises(Refused):
        new_accounts.create(name=name, by=MACHINE)
    assert Event.objects.count() == 1


def test_a_forgotten_password_is_replaced_and_sessions_end(
    ops: User, django_capture_on_commit_callbacks: Any
) -> None:
    first = new_accounts.new_password(person=ops, by=MACHINE)
    browser = Client()
    assert browser.post("/sign-in", {"username": "ops", "password": first}).status_code == 302

    with django_capture_on_commit_callbacks(execute=True):
        second = run("new_password", "ops", "--reason", "Forgot it")

    assert browser.get("/").status_code == 302
    assert not comes_in("ops", first)
    assert comes_in("ops", second)
    event = Event.objects.filter(kind="person.password_changed").latest("id")
    assert (event.sentence, event.reason) == ("command gave ops a new password.", "Forgot it")


def test_who_signs_in_through_a_provider_gets_no_password_here(ops: User) -> None:
    ops.set_unusable_password()
    ops.save()
    with pytest.raises(CommandError, match="through a provider"):
        run("new_password", "ops")
    with pytest.raises(CommandError, match="There is no account"):
        run("new_password", "nobody")
    assert not Event.objects.filter(kind="person.password_changed").exists()


def test_groups_are_set_as_said_and_the_same_again_writes_nothing(ops: User) -> None:
    assert run("set_groups", "ops", "--group", "risk", "--group", "operations") == "ops: operations, risk"
    written = Event.objects.count()
    run("set_groups", "ops", "--group", "operations", "--group", "risk")
    assert Event.objects.count() == written
    with pytest.raises(CommandError, match="There is no group “boss”"):
        run("set_groups", "ops", "--group", "boss")
    assert run("set_groups", "ops") == "ops: no group"


def test_what_the_record_does_not_take_does_not_happen(ops: User) -> None:
    ops.set_password("a password of twelve")
    ops.save()
    with failing_record():
        new_accounts.create(name="risk2", by=MACHINE, groups=["risk"])
    with failing_record():
        new_accounts.new_password(person=ops, by=MACHINE)
    assert not User.objects.filter(username="risk2").exists()
    assert comes_in("ops", "a password of twelve")
    assert UserSession.objects.count() == 1
