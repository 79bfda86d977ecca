"""Tokens: shown once, stored as a digest, checked cheaply, gone everywhere once revoked."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.http import Http404
from django.utils import timezone
from guardian.shortcuts import remove_perm
from pytest_django import DjangoAssertNumQueries

from audit import log
from audit.models import Event
from console import tokens
from console.models import Token
from tests.integration.signing_in import come_in
from tests.record import failing_record
from usecases.models import UseCase
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


def test_people_make_their_own_tokens_alone_and_admins_end_any(admin: User, ops: User, risk: User) -> None:
    own, _ = tokens.issue(name="own", by=ops, user=ops)
    for maker in (ops, admin):  # whoever has the text acts as the other, and approves as them
        with pytest.raises(Forbidden):
            tokens.issue(name="other", by=maker, user=risk)
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
    _, gone = tokens.issue(name="gone", by=ops, user=ops)
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
        lambda admin, token: tokens.rotate(token=token, by=admin),
    ],
)
def test_a_failing_audit_row_rolls_all_back(admin: User, act: Callable[[User, Token], Any]) -> None:
    token, text = tokens.issue(name="m", by=admin, use_cases=["claims"])

    with failing_record():
        act(admin, token)

    assert Token.objects.filter(revoked_at=None, digest=tokens.key_of(text)).count() == 1


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


def test_a_rotated_token_has_a_new_text_and_the_old_one_works_for_a_while(
    admin: User, django_capture_on_commit_callbacks: Any
) -> None:
    token, old = tokens.issue(name="desk", by=admin, use_cases=["claims"])
    assert tokens.check(old) is not None

    with django_capture_on_commit_callbacks(execute=True):
        _, new = tokens.rotate(token=token, by=admin, grace=timedelta(seconds=0.4), reason="Spring")

    first, second = tokens.check(old), tokens.check(new)
    assert first is not None
    assert second is not None
    assert (first.name, first.use_cases) == (second.name, second.use_cases)
    assert second.expires_at is None
    event = Event.objects.get(kind="token.rotated")
    assert event.sentence == "admin rotated the token “desk” of assistants of claims."
    assert new not in str(event.new)
    import time

    time.sleep(0.5)
    assert tokens.check(old) is None
    tokens.memory.forget()
    assert tokens.check(old) is None
    assert tokens.check(new) is not None


def test_rotating_again_ends_the_text_before_the_last(admin: User) -> None:
    token, first = tokens.issue(name="desk", by=admin, use_cases=["claims"])
    tokens.rotate(token=token, by=admin)
    _, third = tokens.rotate(token=token, by=admin)
    tokens.memory.forget()
    assert tokens.check(first) is None
    assert tokens.check(third) is not None


def test_a_rotated_token_of_a_person_works_as_long_again(ops: User) -> None:
    token, _ = tokens.issue(name="mine", by=ops, user=ops)
    assert token.expires_at is not None
    assert timedelta(days=89) < token.expires_at - timezone.now() <= timedelta(days=90)
    Token.objects.filter(pk=token.pk).update(
        created_at=timezone.now() - timedelta(days=80), expires_at=timezone.now() + timedelta(days=10)
    )

    token, _ = tokens.rotate(token=token, by=ops)

    assert token.expires_at is not None
    assert timedelta(days=89) < token.expires_at - timezone.now() <= timedelta(days=90)


def test_no_text_of_a_token_outlives_the_token(ops: User) -> None:
    token, old = tokens.issue(name="m", by=ops, user=ops, expires_at=timezone.now() + timedelta(hours=1))
    token, _ = tokens.rotate(token=token, by=ops, grace=timedelta(days=1))
    grant = tokens.check(old)
    assert grant is not None
    assert grant.expires_at == token.expires_at


def test_what_cannot_be_rotated_is_refused_and_writes_nothing(admin: User, ops: User, risk: User) -> None:
    token, text = tokens.issue(name="mine", by=ops, user=ops)
    with pytest.raises(Forbidden):
        tokens.rotate(token=token, by=risk)
    with pytest.raises(Refused, match="14 days"):
        tokens.rotate(token=token, by=ops, grace=timedelta(days=15))
    with pytest.raises(Refused, match="replaced already"):
        tokens.rotate(token=token, by=ops, held="another key")
    tokens.revoke(token=token, by=ops)
    with pytest.raises(Refused, match="has ended"):
        tokens.rotate(token=token, by=ops)
    assert not Event.objects.filter(kind="token.rotated").exists()
    assert Token.objects.get().digest == tokens.key_of(text)


@pytest.mark.parametrize("wish", [{"scope": "none"}, {"expires_at": timezone.now() + timedelta(days=400)}])
def test_a_person_s_token_works_a_year_at_most_and_reads_or_does(ops: User, wish: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        tokens.issue(name="mine", by=ops, user=ops, **wish)
    with pytest.raises(Refused):
        tokens.issue(name="desk", by=log.System("command"), use_cases=["claims"], scope="read")


def test_a_token_that_only_reads_changes_nothing_through_any_door(
    client: Any, ops: User, use_case: Any
) -> None:
    _, text = tokens.issue(name="report", by=ops, user=ops, scope="read")
    headers = {"Authorization": f"Bearer {text}"}
    assert client.get("/api/v1/use-cases/claims", headers=headers).status_code == 200
    for path in ("use-cases/claims/kill", "kill", "use-cases/claims/changes", "use-cases"):
        refused = client.post(f"/api/v1/{path}", "{}", content_type="application/json", headers=headers)
        assert refused.status_code == 403, path
        assert "may only read" in refused.json()["detail"]
    assert not Event.objects.filter(kind__startswith="kill").exists()


def test_an_admin_ends_another_s_token_and_never_gets_its_text(
    client: Any, ops: User, risk: User, admin: User
) -> None:
    token, text = tokens.issue(name="mine", by=risk, user=risk)
    client.force_login(admin)

    refused = client.post(f"/tokens/{token.pk}/rotate", {"grace": "24"})

    assert refused.status_code == 404
    assert "oc_" not in refused.content.decode()
    assert tokens.check(text) is not None
    with pytest.raises(Forbidden, match="revoke"):
        tokens.rotate(token=token, by=admin)
    client.post(f"/tokens/{token.pk}/revoke")
    assert tokens.valid([tokens.key_of(text)]) == {}
    client.force_login(ops)
    assert client.post(f"/tokens/{token.pk}/rotate").status_code == 404


@pytest.mark.parametrize("whose", ["person", "reader", "assistant"])
def test_a_program_rotates_the_token_it_holds(client: Any, ops: User, admin: User, whose: str) -> None:
    whom: dict[str, Any] = {"use_cases": ["claims"]} if whose == "assistant" else {"user": ops}
    scope = "read" if whose == "reader" else "full"
    _, old = tokens.issue(name="mine", by=admin if whose == "assistant" else ops, scope=scope, **whom)
    headers = {"Authorization": f"Bearer {old}"}

    answer = client.post("/api/v1/tokens/rotate", content_type="application/json", headers=headers)

    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["name"] == "mine"
    assert tokens.check(told["token"]) is not None
    again = client.post("/api/v1/tokens/rotate", content_type="application/json", headers=headers)
    assert again.status_code == 422
    assert "replaced already" in again.json()["detail"]
    assert client.post("/api/v1/tokens/rotate", headers={"Authorization": "Bearer oc_no"}).status_code == 401


def test_the_command_rotates_and_prints_the_text_and_nothing_else(admin: User) -> None:
    tokens.issue(name="desk", by=admin, use_cases=["claims"])
    out = StringIO()
    call_command("rotate_token", "desk", "--grace-hours", "1", stdout=out, stderr=StringIO())
    assert tokens.check(out.getvalue().removesuffix("\n")) is not None
    with pytest.raises(CommandError):
        call_command("rotate_token", "nobody", stdout=StringIO())


def test_a_token_that_is_unused_or_ends_soon_is_pointed_out(admin: User, ops: User) -> None:
    desk, _ = tokens.issue(name="desk", by=admin, use_cases=["claims"])
    soon, _ = tokens.issue(name="soon", by=ops, user=ops, expires_at=timezone.now() + timedelta(days=5))
    assert tokens.worry(desk) == ""
    assert tokens.worry(soon) == "Ends soon: rotate it"
    desk.last_used_at = timezone.now() - timedelta(days=40)
    assert tokens.worry(desk) == "Unused for a month: revoke it"


def test_the_page_makes_a_reading_token_and_rotates_it(client: Any, ops: User, risk: User) -> None:
    come_in(client, ops)
    made = client.post("/tokens", {"name": "report", "scope": "read", "days": "30"})
    assert "oc_" in made.content.decode()
    token = Token.objects.get()
    assert (token.scope, token.expires_at is not None) == ("read", True)
    rotated = client.post(f"/tokens/{token.pk}/rotate", {"grace": "1"}).content.decode()
    assert "oc_" in rotated
    assert "The text before works until" in rotated
    assert client.post("/tokens", {"name": "x", "days": "9999"}).status_code == 422
    assert client.post(f"/tokens/{token.pk}/rotate", {"grace": "9"}).headers["Location"] == "/tokens"
    client.force_login(risk)
    assert client.post(f"/tokens/{token.pk}/rotate").status_code == 404


def test_an_admin_gets_no_token_of_assistants_of_what_they_do_not_see(
    client: Any, admin: User, use_case: UseCase
) -> None:
    token, _ = tokens.issue(name="desk", by=COMMAND, use_cases=["claims", "not-there-yet"])
    assert tokens.may_rotate(admin, token)
    for row in Group.objects.all():
        remove_perm("usecases.view_usecase", row, use_case)
    outsider = User.objects.get(pk=admin.pk)

    with pytest.raises(Http404):
        tokens.issue(name="mine", by=outsider, use_cases=["claims"])
    with pytest.raises(Forbidden):
        tokens.rotate(token=token, by=outsider)
    come_in(client, outsider)
    assert "claims" not in client.get("/tokens").content.decode()
    for verb in ("rotate", "revoke"):
        assert client.post(f"/tokens/{token.pk}/{verb}").status_code == 404


def test_an_open_session_makes_and_rotates_tokens_only_for_whom_it_belongs_to(client: Any, ops: User) -> None:
    ops.set_password("a password of twelve")
    ops.save()
    token, text = tokens.issue(name="mine", by=ops, user=ops)
    client.force_login(ops)  # as taken over: nobody knows how it was opened

    for path in ("/tokens", f"/tokens/{token.pk}/rotate"):
        asked = client.post(path, {"name": "report", "scope": "read"})
        assert asked.headers["Location"].startswith("/account/confirm?next="), path
    assert (Token.objects.count(), tokens.check(text) is not None) == (1, True)

    asked = client.post("/tokens", {"name": "report", "scope": "read"})
    made = client.post(asked.headers["Location"], {"password": "a password of twelve"})
    assert 'id="secret">oc_' in made.content.decode(), "what was sent goes on where it stopped"
    assert Token.objects.filter(name="report", scope="read").count() == 1
    assert client.post(f"/tokens/{token.pk}/revoke").headers["Location"] == "/tokens"


def test_whom_only_a_provider_can_ask_signs_in_again_for_a_token(client: Any, stranger: User) -> None:
    client.force_login(stranger)
    refused = client.post("/tokens", {"name": "mine"})
    assert (refused.status_code, Token.objects.count()) == (403, 0)
    assert "sign out and in again" in refused.content.decode()
    assert client.post("/tokens/1/revoke").status_code == 404
    assert come_in(client, stranger).post("/tokens", {"name": "mine"}).status_code == 200
