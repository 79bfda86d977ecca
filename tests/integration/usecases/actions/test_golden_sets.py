"""Golden sets: uploaded by who may approve, and a gate of every change that does more than tighten."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from audit.models import Event
from tests.documents import LOOSE, claims
from tests.guardrails import ask_for
from tests.record import failing_record
from usecases import golden_standing
from usecases.actions import approvals, changes, golden_sets, guardrails, lanes, versions
from usecases.models import GoldenSet, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import Refused
from usecases.reviewing import review_of

CASES = [
    {
        "id": str(number),
        "attributes": {},
        "signals": {"models": {"small": {"confidence": sure}, "large": {"confidence": sure}}},
        "expected": {"action": action},
    }
    for number, (sure, action) in enumerate(
        [(0.95, "answer"), (0.9, "answer"), (0.8, "review"), (0.2, "escalate")], 1
    )
]


@pytest.fixture
def golden(use_case: UseCase, risk: User) -> GoldenSet:
    return golden_sets.keep(use_case=use_case, name="core", cases=CASES, by=risk, reason="Spring review")


@pytest.fixture
def asked(use_case: UseCase, golden: GoldenSet, risk: User) -> UseCase:
    """The use case, whose guardrails ask for nine cases of ten."""
    return ask_for(use_case, risk, golden_set={"name": "core", "at_least": 0.9})


def test_a_set_is_kept_with_what_it_was_recorded_under(golden: GoldenSet) -> None:
    assert golden.pins == {
        "prompt": "claims-summary@12",
        "retrieval_index": "policies@2026-11-01",
        "confidence.source": "verbalised",
    }
    assert [one["name"] for one in golden.recorded_models] == ["small", "large"]
    event = Event.objects.latest("id")
    assert (event.kind, event.sentence) == ("golden_set.set", "Golden set “core” uploaded: 4 cases.")
    assert event.new
    assert event.new["digest"] == golden.digest


def test_where_confidence_came_from_is_what_is_live_unless_it_is_said(use_case: UseCase, risk: User) -> None:
    said = [{"prompt": "claims-summary@12"}, {"confidence.source": "logprobs"}]
    kept = [golden_sets.keep(use_case=use_case, name="core", cases=CASES, by=risk, pins=one) for one in said]
    assert [one.pins["confidence.source"] for one in kept] == ["verbalised", "logprobs"]


def test_the_same_content_is_scored_once(use_case: UseCase, golden: GoldenSet, risk: User) -> None:
    first = golden_standing.score_of(golden, claims())
    assert golden_standing.score_of(GoldenSet.objects.get(pk=golden.pk), claims()) is first
    assert golden_standing.score_of(golden, claims(LOOSE)).right == 3
    other = golden_sets.keep(use_case=use_case, name="core", cases=CASES[:1], by=risk)
    assert golden_standing.score_of(other, claims()).cases == 1


def test_the_same_set_again_writes_nothing(use_case: UseCase, golden: GoldenSet, risk: User) -> None:
    events = Event.objects.count()
    golden_sets.keep(use_case=use_case, name=" core ", cases=CASES, by=risk)
    assert (Event.objects.count(), GoldenSet.objects.count()) == (events, 1)


def test_owners_may_not_set_what_they_are_judged_by(use_case: UseCase, golden: GoldenSet, ops: User) -> None:
    with pytest.raises(Forbidden):
        golden_sets.keep(use_case=use_case, name="core", cases=CASES[:1], by=ops)
    with pytest.raises(Forbidden):
        golden_sets.delete(golden_set=golden, by=ops)


def test_faults_are_told_by_row_and_field(use_case: UseCase, risk: User) -> None:
    with pytest.raises(Refused) as refusal:
        golden_sets.keep(use_case=use_case, name="", cases=[CASES[0], {"id": "1"}], by=risk)
    assert {error["path"] for error in refusal.value.errors} >= {"name", "cases[1].id", "cases[1].expected"}
    assert not GoldenSet.objects.exists()


def test_a_document_that_does_worse_cannot_be_applied(asked: UseCase, ops: User) -> None:
    with pytest.raises(Refused, match=r"75\.0% of 4 cases.*case 3 expected review, got answer"):
        versions.apply(use_case=asked, document=claims(0.78), by=ops)
    assert versions.apply(use_case=asked, document=claims(0.82), by=ops).number == 2
    assert versions.apply(use_case=asked, document=claims(0.99), by=ops).number == 3


def test_the_score_is_frozen_into_a_change_and_holds_for_these_cases_only(
    asked: UseCase, golden: GoldenSet, ops: User, risk: User
) -> None:
    change = changes.submit(use_case=asked, document=claims(LOOSE), by=ops)
    (held,) = change.evidence["golden"]
    assert (held["name"], held["digest"], held["right"], held["cases"]) == ("core", golden.digest, 3, 4)
    approvals.approve(change=change, by=risk)
    gate = _gate(change)
    assert (gate.status, "75.0% of 4 cases" in gate.evidence) == ("failed", True)

    golden_sets.keep(use_case=asked, name="core", cases=[CASES[0], CASES[1], CASES[3]], by=risk)
    gate = _gate(change)
    assert (gate.status, gate.clear) == ("waiting", "The author renews the evidence.")
    change = changes.renew_evidence(change=change, by=ops)
    review = review_of(change)
    assert _gate(change).status == "passed"
    assert [verdict.why for verdict in review.verdicts] == ["Void: the evidence was renewed since."]


def _gate(change: Any) -> Any:
    return next(one for one in review_of(change).checks if one.key == "golden_set")


def test_another_prompt_waits_for_signals_recorded_under_it(asked: UseCase, ops: User, risk: User) -> None:
    other = claims(0.84)
    other["pins"]["prompt"] = "claims-summary@13"
    with pytest.raises(Refused, match="Not knowable"):
        versions.apply(use_case=asked, document=other, by=ops)
    golden_sets.keep(use_case=asked, name="core", cases=CASES, by=risk, pins=other["pins"])
    assert versions.apply(use_case=asked, document=other, by=ops).number == 2


def test_a_set_that_is_asked_for_stays(asked: UseCase, golden: GoldenSet, risk: User) -> None:
    with pytest.raises(Refused, match="guardrails ask for “core”"):
        golden_sets.delete(golden_set=golden, by=risk)
    guardrails.set_limits(use_case=asked, knobs={}, approved_models=[], by=risk, terms={"golden_set": None})
    golden_sets.delete(golden_set=golden, by=risk)
    assert not GoldenSet.objects.exists()
    events = Event.objects.count()
    golden_sets.delete(golden_set=golden, by=risk)
    assert Event.objects.count() == events


@pytest.mark.parametrize("what", ["keep", "delete"])
def test_a_failing_audit_row_rolls_all_back(
    use_case: UseCase, golden: GoldenSet, risk: User, what: str
) -> None:
    calls: dict[str, Callable[[], object]] = {
        "keep": lambda: golden_sets.keep(use_case=use_case, name="core", cases=CASES[:1], by=risk),
        "delete": lambda: golden_sets.delete(golden_set=golden, by=risk),
    }
    with failing_record():
        calls[what]()
    assert len(GoldenSet.objects.get().cases) == 4


def test_a_set_that_a_shared_lane_alone_asks_for_is_not_deleted(
    use_case: UseCase, golden: GoldenSet, risk: User
) -> None:
    wanted = {"golden_set": {"name": "core", "at_least": 0.9}}
    lanes.create(slug="eu-small", name="EU small models", by=risk, terms=wanted)
    ask_for(use_case, risk, lanes=["eu-small"])
    with pytest.raises(Refused, match="The guardrails ask for “core”"):
        golden_sets.delete(golden_set=golden, by=risk)
    assert GoldenSet.objects.filter(pk=golden.pk).exists()
