"""One table: who may do what to a change in which state, by action, by API and by page. All three say the same."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm

from console import tokens
from tests.documents import claims
from usecases.actions import approvals, changes
from usecases.models import Change, UseCase
from usecases.publishing import Refused, Stale

STATES = ("open", "approved", "changes_requested", "applied", "vetoed", "withdrawn", "expired")
SOON = (timezone.now() + timedelta(days=1)).replace(microsecond=0)
ROLES = ("author", "owner", "risk", "admin", "looker", "stranger")
Act = Callable[[Change, User], Any]
# What is done: by action, by API (method, address, body), by page (button, form).
VERBS: dict[str, tuple[Act, tuple[str, str, dict[str, Any]], tuple[str, dict[str, Any]]]] = {
    "approve": (
        lambda c, by: approvals.approve(change=c, by=by),
        ("POST", "/approve", {}),
        ("approve", {}),
    ),
    "request": (
        lambda c, by: approvals.request_changes(change=c, by=by, reason="Less"),
        ("POST", "/request-changes", {"reason": "Less"}),
        ("request-changes", {"reason": "Less"}),
    ),
    "veto": (lambda c, by: approvals.veto(change=c, by=by), ("POST", "/veto", {}), ("veto", {})),
    "withdraw": (
        lambda c, by: changes.withdraw(change=c, by=by),
        ("POST", "/withdraw", {}),
        ("withdraw", {}),
    ),
    "apply": (lambda c, by: changes.apply(change=c, by=by), ("POST", "/apply", {}), ("apply", {})),
    "renew": (
        lambda c, by: changes.renew_evidence(change=c, by=by),
        ("POST", "/renew-evidence", {}),
        ("renew", {}),
    ),
    "schedule": (
        lambda c, by: changes.schedule(change=c, by=by, at=SOON),
        ("POST", "/schedule", {"at": SOON.isoformat()}),
        ("schedule", {"at": SOON.isoformat()}),
    ),
    "remark": (
        lambda c, by: changes.comment(change=c, by=by, text="Why?"),
        ("POST", "/remarks", {"text": "Why?"}),
        ("remark", {"reason": "Why?"}),
    ),
}
JUDGES, TUNERS, LIVING = (
    {"risk", "admin"},
    {"author", "owner", "admin"},
    {"open", "approved", "changes_requested"},
)


def expected(role: str, state: str, verb: str) -> str:
    """Return what the rules say: done, forbidden, refused or hidden."""
    if role == "stranger":
        return "hidden"
    allowed = {
        "approve": JUDGES,
        "request": JUDGES,
        "veto": JUDGES,
        "withdraw": {"author"},
        "renew": {"author"},
        "apply": TUNERS,
        "schedule": TUNERS,
        "remark": JUDGES | TUNERS,
    }[verb]
    if role not in allowed:
        return "forbidden"
    ended = {"veto": "vetoed", "withdraw": "withdrawn", "apply": "applied"}  # the same end twice is no fault
    if verb == "remark" or ended.get(verb) == state:
        return "done"
    if state not in LIVING or (verb == "approve" and state == "changes_requested"):
        return "refused"
    return "refused" if verb == "apply" and state != "approved" else "done"


@pytest.fixture
def cast(people: dict[str, User], use_case: UseCase) -> dict[str, User]:
    """The people of the table: an owner beside the author, and one who may only look."""
    looker = User.objects.create_user("looker")
    assign_perm("usecases.view_usecase", looker, use_case)
    owner = User.objects.create_user("owner")
    for verb in ("view", "tune"):
        assign_perm(f"usecases.{verb}_usecase", owner, use_case)
    named = {"author": people["ops"], "looker": looker, "owner": owner}
    return named | {name: people[name] for name in ("risk", "admin", "stranger")}


def brought_to(change: Change, state: str, cast: dict[str, User]) -> None:
    if state in ("approved", "applied"):
        approvals.approve(change=change, by=cast["risk"])
    if state == "applied":
        changes.apply(change=change, by=cast["author"])
    elif state == "changes_requested":
        approvals.request_changes(change=change, by=cast["risk"], reason="More")
    elif state == "vetoed":
        approvals.veto(change=change, by=cast["risk"])
    elif state == "withdrawn":
        changes.withdraw(change=change, by=cast["author"])
    elif state == "expired":
        Change.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def by_action(act: Act, change: Change, by: User) -> str:
    try:
        act(Change.objects.select_related("use_case").get(pk=change.pk), User.objects.get(pk=by.pk))
    except Http404:
        return "hidden"
    except PermissionDenied:
        return "forbidden"
    except (Refused, Stale):
        return "refused"
    return "done"


ANSWERS = {200: "done", 302: "done", 403: "forbidden", 404: "hidden", 422: "refused", 409: "refused"}


def undone(call: Callable[[], str]) -> str:
    """Carry something out, and take it back."""
    with transaction.atomic():
        found = call()
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("state", STATES)
def test_who_may_do_what_to_a_change(
    use_case: UseCase, cast: dict[str, User], client: Client, state: str
) -> None:
    change = changes.submit(use_case=use_case, document=claims(0.7), by=cast["author"])
    brought_to(change, state, cast)
    keys = {role: tokens.issue(name=role, by=cast[role], user=cast[role])[1] for role in ROLES}

    programs, pages = Client(), client

    def by_api(role: str, method: str, path: str, body: dict[str, Any]) -> str:
        answer = programs.generic(
            method,
            f"/api/v1/use-cases/claims/changes/1{path}",
            data=json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {keys[role]}"},
        )
        return ANSWERS.get(answer.status_code, f"{answer.status_code}: {answer.content!r}")

    def by_page(verb: str, body: dict[str, Any]) -> str:
        status = pages.post(f"/use-cases/claims/approvals/1/{verb}", body).status_code
        return ANSWERS.get(status, str(status))

    wrong = []
    for role in ROLES:
        pages.force_login(cast[role])
        for verb, (act, api, page) in VERBS.items():
            want = expected(role, state, verb)
            got = [
                undone(partial(by_action, act, change, cast[role])),
                undone(partial(by_api, role, *api)),
                undone(partial(by_page, *page)),
            ]
            if got != [want] * 3:
                wrong.append((role, verb, want, got))
    assert not wrong
