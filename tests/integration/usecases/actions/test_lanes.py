"""Lanes that several use cases share: setting one judges each of them anew, and takes the right to approve on all."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from guardian.shortcuts import remove_perm

from audit.models import Event
from tests.documents import LOOSE, claims
from tests.guardrails import ask_for
from tests.record import failing_record
from usecases import lanes as holding
from usecases import permissions
from usecases.actions import (
    approvals,
    changes,
    guardrails,
    kill_switches,
    lanes,
    overrides,
    use_cases,
    versions,
)
from usecases.models import Change, Guardrail, Lane, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import NeedsApproval, Refused
from usecases.reviewing import review_of

EDGE = "bands.answer.from"
STRICT = {EDGE: {"lane": [0.8, 1.0], "limit": [0.75, 1.0], "reason": "Customers read it."}}


@pytest.fixture
def lane(risk: User) -> Lane:
    done = lanes.create(
        slug="customer-facing", name="Customer-facing", knobs=STRICT, by=risk, reason="Spring"
    )
    return done.lane


@pytest.fixture
def shared(use_case: UseCase, lane: Lane, risk: User) -> UseCase:
    """The use case “claims”, which names the lane."""
    return ask_for(use_case, risk, lanes=[lane.slug])


def test_a_lane_is_made_and_recorded(lane: Lane) -> None:
    assert (lane.set_by, lane.history.count()) == ("risk", 1)
    event = Event.objects.latest("id")
    assert (event.kind, event.sentence, event.reason) == (
        "lane.created",
        "Lane “Customer-facing” made.",
        "Spring",
    )


def test_naming_a_lane_is_recorded_and_the_strictest_holds(shared: UseCase, ops: User) -> None:
    assert Event.objects.latest("id").sentence == "Guardrails set: shared lanes."
    bound = holding.effective(shared.guardrail)["knobs"][EDGE]
    assert (bound["lane"], bound["limit"]) == ([0.8, 0.95], [0.75, 1.0])
    with pytest.raises(NeedsApproval, match=r"0\.80 to 0\.95.*Lane “Customer-facing”: Customers read it\."):
        versions.apply(use_case=shared, document=claims(0.78), by=ops)
    with pytest.raises(Refused, match=r"outside the limit: 0\.75 to 1\.00"):
        versions.apply(use_case=shared, document=claims(0.7), by=ops)


def test_a_lane_can_be_named_when_a_use_case_is_made(lane: Lane, admin: User) -> None:
    with pytest.raises(Refused):
        _make(admin, document=claims(0.7))
    version = _make(admin)
    assert version.use_case.guardrail.as_dict()["lanes"] == ["customer-facing"]


def _make(admin: User, document: dict[str, Any] | None = None, slug: str = "disputes") -> Any:
    return use_cases.create(
        slug=slug,
        name="Disputes",
        owner="desk",
        document=document or claims(),
        by=admin,
        guardrails={"lanes": ["customer-facing"]},
    )


def test_setting_a_lane_says_who_is_newly_outside_and_whose_approvals_are_void(
    use_case: UseCase, lane: Lane, risk: User, change: Change, admin: User
) -> None:
    ask_for(use_case, risk, lanes=[lane.slug])
    lanes.set_lane(lane=lane, by=risk, knobs={EDGE: {"limit": [0.5, 1.0]}})
    approvals.approve(change=change, by=risk)
    assert review_of(change).approved_by == ["risk"]
    other = _make(admin)

    tighter = {EDGE: {"limit": [0.9, 1.0], "reason": "Wrong answers."}}
    seen = lanes.set_lane(lane=lane, by=risk, knobs=tighter, dry_run=True)
    assert Lane.objects.get().knobs == {EDGE: {"limit": [0.5, 1.0]}}
    done = lanes.set_lane(lane=lane, by=risk, knobs=tighter, reason="Wrong answers")

    assert [one.as_dict() for one in seen.rechecked] == [one.as_dict() for one in done.rechecked]
    assert done.sentence == "2 use cases use it; 2 newly outside; approvals of 1 open change become void."
    by_slug = {one.use_case.slug: one for one in done.rechecked}
    (failing,) = by_slug["claims"].failing
    assert (failing.key, "Lane “Customer-facing”: Wrong answers." in failing.evidence) == (
        "limits",
        True,
    )
    assert [one.number for one in by_slug["claims"].voided] == [change.number]
    assert by_slug[other.use_case.slug].voided == ()
    (verdict,) = review_of(change).verdicts
    assert verdict.why == "Void: the guardrails were changed since."
    events = Event.objects.filter(kind="lane.set").order_by("-id")[:3]
    assert {event.use_case for event in events} == {"", "claims", "disputes"}
    further = lanes.set_lane(lane=lane, by=risk, knobs={EDGE: {"limit": [0.92, 1.0]}})
    assert [one.failing for one in further.rechecked] == [(), ()], "outside they were before"
    assert [one.voided for one in further.rechecked] == [(), ()], "and nobody's approval was left"


def test_what_nobody_decided_in_time_has_no_approvals_to_lose(
    shared: UseCase, lane: Lane, risk: User, admin: User
) -> None:
    lanes.set_lane(lane=lane, by=risk, knobs={EDGE: {"limit": [0.5, 1.0]}})
    change = changes.submit(use_case=shared, document=claims(LOOSE), by=admin)
    approvals.approve(change=change, by=risk)
    Change.objects.update(expires_at=timezone.now())
    assert not lanes.set_lane(lane=lane, by=risk, knobs={EDGE: {"limit": [0.55, 1.0]}}).rechecked[0].voided


def test_who_may_not_approve_everywhere_may_not_set_it(
    shared: UseCase, lane: Lane, risk: User, admin: User
) -> None:
    hidden = _make(admin).use_case
    group = risk.groups.get()
    for verb in permissions.ROLES["risk"]:
        remove_perm(f"usecases.{verb}_usecase", group, hidden)
    risk = User.objects.get(pk=risk.pk)
    with pytest.raises(Forbidden, match="1 use case that you may not see uses this lane") as refusal:
        lanes.set_lane(lane=lane, by=risk, knobs={})
    assert "Disputes" not in str(refusal.value)
    lanes.set_lane(lane=lane, by=admin, knobs={})


def test_owners_and_strangers_may_set_no_lane(lane: Lane, ops: User, stranger: User) -> None:
    for person in (ops, stranger):
        with pytest.raises(Forbidden, match="shared lanes"):
            lanes.set_lane(lane=lane, by=person, knobs={})
        with pytest.raises(Forbidden):
            lanes.create(slug="mine", name="Mine", by=person)
        with pytest.raises(Forbidden):
            lanes.delete(lane=lane, by=person)


def test_a_lane_that_nothing_fits_together_with_is_refused(shared: UseCase, lane: Lane, risk: User) -> None:
    with pytest.raises(Refused) as refusal:
        lanes.set_lane(lane=lane, by=risk, knobs={EDGE: {"limit": [0.1, 0.2]}})
    assert "Claims summarisation: Answer from: nothing fits every limit" in refusal.value.errors[0]["message"]
    with pytest.raises(Refused, match="No model is named by all"):
        guardrails.set_limits(
            use_case=_with_models(lane, risk, shared), knobs={}, approved_models=["acme/huge"], by=risk
        )


def _with_models(lane: Lane, risk: User, shared: UseCase) -> UseCase:
    lanes.set_lane(lane=lane, by=risk, approved_models=["openai/gpt-4o-mini", "openai/gpt-4o"])
    return shared


def test_faults_are_named_and_nothing_is_written(lane: Lane, risk: User) -> None:
    with pytest.raises(Refused) as refusal:
        lanes.set_lane(lane=lane, by=risk, knobs={"colour": {}}, terms={"approvals": 9})
    paths = {error["path"] for error in refusal.value.errors}
    assert paths == {"guardrails.knobs.colour", "guardrails.approvals"}
    with pytest.raises(Refused, match="cannot be set"):
        lanes.create(slug="Not a slug", name="", by=risk)
    with pytest.raises(Refused):
        lanes.create(slug=lane.slug, name="Again", by=risk)
    assert Lane.objects.count() == 1


def test_the_same_lane_again_writes_nothing(shared: UseCase, lane: Lane, risk: User) -> None:
    events = Event.objects.count()
    done = lanes.set_lane(lane=lane, by=risk, knobs=STRICT, name=lane.name, terms={})
    assert (done.changed, Event.objects.count()) == (False, events)


def test_a_lane_is_deleted_once_nobody_uses_it(shared: UseCase, lane: Lane, risk: User) -> None:
    with pytest.raises(Refused, match="“Claims summarisation” uses this lane still"):
        lanes.delete(lane=lane, by=risk)
    guardrails.set_limits(use_case=shared, knobs={}, approved_models=[], by=risk, lanes=[])
    lanes.delete(lane=lane, by=risk)
    assert not Lane.objects.exists()
    assert Event.objects.latest("id").kind == "lane.deleted"
    events = Event.objects.count()
    lanes.delete(lane=lane, by=risk)
    assert Event.objects.count() == events


def test_restoring_and_expiry_follow_the_lane_too(shared: UseCase, lane: Lane, risk: User, ops: User) -> None:
    lanes.set_lane(lane=lane, by=risk, terms={"approvals_to_restore": 2})
    kill_switches.engage(use_case=shared, by=ops)
    with pytest.raises(NeedsApproval, match="2 approvals"):
        kill_switches.restore(use_case=shared, by=ops)


def test_approvals_need_somebody_whom_every_lane_names(
    shared: UseCase, lane: Lane, risk: User, admin: User, ops: User
) -> None:
    guardrails.set_limits(
        use_case=shared, knobs={}, approved_models=[], by=risk, terms={"approvers": {"groups": ["risk"]}}
    )
    with pytest.raises(Refused, match="cannot be set"):
        lanes.set_lane(lane=lane, by=risk, terms={"approvers": {"people": ["admin"]}})
    User.objects.create_user("gone", is_active=False).groups.add(Group.objects.get(name="risk"))
    with pytest.raises(Refused, match="cannot be set"):
        lanes.set_lane(lane=lane, by=risk, terms={"approvers": {"people": ["gone"]}})
    lanes.set_lane(lane=lane, by=risk, terms={"approvers": {"people": ["admin", "risk"]}}, knobs={})
    guardrails.set_limits(use_case=shared, knobs={EDGE: {"lane": [0.8, 1.0]}}, approved_models=[], by=risk)
    from usecases.actions import changes

    asked = changes.submit(use_case=UseCase.objects.get(pk=shared.pk), document=claims(LOOSE), by=ops)
    with pytest.raises(Forbidden, match="not among them"):
        approvals.approve(change=asked, by=admin)
    approvals.approve(change=asked, by=risk)
    assert review_of(asked).approved_by == ["risk"]


@pytest.mark.parametrize("what", ["create", "set", "delete"])
def test_a_failing_audit_row_rolls_all_back(lane: Lane, risk: User, what: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "create": lambda: lanes.create(slug="other", name="Other", by=risk),
        "set": lambda: lanes.set_lane(lane=lane, by=risk, knobs={}),
        "delete": lambda: lanes.delete(lane=lane, by=risk),
    }
    with failing_record():
        calls[what]()
    row = Lane.objects.get()
    assert (row.slug, row.knobs) == ("customer-facing", STRICT)


def test_small_steps_of_one_day_count_as_one(use_case: UseCase, risk: User, ops: User) -> None:
    step = {"at_most": 0.05, "hours": 24}
    guardrails.set_limits(
        use_case=use_case,
        knobs={EDGE: {"lane": None, "limit": None, "step": step}},
        approved_models=[],
        by=risk,
    )
    versions.apply(use_case=use_case, document=claims(0.81), by=ops)
    with pytest.raises(NeedsApproval, match=r"0\.85 → 0\.79: 0\.06 looser than what was live at .* a day"):
        versions.apply(use_case=use_case, document=claims(0.79), by=ops)
    versions.apply(use_case=use_case, document=claims(0.9), by=ops)


def test_a_step_counts_from_what_customers_met_not_from_an_override_or_a_safe_state(
    use_case: UseCase, risk: User, ops: User, admin: User
) -> None:
    knobs = {EDGE: {"lane": None, "limit": None, "step": {"at_most": 0.05, "hours": 24}}}
    guardrails.set_limits(use_case=use_case, knobs=knobs, approved_models=[], by=risk)
    granted = overrides.override(use_case=use_case, document=claims(0.95), by=admin, reason="Complaints")
    overrides.end(override=granted, by=admin)
    versions.apply(use_case=use_case, document=claims(0.81), by=ops)

    kill_switches.engage(use_case=use_case, by=ops)
    versions.apply(use_case=use_case, document=claims(0.89), by=ops)
    versions.apply(use_case=use_case, document=claims(0.84), by=ops)
    kill_switches.restore(use_case=use_case, by=ops)
    last = versions.apply(use_case=use_case, document=claims(0.8), by=ops)
    assert (last.state, last.document["bands"][0]["from"]) == ("live", 0.8)
    with pytest.raises(NeedsApproval):
        versions.apply(use_case=use_case, document=claims(0.79), by=ops)


def test_a_guardrail_may_name_only_lanes_that_exist(use_case: UseCase, risk: User) -> None:
    with pytest.raises(Refused) as refusal:
        guardrails.set_limits(use_case=use_case, knobs={}, approved_models=[], by=risk, lanes=["nowhere"])
    assert refusal.value.errors[0]["path"] == "guardrails.lanes"
    assert Guardrail.objects.get(use_case=use_case).lanes == []


def test_a_lane_that_asks_for_a_one_pager_says_where_there_is_none(
    shared: UseCase, lane: Lane, risk: User
) -> None:
    done = lanes.set_lane(lane=lane, by=risk, terms={"one_pager_needed": True}, dry_run=True)
    assert [[one.key for one in row.failing] for row in done.rechecked] == [["one_pager"]]
