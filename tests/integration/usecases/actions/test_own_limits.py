"""Who may both tune and set limits: what their own limits newly allow goes live with somebody else's word only."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from audit.models import Event
from tests.documents import claims
from tests.guardrails import ask_for
from usecases.actions import approvals, changes, guardrails, kill_switches, lanes, versions
from usecases.models import Guardrail, UseCase, Version
from usecases.publishing import NeedsApproval, Refused

KNOB = "bands.answer.from"
WIDE: dict[str, Any] = {KNOB: {"lane": [0.3, 1.0], "limit": [0.3, 1.0], "reason": ""}}
NARROW: dict[str, Any] = {KNOB: {"lane": [0.75, 0.95], "limit": [0.68, 1.0], "reason": ""}}
PAST_LANE, PAST_LIMIT = 0.7, 0.65


@pytest.fixture
def bounded(use_case: UseCase, risk: User) -> UseCase:
    """A use case whose limits are by risk."""
    widen(use_case, risk, NARROW)
    return UseCase.objects.get(pk=use_case.pk)


def widen(use_case: UseCase, by: User, knobs: dict[str, Any] = WIDE, **terms: Any) -> None:
    held = Guardrail.objects.get(use_case=use_case)
    guardrails.set_limits(
        use_case=use_case, knobs=knobs, approved_models=held.approved_models, terms=terms, by=by
    )


def live(use_case: UseCase) -> float:
    return float(Version.objects.filter(use_case=use_case).latest("number").document["bands"][0]["from"])


@pytest.mark.parametrize("to", [PAST_LANE, PAST_LIMIT])
def test_nobody_walks_alone_through_limits_that_they_widened(
    bounded: UseCase, admin: User, risk: User, ops: User, to: float
) -> None:
    widen(bounded, admin)
    events = Event.objects.count()
    with pytest.raises(NeedsApproval, match="somebody else's word"):
        versions.apply(use_case=bounded, document=claims(to), by=admin)
    assert Event.objects.count() == events

    change = changes.submit(use_case=bounded, document=claims(to), by=admin)
    with pytest.raises(Refused, match="Approvals"):
        changes.apply(change=change, by=admin)
    approvals.approve(change=change, by=risk)
    changes.apply(change=change, by=admin)
    assert live(bounded) == to


def test_others_go_by_the_limits_as_they_are(bounded: UseCase, admin: User, ops: User) -> None:
    widen(bounded, admin)
    versions.apply(use_case=bounded, document=claims(PAST_LANE), by=ops)
    assert live(bounded) == PAST_LANE


def test_limits_that_somebody_else_set_since_are_theirs(bounded: UseCase, admin: User, risk: User) -> None:
    widen(bounded, admin)
    ask_for(bounded, risk, evidence_hours=24)
    versions.apply(use_case=bounded, document=claims(PAST_LANE), by=admin)
    assert live(bounded) == PAST_LANE


def test_what_others_limits_allow_too_needs_nobody(bounded: UseCase, admin: User) -> None:
    widen(bounded, admin)
    versions.apply(use_case=bounded, document=claims(0.9), by=admin)
    assert live(bounded) == 0.9


def test_asking_for_no_approvals_any_more_is_a_widening_too(bounded: UseCase, admin: User) -> None:
    widen(bounded, admin, Guardrail.objects.get(use_case=bounded).knobs, approvals=0)
    with pytest.raises(NeedsApproval):
        versions.apply(use_case=bounded, document=claims(PAST_LANE), by=admin)


def test_a_shared_lane_that_somebody_widened_is_theirs_as_well(
    bounded: UseCase, admin: User, risk: User
) -> None:
    lane = lanes.create(slug="shared", name="Shared", by=risk, knobs={KNOB: {"lane": [0.8, 1.0]}}).lane
    ask_for(bounded, risk, lanes=["shared"])
    lanes.set_lane(lane=lane, by=admin, knobs={KNOB: {"lane": [0.3, 1.0]}})
    with pytest.raises(NeedsApproval):
        versions.apply(use_case=bounded, document=claims(0.78), by=admin)


def test_going_back_and_leaving_a_safe_state_are_no_ways_around(
    use_case: UseCase, admin: User, risk: User, ops: User
) -> None:
    versions.apply(use_case=use_case, document=claims(0.9), by=ops)
    widen(use_case, risk, {KNOB: {"lane": [0.88, 1.0]}}, approvals_to_restore=1)
    widen(use_case, admin, approvals_to_restore=0)
    with pytest.raises(NeedsApproval):
        versions.revert(use_case=use_case, to=1, by=admin)
    kill_switches.engage(use_case=use_case, by=admin)
    with pytest.raises(NeedsApproval):
        kill_switches.restore(use_case=use_case, by=admin)
    kill_switches.restore(use_case=use_case, by=risk)
