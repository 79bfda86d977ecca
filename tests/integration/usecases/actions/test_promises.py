"""The owner states what is promised; what makes no sense is told field by field."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from audit.models import Event
from tests.record import failing_record
from usecases import promises
from usecases.actions import promises as actions
from usecases.models import Promise, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import Refused


def test_a_promise_is_kept_with_its_history_and_told_in_the_record(use_case: UseCase, ops: User) -> None:
    assert promises.of(use_case).wrong_at_most == 0.02
    assert promises.of(use_case).pk is None
    actions.state(use_case=use_case, promise={"wrong_at_most": 0.03}, by=ops, reason="Agreed with legal")
    actions.state(use_case=use_case, promise={"cost_at_most_usd": 0.5, "review_usd": 3}, by=ops)

    row = promises.of(use_case)
    assert (row.wrong_at_most, row.confidence, row.cost_at_most_usd) == (0.03, 0.95, 0.5)
    assert (promises.people(use_case).review_usd, row.stated_by, row.history.count()) == (3.0, "ops", 2)
    event = Event.objects.latest("id")
    assert (event.kind, event.use_case, event.actor) == ("promise.stated", "claims", "ops")
    assert event.sentence == (
        "Promised: at most 3% wrong among answered, with 95% confidence. A task costs at most $0.5. "
        "A review costs $3 and takes 4 min, an escalation $6 and 12 min."
    )
    assert [side["review_usd"] for side in (event.old, event.new) if side] == [2.0, 3.0]
    actions.state(use_case=use_case, promise={"cost_at_most_usd": None}, by=ops)
    assert promises.of(use_case).cost_at_most_usd is None


def test_stating_the_same_again_writes_nothing(use_case: UseCase, ops: User) -> None:
    actions.state(use_case=use_case, promise={}, by=ops)
    events = Event.objects.count()
    row = actions.state(use_case=use_case, promise={"wrong_at_most": 0.02, "review_usd": 2}, by=ops)
    assert (Event.objects.count(), row.history.count()) == (events, 1)


@pytest.mark.parametrize(
    ("promise", "paths"),
    [
        ({"wrong_at_most": 0}, ["wrong_at_most"]),
        ({"wrong_at_most": "2 %", "confidence": 1.0}, ["wrong_at_most", "confidence"]),
        ({"wrong_at_most": float("nan")}, ["wrong_at_most"]),
        ({"review_usd": None, "escalation_usd": -1, "review_minutes": True}, 3),
        ({"cost_at_most_usd": 10**400}, ["cost_at_most_usd"]),
        ({"colour": 1}, ["colour"]),
        ([], ["promise"]),
    ],
)
def test_what_cannot_be_promised_is_told_field_by_field(
    use_case: UseCase, ops: User, promise: Any, paths: Any
) -> None:
    with pytest.raises(Refused) as refused:
        actions.state(use_case=use_case, promise=promise, by=ops)
    found = [error["path"] for error in refused.value.errors]
    assert found == (paths if isinstance(paths, list) else list(promise))
    assert not Promise.objects.exists()


def test_only_who_may_tune_may_promise(use_case: UseCase, risk: User, stranger: User) -> None:
    with pytest.raises(Forbidden):
        actions.state(use_case=use_case, promise={"wrong_at_most": 0.1}, by=risk)
    with pytest.raises(Http404):
        actions.state(use_case=use_case, promise={"wrong_at_most": 0.1}, by=stranger)


def test_a_failing_audit_row_rolls_the_promise_back(use_case: UseCase, ops: User) -> None:
    with failing_record():
        actions.state(use_case=use_case, promise={"wrong_at_most": 0.1}, by=ops)
    assert not Promise.objects.exists()
