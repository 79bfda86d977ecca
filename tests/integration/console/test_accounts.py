"""What admins do to accounts, and how sessions end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from audit import log
from audit.models import Event
from console import accounts, sessions, tokens
from console.models import Token
from tests.record import failing_record
from usecases import permissions
from usecases.permissions import Forbidden
from usecases.publishing import Refused

PASSWORD = "a password of twelve"
ACTIONS = [accounts.deactivate, accounts.activate, accounts.remove_second_factor]


@pytest.fixture
def person(ops: User) -> User:
    """`ops`, with a password that tests know."""
    tokens.memory.forget()
    ops.set_password(PASSWORD)
    ops.save()
    return ops


def come(**headers: Any) -> Client:
    browser = Client(**headers)
    assert browser.post("/sign-in", {"username": "ops", "password": PASSWORD}).status_code == 302
    return browser


def test_switching_an_account_off_ends_sessions_and_tokens_at_once(
    person: User, admin: User, django_capture_on_commit_callbacks: Any
) -> None:
    browser = come()
    _, text = tokens.issue(name="script", by=person, user=person)
    assert tokens.check(text) is not None

    with django_capture_on_commit_callbacks(execute=True):
        accounts.deactivate(person=person, by=admin, reason="Left")

    assert browser.get("/").status_code == 302
    assert tokens.check(text) is None
    event = Event.objects.latest("id")
    assert (event.kind, event.sentence, event.reason) == (
        "person.deactivated",
        "admin switched the account ops off.",
        "Left",
    )
    assert event.old == {"active": True, "sessions": 1, "tokens": ["script"]}
    again = Client().post("/sign-in", {"username": "ops", "password": PASSWORD})
    assert "The name or the password is wrong" in again.content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        accounts.activate(person=person, by=admin)
    assert tokens.check(text) is None, "tokens stay revoked"
    come()


def test_a_lost_second_factor_is_taken_away_and_sessions_end(person: User, admin: User) -> None:
    browser = come()
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")

    accounts.remove_second_factor(person=person, by=admin, reason="Phone lost")

    assert not Authenticator.objects.exists()
    assert browser.get("/").status_code == 302
    assert Event.objects.latest("id").sentence == "admin took the second factor of ops away."


@pytest.mark.parametrize("action", ACTIONS)
def test_only_admins_change_accounts_and_never_their_own(
    people: dict[str, User], action: Callable[..., Any]
) -> None:
    with pytest.raises(Forbidden):
        action(person=people["risk"], by=people["ops"])
    if action is not accounts.activate:
        with pytest.raises(Refused):
            action(person=people["admin"], by=people["admin"])
    assert not Event.objects.exists()


@pytest.mark.parametrize("action", [accounts.activate, accounts.remove_second_factor])
def test_what_is_so_already_writes_nothing(people: dict[str, User], action: Callable[..., Any]) -> None:
    action(person=people["ops"], by=people["admin"])
    accounts.set_groups(person=people["ops"], groups=["operations"], by=log.System("sign-in"))
    assert not Event.objects.exists()


def test_switching_off_twice_writes_once(people: dict[str, User]) -> None:
    for _ in range(2):
        accounts.deactivate(person=people["ops"], by=people["admin"])
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda one, admin: accounts.deactivate(person=one, by=admin),
        lambda one, admin: accounts.remove_second_factor(person=one, by=admin),
        lambda one, admin: accounts.set_groups(person=one, groups=["risk"], by=log.System("sign-in")),
        lambda one, admin: sessions.end(sessions=UserSession.objects.all(), person=one, by=admin),
    ],
)
def test_a_failing_audit_row_rolls_all_back(
    person: User, admin: User, act: Callable[[User, User], Any]
) -> None:
    browser = come()
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    tokens.issue(name="script", by=person, user=person)

    with failing_record():
        act(person, admin)

    assert browser.get("/").status_code == 200
    assert Authenticator.objects.count() == 1
    assert Token.objects.filter(revoked_at=None).count() == 1
    assert list(person.groups.values_list("name", flat=True)) == ["operations"]


def test_a_person_sees_their_sessions_and_ends_another(person: User) -> None:
    here = come(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0")
    there = come(HTTP_USER_AGENT="Mozilla/5.0 (iPhone; CPU iPhone OS) Version/26 Safari/604")
    page = here.get("/account").content.decode()
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    other = next(one for one in sessions.of(person) if "iPhone" in one.user_agent)

    here.post(f"/account/sessions/{other.pk}/end")

    assert there.get("/").status_code == 302
    assert here.get("/").status_code == 200
    assert Event.objects.latest("id").sentence == "ops ended a session of their own."
    third = come()
    here.post("/account/sessions/end")
    assert third.get("/").status_code == 302
    assert here.get("/").status_code == 200


def test_nobody_ends_sessions_of_others_but_admins(person: User, risk: User, admin: User) -> None:
    browser = come()
    rows = UserSession.objects.all()
    with pytest.raises(Forbidden):
        sessions.end(sessions=rows, person=person, by=risk)
    stranger = Client()
    stranger.force_login(risk)
    assert stranger.post(f"/account/sessions/{rows.get(user=person).pk}/end").status_code == 404
    assert browser.get("/").status_code == 200
    assert sessions.end(sessions=rows, person=person, by=admin) == 1
    assert sessions.end(sessions=UserSession.objects.none(), person=person, by=admin) == 0
    assert Event.objects.filter(kind="session.ended").count() == 1


def test_a_session_ends_when_it_is_too_old_however_busy(person: User, settings: Settings) -> None:
    browser = come()
    assert browser.get("/").status_code == 200
    settings.SESSION_MAX_AGE = 0
    assert browser.get("/").status_code == 302


def test_what_a_page_fetches_by_itself_keeps_no_session_alive(person: User) -> None:
    browser = come()
    session = browser.session
    session["seen"] = 0
    session.save()

    browser.get("/", headers={"X-Live": "1"})
    assert browser.session["seen"] == 0
    browser.get("/")
    assert browser.session["seen"] > 0


def test_admins_see_people_and_switch_an_account_off(person: User, admin: User, ops: User) -> None:
    come()
    admin.set_password(PASSWORD)
    admin.save()
    viewer = Client()
    viewer.force_login(admin)
    asked = viewer.post(f"/people/{ops.pk}/deactivate")
    assert asked.headers["Location"].startswith("/account/confirm?"), "whoever sits there shows who they are"
    viewer.post("/sign-out")
    viewer.post("/sign-in", {"username": "admin", "password": PASSWORD})
    listed = viewer.get("/people").content.decode()
    assert "operations" in listed
    assert "stranger" in listed
    page = viewer.get(f"/people/{ops.pk}").content.decode()
    assert "Switch it off" in page

    done = viewer.post(f"/people/{ops.pk}/deactivate", {"reason": "Left"}, follow=True)
    assert "its sessions and tokens have ended" in done.content.decode()
    assert "Switch it on" in done.content.decode()
    refused = viewer.post(f"/people/{admin.pk}/deactivate", follow=True)
    assert "You cannot switch off your own account" in refused.content.decode()
    assert viewer.post(f"/people/{ops.pk}/nonsense").status_code == 404
    viewer.force_login(ops)
    assert viewer.get("/people").status_code == 302


def test_the_last_admin_is_not_switched_off_by_the_machine_either(people: dict[str, User]) -> None:
    with pytest.raises(Refused, match="last admin"):
        accounts.deactivate(person=people["admin"], by=log.System("command"))
    people["stranger"].groups.add(Group.objects.get(name="admin"))
    accounts.deactivate(person=people["admin"], by=log.System("command"))
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_switch_each_other_off_at_once_leave_one(people: dict[str, User]) -> None:
    one, other = people["admin"], people["stranger"]
    other.groups.add(Group.objects.get(name="admin"))
    start = threading.Barrier(2)

    def switch_off(person: User, by: User) -> None:
        try:
            by = User.objects.get(pk=by.pk)
            assert permissions.can_create(by)
            start.wait(30)
            accounts.deactivate(person=person, by=by)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(switch_off, one, other), pool.submit(switch_off, other, one)]
    refused = [future.exception() for future in done if future.exception()]
    assert [type(error) for error in refused] == [Forbidden]
    assert User.objects.filter(pk__in=[one.pk, other.pk], is_active=True).count() == 1
    assert Event.objects.filter(kind="person.deactivated").count() == 1
