"""An override goes past the lane for a time, never past a hard limit, and ends by itself."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from audit.models import Event
from routing.models import Target
from tests.documents import claims
from tests.guardrails import ask_for
from tests.record import failing_record
from usecases.actions import approvals, changes, guardrails, kill_switches, overrides, versions
from usecases.change_tasks import keep_time
from usecases.models import Override, UseCase, Version
from usecases.permissions import Forbidden
from usecases.publishing import NeedsApproval, Refused


@pytest.fixture
def override(use_case: UseCase, admin: User) -> Override:
    """0.70 instead of 0.85 for an hour, by `admin`."""
    return overrides.override(use_case=use_case, document=claims(0.7), by=admin, reason="Queue is on fire")


def run_out() -> None:
    Override.objects.update(ends_at=timezone.now() - timedelta(seconds=1))


def test_an_override_is_live_at_once_and_says_until_when(override: Override) -> None:
    version = Version.objects.get(number=2)
    assert (version.kind, version.document, version.reason) == ("override", claims(0.7), "Queue is on fire")
    assert version.sentence.startswith("Override until ")
    assert timedelta(minutes=59) < override.ends_at - timezone.now() <= timedelta(hours=1)
    assert Event.objects.latest("id").kind == "override.began"


def test_an_override_takes_both_rights_a_reason_and_eight_hours_at_most(
    use_case: UseCase, ops: User, risk: User, admin: User
) -> None:
    for by in (ops, risk):
        with pytest.raises(Forbidden):
            overrides.override(use_case=use_case, document=claims(0.7), by=by, reason="Now")
    with pytest.raises(Refused) as refusal:
        overrides.override(use_case=use_case, document=claims(0.7), by=admin, reason=" ", hours=9)
    assert {error["path"] for error in refusal.value.errors} == {"reason", "hours"}
    with pytest.raises(Refused, match="up to 8 hours"):
        overrides.override(use_case=use_case, document=claims(0.7), by=admin, reason="Now", hours=0)
    with pytest.raises(Refused, match="outside the limit"):
        overrides.override(use_case=use_case, document=claims(audit_share=0.0), by=admin, reason="Now")
    with pytest.raises(Refused, match="Nothing changes"):
        overrides.override(use_case=use_case, document=claims(), by=admin, reason="Now")


def test_the_same_override_again_writes_nothing_and_another_waits(override: Override, admin: User) -> None:
    again = overrides.override(use_case=override.use_case, document=claims(0.7), by=admin, reason="Now")
    assert again == override
    assert Version.objects.count() == 2
    with pytest.raises(Refused, match="End it first"):
        overrides.override(use_case=override.use_case, document=claims(0.65), by=admin, reason="Now")


def test_it_ends_by_itself_by_returning_to_the_version_before(override: Override) -> None:
    keep_time()
    assert Version.objects.count() == 2  # its time is not over
    run_out()
    keep_time()
    keep_time()

    newest = Version.objects.get(number=3)
    assert (newest.kind, newest.document, newest.created_by) == ("override_end", claims(), "override")
    assert Version.objects.count() == 3
    row = Override.objects.get()
    assert (row.ended_version, row.ended_at is not None) == (3, True)


def test_what_is_published_on_top_is_judged_by_what_was_live_before(override: Override, ops: User) -> None:
    with pytest.raises(NeedsApproval):
        versions.apply(use_case=override.use_case, document=claims(0.7, latency_s=6.0), by=ops)
    assert versions.apply(use_case=override.use_case, document=claims(0.9), by=ops).number == 3


def test_something_newer_stays_and_is_listed(override: Override, ops: User) -> None:
    versions.apply(use_case=override.use_case, document=claims(0.9), by=ops)
    run_out()
    keep_time()

    row = Override.objects.get()
    assert (row.ended_version, Version.objects.count()) == (None, 3)
    assert "something newer was published meanwhile: r3 by ops" in row.outcome
    assert Event.objects.latest("id").sentence == row.outcome


def test_a_kill_meanwhile_holds_and_the_document_goes_back_under_it(override: Override, ops: User) -> None:
    kill_switches.engage(use_case=override.use_case, by=ops)
    run_out()
    keep_time()
    target = Target.objects.get(use_case="claims")
    assert (target.state, target.document) == ("baseline", claims())
    assert kill_switches.restore(use_case=override.use_case, by=ops).document == claims()


def test_where_neither_document_keeps_the_limits_any_more_it_ends_on_baseline(
    override: Override, risk: User
) -> None:
    tighter = {"bands.answer.from": {"lane": None, "limit": [0.9, 1.0], "reason": ""}}
    guardrails.set_limits(use_case=override.use_case, knobs=tighter, approved_models=[], by=risk)
    run_out()
    keep_time()
    newest = Version.objects.get(number=3)
    assert (newest.state, newest.kind) == ("baseline", "override_end")


def test_it_can_be_ended_before_its_time(override: Override, ops: User, risk: User) -> None:
    with pytest.raises(Forbidden):
        overrides.end(override=override, by=risk)
    overrides.end(override=override, by=ops)
    overrides.end(override=override, by=ops)
    assert Version.objects.get(number=3).document == claims()
    assert Version.objects.count() == 3


def test_somebody_else_looks_at_it_afterwards(override: Override, admin: User, ops: User, risk: User) -> None:
    with pytest.raises(Forbidden, match="Somebody else"):
        overrides.review(override=override, by=admin)
    with pytest.raises(Forbidden):
        overrides.review(override=override, by=ops)
    assert overrides.review(override=override, by=risk, reason="Was right").reviewed_by == "risk"
    events = Event.objects.count()
    overrides.review(override=override, by=risk, reason="Was right")
    assert Event.objects.count() == events


@pytest.mark.parametrize("which", ["override", "end", "review"])
def test_a_failing_audit_row_rolls_all_back(use_case: UseCase, admin: User, risk: User, which: str) -> None:
    row = None
    if which != "override":
        row = overrides.override(use_case=use_case, document=claims(0.7), by=admin, reason="Now")
    before = list(Override.objects.values()), Version.objects.count()

    acts: dict[str, Any] = {
        "override": lambda: overrides.override(
            use_case=use_case, document=claims(0.7), by=admin, reason="Now"
        ),
        "end": lambda: overrides.end(override=row, by=admin),  # type: ignore[arg-type]
        "review": lambda: overrides.review(override=row, by=risk),  # type: ignore[arg-type]
    }
    with failing_record():
        acts[which]()
    assert (list(Override.objects.values()), Version.objects.count()) == before


def test_what_tightened_on_top_of_an_override_is_not_taken_back_without_approval(
    use_case: UseCase, ops: User, risk: User, admin: User
) -> None:
    change = changes.submit(use_case=use_case, document=claims(0.72), by=ops)
    approvals.approve(change=change, by=risk)
    changes.apply(change=change, by=ops)
    overrides.override(use_case=use_case, document=claims(0.7), by=admin, reason="Queue is on fire")
    versions.apply(use_case=use_case, document=claims(0.9), by=ops)
    with pytest.raises(NeedsApproval):
        versions.apply(use_case=use_case, document=claims(0.72), by=ops)


def test_a_little_less_of_an_override_is_no_tightening(use_case: UseCase, risk: User, admin: User) -> None:
    frozen = {"from": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "reason": "Year end"}
    use_case = ask_for(use_case, risk, freezes=[frozen])
    overrides.override(use_case=use_case, document=claims(latency_s=20.0), by=admin, reason="Slow provider")
    with pytest.raises(Refused, match="Frozen"):
        versions.apply(use_case=use_case, document=claims(latency_s=19.0), by=admin)
    assert versions.apply(use_case=use_case, document=claims(latency_s=7.0), by=admin).number == 3
