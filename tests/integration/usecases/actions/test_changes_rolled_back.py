"""Where the record cannot be written, nothing of a change is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.documents import claims
from tests.record import failing_record
from usecases.actions import approvals, changes
from usecases.models import Change, Version

ACTIONS: dict[str, Callable[[Change, dict[str, User]], Any]] = {
    "submit": lambda c, p: changes.submit(use_case=c.use_case, document=claims(0.71), by=p["ops"]),
    "amend": lambda c, p: changes.amend(change=c, by=p["ops"], document=claims(0.71)),
    "approve": lambda c, p: approvals.approve(change=c, by=p["risk"]),
    "request changes": lambda c, p: approvals.request_changes(change=c, by=p["risk"], reason="Less"),
    "veto": lambda c, p: approvals.veto(change=c, by=p["risk"]),
    "withdraw": lambda c, p: changes.withdraw(change=c, by=p["ops"]),
    "schedule": lambda c, p: changes.schedule(change=c, by=p["ops"], at=timezone.now() + timedelta(days=1)),
    "renew": lambda c, p: changes.renew_evidence(change=c, by=p["ops"]),
    "comment": lambda c, p: changes.comment(change=c, by=p["risk"], text="Why?"),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_failing_audit_row_rolls_all_back(change: Change, people: dict[str, User], action: str) -> None:
    before = snapshot()
    with failing_record():
        ACTIONS[action](change, people)
    assert snapshot() == before


def test_a_failing_audit_row_keeps_an_approved_change_from_going_live(
    change: Change, ops: User, risk: User
) -> None:
    approvals.approve(change=change, by=risk)
    with failing_record():
        changes.apply(change=change, by=ops)
    assert (Change.objects.get().status, Version.objects.count()) == ("open", 1)


def snapshot() -> Any:
    rows = list(Change.objects.order_by("pk").values())
    return rows, [list(row.approvals.values()) for row in Change.objects.all()], Version.objects.count()
