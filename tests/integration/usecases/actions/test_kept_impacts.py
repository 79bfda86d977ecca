"""A what-if that is kept can be shown again, and computed again."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.http import Http404
from django.utils import timezone
from uuid6 import uuid7

from audit.models import Event
from routing.actions import outcomes
from routing.engine.digest import digest
from routing.models import Decision
from tests.documents import claims
from tests.record import failing_record
from usecases import kept, what_if
from usecases.actions import kept_impacts, versions
from usecases.models import KeptImpact, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import Refused

DRAFT = claims(0.7, audit_share=0.0)
Store = Callable[..., list[Decision]]


@pytest.fixture
def store(use_case: UseCase) -> Store:
    """Return what stores one decision a confidence, an hour apart, received a minute ago where not said."""

    def stored(*confidences: float, received: datetime | None = None, back: int = 1) -> list[Decision]:
        return [
            Decision.objects.create(
                id=UUID(str(uuid7())),
                request_id=f"r-{confidence}-{back}",
                use_case="claims",
                at=timezone.now() - timedelta(hours=number + back),
                received_at=received or timezone.now() - timedelta(minutes=1),
                model="large",
                action="review",
                confidence=confidence,
                tried=[
                    {"model": "small", "confidence": 0.1, "cost_usd": 0.001, "latency_ms": 300.0},
                    {"model": "large", "confidence": confidence, "cost_usd": 0.009, "latency_ms": 700.0},
                ],
            )
            for number, confidence in enumerate(confidences)
        ]

    return stored


def forget() -> None:
    """Have the next question read everything anew, as it would after a while."""
    from routing.history import SHARED

    SHARED.forget()


def test_keep_stores_the_numbers_with_all_that_they_come_from(
    use_case: UseCase, ops: User, store: Store
) -> None:
    store(0.8, 0.75, 0.65, 0.9)
    row = kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops, note="For the board")

    asked = what_if.ask(use_case=use_case, document=DRAFT, by=ops)
    answer = row.result["answer"]
    assert (answer["live"], answer["draft"], answer["matrix"]) == (
        asked["live"],
        asked["draft"],
        asked["matrix"],
    )
    assert (row.ids_digest, row.code, row.live_version) == (asked["ids_digest"], asked["code"], 1)
    inputs = row.result["inputs"]
    assert row.result["format"] == "kept-impact/1"
    assert (inputs["document"], inputs["document_digest"]) == (DRAFT, digest(DRAFT))
    assert inputs["live_document"] == claims()
    assert (inputs["window"]["asked"], inputs["as_of"]) == ({"days": 7}, row.as_of.isoformat())
    assert inputs["people"]["review_usd"] == 2.0
    assert inputs["verdicts"]["digest"] == row.verdicts_digest
    json.dumps(row.result, allow_nan=False)
    event = Event.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("what_if.kept", "ops", "For the board")
    assert (
        event.sentence == "Kept a what-if over 4 decisions: 25.0% answered under r1, 75.0% under the draft."
    )


def test_keep_the_same_twice_writes_nothing(use_case: UseCase, ops: User, store: Store) -> None:
    store(0.8, 0.75)
    first = kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops, note="Once")
    events = Event.objects.count()
    again = kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops, note="Once")
    assert (again.pk, again.kept_at) == (first.pk, first.kept_at)
    assert (KeptImpact.objects.count(), Event.objects.count()) == (1, events)
    other = kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops, note="For somebody else")
    assert other.pk != first.pk


def test_a_note_is_kept_without_what_no_database_holds(use_case: UseCase, ops: User, store: Store) -> None:
    store(0.8)
    row = kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops, note="For\0 \ud800 risk")
    assert row.note == "For � risk"


def test_keep_is_for_those_who_tune(
    use_case: UseCase, ops: User, risk: User, stranger: User, store: Store
) -> None:
    store(0.8)
    with pytest.raises(Forbidden):
        kept_impacts.keep(use_case=use_case, document=DRAFT, by=risk)
    with pytest.raises(Http404):
        kept_impacts.keep(use_case=use_case, document=DRAFT, by=stranger)


def test_keep_refuses_a_faulty_question_and_one_about_nothing(use_case: UseCase, ops: User) -> None:
    questions: list[tuple[dict[str, Any], str]] = [
        ({"document": DRAFT | {"bands": []}}, "bands"),
        ({"document": DRAFT, "window": {"days": 0}}, "window.days"),
        ({"document": DRAFT, "live": 7}, "against"),
        ({"document": DRAFT, "note": "x" * 2_001}, "note"),
        ({"document": DRAFT}, "window"),
    ]
    for question, path in questions:
        with pytest.raises(Refused) as refused:
            kept_impacts.keep(use_case=use_case, by=ops, **question)
        assert refused.value.errors[0]["path"] == path
    assert not KeptImpact.objects.exists()


def test_a_failing_audit_row_keeps_nothing(use_case: UseCase, ops: User, store: Store) -> None:
    store(0.8)

    with failing_record():
        kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops)
    assert not KeptImpact.objects.exists()


@pytest.mark.parametrize("window", [None, "all", {"decisions": 3}, {"since": "0001-01-01T00:00:00Z"}])
def test_the_same_numbers_come_again_whatever_came_since(
    use_case: UseCase, ops: User, store: Store, window: Any
) -> None:
    store(0.8, 0.75, 0.65, 0.9)
    row = kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops, window=window)
    # Newer ones, one that was reported late for a time inside of the window, and another live version.
    store(0.81, 0.82, received=timezone.now() + timedelta(seconds=2), back=0)
    store(0.83, received=timezone.now() + timedelta(hours=1), back=2)
    versions.apply(use_case=use_case, document=claims(0.8), by=ops, reason="", expected_version=1)
    forget()

    found = kept.again(KeptImpact.objects.get(pk=row.pk))
    assert (found.same, found.sentences, found.lines) == (True, (), ())
    assert found.answer["ids_digest"] == row.ids_digest


def test_verdicts_that_came_since_are_told_with_the_numbers_that_they_move(
    use_case: UseCase, ops: User, store: Store
) -> None:
    made = store(0.8, 0.75, 0.65, 0.3)
    row = kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops)
    outcomes.store(
        [
            outcomes.Word("claims", number != 1, "claims-desk", timezone.now(), decision_id=one.pk)
            for number, one in enumerate(made)
        ]
    )
    forget()

    found = kept.again(row)
    assert not found.same
    assert found.sentences == ("4 verdicts have come since (0 then, 4 now).",)
    lines = {line.path: (line.then, line.now) for line in found.lines}
    assert lines["draft.wrong_among_answered.value"] == (None, 0.5)
    assert "live.answered" not in lines


def test_decisions_that_are_gone_and_other_code_are_told(use_case: UseCase, ops: User, store: Store) -> None:
    made = store(0.8, 0.75, 0.65)
    row = kept_impacts.keep(use_case=use_case, document=DRAFT, by=ops)
    Decision.objects.filter(pk=made[0].pk).delete()
    forget()
    row.code = "replay/0"

    found = kept.again(row)
    assert found.sentences[0] == "1 of 3 decisions are no longer there."
    assert found.sentences[1].startswith("It was computed by replay/0; this is ")
    assert not found.same
