"""Changes past the lane: proposed with evidence, judged by others, live only while every gate passes."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from uuid6 import uuid7

from audit.models import Event
from routing.models import Decision, Target
from tests.documents import LOOSE, claims
from tests.guardrails import ask_for
from usecases.actions import approvals, changes, due_changes, kill_switches, versions
from usecases.models import Change, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import NeedsApproval, Refused, Stale
from usecases.reviewing import review_of


def fresh(change: Change) -> Change:
    return Change.objects.select_related("use_case").get(pk=change.pk)


def counting(change: Change) -> list[str]:
    return review_of(fresh(change)).approved_by


def status(change: Change) -> str:
    return review_of(fresh(change)).status


def test_past_the_lane_nobody_applies_alone(use_case: UseCase, ops: User, admin: User) -> None:
    for by in (ops, admin):
        with pytest.raises(NeedsApproval, match="without approval"):
            versions.apply(use_case=use_case, document=claims(LOOSE), by=by)


def test_submitting_freezes_what_is_asked_and_on_what_evidence(change: Change) -> None:
    assert (change.number, change.status, change.base_version) == (1, "open", 1)
    assert change.sentence == "Answer from 0.70 instead of 0.85"
    assert change.evidence["what_if"]["decisions"] == 0
    assert change.evidence["live_version"] == 1
    assert change.expires_at - change.submitted_at > timedelta(days=13)
    event = Event.objects.latest("id")
    assert event.new is not None
    assert (event.kind, event.reason, event.new["change"]) == ("change.submitted", "Backlog at peak", 1)
    assert Target.objects.get(use_case="claims").version == 1


def test_what_went_live_says_for_good_which_gates_it_passed_and_how(
    change: Change, ops: User, risk: User
) -> None:
    approvals.approve(change=change, by=risk)
    stood = [f"{one.name}. {one.evidence}" for one in review_of(fresh(change)).checks]
    changes.apply(change=change, by=ops)
    told = Event.objects.get(kind="change.applied").new
    assert told is not None
    assert told["gates"] == stood
    assert any(words.startswith("Approvals: 1 of 1. ") for words in stood)


def test_a_cost_beyond_all_measure_makes_no_change_that_nobody_can_read_or_close(
    use_case: UseCase, ops: User, risk: User
) -> None:
    from routing.history import SHARED

    SHARED.forget()
    Decision.objects.create(
        id=UUID(str(uuid7())),
        request_id="r-1",
        use_case="claims",
        at=timezone.now() - timedelta(hours=1),
        received_at=timezone.now() - timedelta(minutes=1),
        model="small",
        action="answer",
        confidence=0.9,
        tried=[{"model": "small", "confidence": 0.9, "cost_usd": 1e22, "latency_ms": 300.0}],
    )

    change = changes.submit(use_case=use_case, document=claims(LOOSE), by=ops)
    SHARED.forget()

    assert change.evidence["what_if"]["live"]["cost_per_task_usd"]["value"] == 1e22
    seen = review_of(change).content
    assert review_of(fresh(change)).content == seen, "as it was before it was stored"
    approvals.approve(change=fresh(change), by=risk, content=seen)
    assert counting(change) == ["risk"]
    assert changes.withdraw(change=fresh(change), by=ops).status == "withdrawn"


def test_submitting_the_same_again_writes_nothing(change: Change, use_case: UseCase, ops: User) -> None:
    events = Event.objects.count()
    assert changes.submit(use_case=use_case, document=claims(LOOSE), by=ops) == change
    assert Event.objects.count() == events
    with pytest.raises(Refused, match="Nothing changes"):
        changes.submit(use_case=use_case, document=claims(), by=ops)


def test_what_a_hard_limit_forbids_is_not_even_proposed(use_case: UseCase, ops: User) -> None:
    with pytest.raises(Refused, match="outside the limit"):
        changes.submit(use_case=use_case, document=claims(audit_share=0.0), by=ops)
    with pytest.raises(Stale):
        changes.submit(use_case=use_case, document=claims(LOOSE), by=ops, expected_version=7)
    assert not Change.objects.exists()


def test_one_approval_by_somebody_else_opens_the_way(change: Change, ops: User, risk: User) -> None:
    with pytest.raises(Refused, match="Approvals: 0 of 1"):
        changes.apply(change=change, by=ops)

    approvals.approve(change=change, by=risk, reason="Fine for a week")
    assert (status(change), counting(change)) == ("approved", ["risk"])
    version = changes.apply(change=change, by=ops)

    assert version.document == claims(LOOSE)
    assert (version.number, version.created_by, version.reason) == (2, "ops", "Backlog at peak")
    assert (fresh(change).status, fresh(change).version) == ("applied", 2)
    assert Event.objects.latest("id").sentence == "Change 1 by ops is live as r2, approved by risk."
    assert changes.apply(change=change, by=ops).number == 2  # once is enough


def test_nobody_approves_their_own_change_admins_included(use_case: UseCase, admin: User, ops: User) -> None:
    mine = changes.submit(use_case=use_case, document=claims(LOOSE), by=admin)
    with pytest.raises(Forbidden, match="their own change"):
        approvals.approve(change=mine, by=admin)
    with pytest.raises(Forbidden, match="You may not approve"):
        approvals.approve(change=mine, by=ops)


def test_nobody_counts_twice(change: Change, use_case: UseCase, risk: User, admin: User) -> None:
    ask_for(use_case, risk, approvals=2)
    first = approvals.approve(change=change, by=risk)
    events = Event.objects.count()
    assert approvals.approve(change=change, by=risk) == first
    assert Event.objects.count() == events
    assert (status(change), counting(change)) == ("open", ["risk"])

    approvals.approve(change=change, by=admin)
    assert (status(change), counting(change)) == ("approved", ["risk", "admin"])


def amended(change: Change, ops: User, risk: User) -> None:
    changes.amend(change=change, by=ops, document=claims(0.72))


def published(change: Change, ops: User, risk: User) -> None:
    versions.apply(use_case=change.use_case, document=claims(latency_s=6.0), by=ops)


def limited(change: Change, ops: User, risk: User) -> None:
    ask_for(change.use_case, risk, expire_days=7)


def renewed(change: Change, ops: User, risk: User) -> None:
    changes.renew_evidence(change=change, by=ops)


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (amended, "the change was amended"),
        (published, "something else went live"),
        (limited, "the guardrails were changed"),
        (renewed, "the evidence was renewed"),
    ],
)
def test_an_approval_is_void_at_once_when_what_it_was_given_for_changes(
    change: Change, ops: User, risk: User, happens: Callable[[Change, User, User], None], why: str
) -> None:
    approvals.approve(change=change, by=risk)
    happens(fresh(change), ops, risk)

    verdict = review_of(fresh(change)).verdicts[0]
    assert not verdict.counts
    assert why in verdict.why
    with pytest.raises(Refused, match="Approvals: 0 of 1"):
        changes.apply(change=fresh(change), by=ops)


def test_a_kill_in_between_voids_nothing(change: Change, ops: User, risk: User) -> None:
    approvals.approve(change=change, by=risk)
    kill_switches.engage(use_case=change.use_case, by=ops)
    assert counting(change) == ["risk"]

    version = changes.apply(change=fresh(change), by=ops)
    assert (version.state, version.document) == ("baseline", claims(LOOSE))


def test_an_approval_for_what_one_no_longer_sees_is_refused(change: Change, ops: User, risk: User) -> None:
    seen = review_of(fresh(change)).content
    changes.amend(change=change, by=ops, document=claims(0.72))
    with pytest.raises(Refused, match="not what you looked at"):
        approvals.approve(change=change, by=risk, content=seen)
    assert not change.approvals.exists()


def test_who_lost_the_right_no_longer_counts(change: Change, ops: User, risk: User) -> None:
    approvals.approve(change=change, by=risk)
    risk.groups.clear()
    assert counting(change) == []


def test_named_approvers_only(change: Change, use_case: UseCase, risk: User, admin: User) -> None:
    ask_for(use_case, risk, approvers={"groups": ["risk"], "people": []})
    with pytest.raises(Forbidden, match="not among them"):
        approvals.approve(change=change, by=admin)
    approvals.approve(change=change, by=risk)
    assert counting(change) == ["risk"]


def test_asking_for_changes_blocks_until_the_author_amends(
    change: Change, ops: User, risk: User, admin: User
) -> None:
    approvals.approve(change=change, by=admin)
    with pytest.raises(Refused, match="Say what should be changed"):
        approvals.request_changes(change=change, by=risk)
    asked = approvals.request_changes(change=change, by=risk, reason="Stay at 0.72")
    events = Event.objects.count()
    assert approvals.request_changes(change=change, by=risk, reason="Stay at 0.72") == asked
    assert Event.objects.count() == events

    with pytest.raises(Refused, match="risk asked for changes"):
        changes.apply(change=change, by=ops)
    with pytest.raises(Refused, match="waits for its author"):
        approvals.approve(change=change, by=risk)
    with pytest.raises(Forbidden, match="Only its author"):
        changes.amend(change=change, by=admin, document=claims(0.72))

    changes.amend(change=change, by=ops, document=claims(0.72), reason="As asked")
    assert (status(change), fresh(change).reason) == ("open", "As asked")
    assert fresh(change).sentence == "Answer from 0.72 instead of 0.85"


def test_amending_to_the_same_writes_nothing(change: Change, ops: User) -> None:
    events = Event.objects.count()
    changes.amend(change=change, by=ops, document=claims(LOOSE), reason="Backlog at peak")
    assert Event.objects.count() == events


def test_a_veto_ends_it(change: Change, ops: User, risk: User) -> None:
    approvals.veto(change=change, by=risk, reason="Not in December")
    events = Event.objects.count()
    approvals.veto(change=change, by=risk, reason="Not in December")
    assert Event.objects.count() == events
    for late in (
        lambda: changes.apply(change=change, by=ops),
        lambda: approvals.approve(change=change, by=risk),
        lambda: changes.amend(change=change, by=ops, document=claims(0.72)),
        lambda: changes.schedule(change=change, by=ops, at=timezone.now() + timedelta(hours=1)),
    ):
        with pytest.raises(Refused, match="vetoed already"):
            late()


def test_only_its_author_takes_a_change_back(change: Change, ops: User, admin: User) -> None:
    with pytest.raises(Forbidden, match="Only its author"):
        changes.withdraw(change=change, by=admin)
    changes.withdraw(change=change, by=ops)
    events = Event.objects.count()
    assert changes.withdraw(change=change, by=ops).status == "withdrawn"
    assert Event.objects.count() == events


def test_unanswered_changes_expire_closed(change: Change, ops: User, risk: User) -> None:
    assert due_changes.expire(change=change).status == "open"
    Change.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    # closed from that moment on, also while nobody is there to close it
    with pytest.raises(Refused, match="expired unanswered"):
        approvals.approve(change=change, by=risk)
    assert status(change) == "expired"

    due_changes.expire(change=change)
    events = Event.objects.count()
    assert due_changes.expire(change=change).status == "expired"
    assert Event.objects.count() == events
    assert Event.objects.latest("id").actor == "expiry"


def test_a_change_is_carried_over_to_what_is_live(change: Change, ops: User, risk: User, admin: User) -> None:
    assert changes.rebase(change=change, by=ops).conflicts == []
    assert not Event.objects.filter(kind="change.rebased").exists()
    versions.apply(use_case=change.use_case, document=claims(0.8, latency_s=6.0), by=ops)
    approvals.approve(change=change, by=risk)
    with pytest.raises(Refused, match="Something else went live meanwhile"):
        changes.apply(change=change, by=ops)
    with pytest.raises(Forbidden, match="carry over"):
        changes.rebase(change=fresh(change), by=admin)

    carried = changes.rebase(change=fresh(change), by=ops)

    assert carried.conflicts == ["bands.answer.from"]
    assert carried.change.document == claims(LOOSE, latency_s=6.0)
    assert (carried.change.base_version, counting(change)) == (2, [])


def test_amended_after_its_hour_a_change_is_scheduled_no_longer(
    change: Change, ops: User, risk: User
) -> None:
    changes.schedule(change=change, by=ops, at=timezone.now() + timedelta(hours=1))
    approvals.request_changes(change=fresh(change), by=risk, reason="Stay in the lane")
    amended = changes.amend(change=fresh(change), by=ops, document=claims(0.8))
    assert amended.scheduled_for is not None
    Change.objects.update(scheduled_for=timezone.now())
    assert changes.amend(change=fresh(change), by=ops, document=claims(0.82)).scheduled_for is None


def test_a_scheduled_change_goes_live_when_due_by_every_gate(change: Change, ops: User, risk: User) -> None:
    at = timezone.now() + timedelta(hours=1)
    changes.schedule(change=change, by=ops, at=at)
    events = Event.objects.count()
    changes.schedule(change=change, by=ops, at=at)
    assert Event.objects.count() == events
    with pytest.raises(Refused, match="before it expires"):
        changes.schedule(change=change, by=ops, at=timezone.now() + timedelta(days=90))

    assert due_changes.fire(change=change) is None  # not due
    assert (fresh(change).scheduled_for, fresh(change).held_up) == (at, "")
    Change.objects.update(scheduled_for=timezone.now())
    assert due_changes.fire(change=change) is None  # nobody approved
    assert "Approvals: 0 of 1" in fresh(change).held_up
    assert (fresh(change).status, fresh(change).scheduled_for) == ("open", None)
    assert Event.objects.latest("id").kind == "change.held_up"

    approvals.approve(change=change, by=risk)
    Change.objects.update(scheduled_for=timezone.now())
    version = due_changes.fire(change=change)
    assert version is not None
    assert (version.number, version.created_by) == (2, "ops")


def test_a_freeze_holds_up_what_was_approved(
    change: Change, use_case: UseCase, ops: User, risk: User
) -> None:
    now = timezone.now()
    freeze = {
        "from": (now - timedelta(hours=1)).isoformat(),
        "until": (now + timedelta(hours=1)).isoformat(),
        "reason": "Year's end",
    }
    ask_for(use_case, risk, freezes=[freeze])
    approvals.approve(change=change, by=risk)
    with pytest.raises(Refused, match="Year's end"):
        changes.apply(change=change, by=ops)
    with pytest.raises(Refused, match="Year's end"):
        versions.apply(use_case=use_case, document=claims(latency_s=9.0), by=ops)

    assert versions.apply(use_case=use_case, document=claims(0.9), by=ops).number == 2  # tightening may
    assert kill_switches.engage(use_case=use_case, by=ops).state == "baseline"  # and stopping


def test_an_earlier_open_change_of_the_same_knob_goes_first(
    change: Change, use_case: UseCase, admin: User, risk: User, ops: User
) -> None:
    second = changes.submit(use_case=use_case, document=claims(0.72), by=admin)
    approvals.approve(change=second, by=risk)
    with pytest.raises(Refused, match="Change 1 by ops"):
        changes.apply(change=second, by=admin)
    changes.withdraw(change=change, by=ops)
    assert changes.apply(change=second, by=admin).document == claims(0.72)


def test_remarks_stand_on_a_line(change: Change, risk: User, ops: User, stranger: User) -> None:
    said = changes.comment(change=change, by=risk, path="bands.answer.from", text="Why so far?")
    events = Event.objects.count()
    assert changes.comment(change=change, by=risk, path="bands.answer.from", text=" Why so far? ") == said
    assert Event.objects.count() == events
    with pytest.raises(Refused):
        changes.comment(change=change, by=ops, text="  ")


def test_approvals_can_be_asked_for_on_the_way_back_but_never_for_a_stop(
    use_case: UseCase, ops: User, risk: User
) -> None:
    ask_for(use_case, risk, approvals_to_restore=1)
    kill_switches.engage(use_case=use_case, by=ops)
    with pytest.raises(NeedsApproval, match="takes 1 approval"):
        kill_switches.restore(use_case=use_case, by=ops)
    with pytest.raises(NeedsApproval):
        kill_switches.engage(use_case=use_case, by=ops, to="review_all")

    asked = changes.submit_restore(use_case=use_case, by=ops, reason="Provider is back")
    assert changes.submit_restore(use_case=use_case, by=risk) == asked
    approvals.approve(change=asked, by=risk)
    version = changes.apply(change=asked, by=ops)

    assert (version.state, version.kind, version.document) == ("live", "restore", claims())


def test_an_approval_to_restore_is_for_this_stop_not_the_next(
    use_case: UseCase, ops: User, risk: User, admin: User
) -> None:
    ask_for(use_case, risk, approvals_to_restore=1)
    kill_switches.engage(use_case=use_case, by=ops)
    asked = changes.submit_restore(use_case=use_case, by=ops)
    approvals.approve(change=asked, by=risk)
    ask_for(use_case, risk, approvals_to_restore=0)
    kill_switches.restore(use_case=use_case, by=ops)
    ask_for(use_case, risk, approvals_to_restore=1)
    kill_switches.engage(use_case=use_case, by=ops)

    assert counting(asked) == []
    with pytest.raises(Refused, match="stopped anew"):
        changes.apply(change=asked, by=ops)
    with pytest.raises(Refused, match="no safe state"):
        changes.submit_restore(use_case=use_case, by=ops, to="baseline")


def test_without_approvals_asked_for_one_person_goes_past_the_lane(
    use_case: UseCase, ops: User, risk: User
) -> None:
    ask_for(use_case, risk, approvals=0)
    assert versions.apply(use_case=use_case, document=claims(LOOSE), by=ops).number == 2


def test_evidence_that_risk_asks_for_has_to_be_there(
    change: Change, use_case: UseCase, ops: User, risk: User
) -> None:
    ask_for(use_case, risk, evidence_needed=True)
    approvals.approve(change=change, by=risk)
    with pytest.raises(Refused, match="no decisions") as refusal:
        changes.apply(change=change, by=ops)
    assert [error["path"] for error in refusal.value.errors] == ["evidence"]
