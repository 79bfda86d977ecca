"""Risk sets the limits; everybody else reads them."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from audit.models import Event
from tests.guardrails import ask_for
from tests.record import failing_record
from usecases.actions import guardrails
from usecases.models import Guardrail, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import Refused

BOUND = {"bands.answer.from": {"lane": [0.8, 0.9], "limit": [0.7, 1.0], "reason": "Peak season."}}


def test_set_limits_changes_and_records(use_case: UseCase, risk: User) -> None:
    guardrails.set_limits(use_case=use_case, knobs=BOUND, approved_models=[], by=risk, reason="Peak")

    row = Guardrail.objects.get(use_case=use_case)
    assert (row.knobs, row.set_by) == (BOUND, "risk")
    event = Event.objects.latest("id")
    assert (event.kind, event.actor) == ("guardrail.set", "risk")
    assert event.new == {"knobs": BOUND, "models": []}
    assert row.history.count() == 2


def test_set_the_same_limits_writes_nothing(use_case: UseCase, risk: User) -> None:
    held = use_case.guardrail
    events = Event.objects.count()
    guardrails.set_limits(use_case=use_case, knobs=held.knobs, approved_models=held.approved_models, by=risk)
    assert Event.objects.count() == events


def test_owners_may_not_set_their_own_limits(use_case: UseCase, ops: User) -> None:
    with pytest.raises(Forbidden, match="set limits"):
        guardrails.set_limits(use_case=use_case, knobs=BOUND, approved_models=[], by=ops)


@pytest.mark.parametrize(
    ("path", "bound", "where"),
    [
        ("bands.answer.from", {"limit": [0.9, 0.1]}, "knobs.bands.answer.from.limit"),
        ("bands.answer.from", {"limit": [0.5, 0.9], "lane": [0.1, 0.6]}, "knobs.bands.answer.from.lane"),
        ("bands.answer.from", {"limit": [0.5, 0.9], "lane": [0.6, 0.95]}, "knobs.bands.answer.from.lane"),
        ("bands.answer.from", {"limit": ["a", 1]}, "knobs.bands.answer.from.limit"),
        ("bands.answer.from", {"lanes": [0, 1]}, "knobs.bands.answer.from"),
        ("colour", {"limit": [0, 1]}, "knobs.colour"),
        ("bands.answer.from", {"limit": [0, 2**53 + 1]}, "knobs.bands.answer.from.limit[1]"),
        ("bands.answer.from", {"limit": [0, 10**400]}, "knobs.bands.answer.from.limit[1]"),
        ("bands.answer.from", {"limit": [0, 1e300]}, "knobs.bands.answer.from.limit[1]"),
        ("bands.answer.from", {"reason": "half \ud800"}, "knobs.bands.answer.from.reason"),
    ],
)
def test_bounds_that_make_no_sense_are_refused_by_path(
    use_case: UseCase, risk: User, path: str, bound: dict[str, Any], where: str
) -> None:
    with pytest.raises(Refused) as refusal:
        guardrails.set_limits(use_case=use_case, knobs={path: bound}, approved_models=[], by=risk)
    assert refusal.value.errors[0]["path"] == f"guardrails.{where}"


def test_a_failing_audit_row_rolls_the_limits_back(use_case: UseCase, risk: User) -> None:
    before = use_case.guardrail.knobs
    with failing_record():
        guardrails.set_limits(use_case=use_case, knobs=BOUND, approved_models=[], by=risk)
    assert Guardrail.objects.get(use_case=use_case).knobs == before


def test_more_than_a_document_may_hold_is_refused(use_case: UseCase, risk: User) -> None:
    models = [f"openai/model-{number}" for number in range(20_000)]
    with pytest.raises(Refused) as refusal:
        guardrails.set_limits(use_case=use_case, knobs={}, approved_models=models, by=risk)
    assert refusal.value.errors[0]["path"] == "guardrails"


def test_approvers_nobody_knows_are_refused_beside_every_other_fault(use_case: UseCase, risk: User) -> None:
    named = {"groups": ["risk", "rsik"], "people": ["nobody"]}
    with pytest.raises(Refused) as refused:
        ask_for(use_case, risk, approvals=9, approvers=named)

    told = {error["path"]: error["message"] for error in refused.value.errors}
    assert told.keys() == {
        "guardrails.approvals",
        "guardrails.approvers.groups",
        "guardrails.approvers.people",
    }
    assert "names “rsik”, whom nobody knows here." in told["guardrails.approvers.groups"]
