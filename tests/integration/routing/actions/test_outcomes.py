"""Outcomes: the last word of each source counts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError

from routing.actions import outcomes
from routing.actions.outcomes import Word
from routing.models import Outcome

pytestmark = pytest.mark.django_db
ID = UUID("018f0000-0000-7000-8000-000000000001")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def word(**other: Any) -> Word:
    return Word(
        **{"use_case": "claims", "correct": True, "source": "desk", "at": NOON, "decision_id": ID, **other}
    )


def test_an_outcome_is_stored_by_decision_or_by_request() -> None:
    assert outcomes.store([word(), word(decision_id=None, request_id="r-1", corrected_answer="No.")]) == 2

    assert Outcome.objects.get(decision_id=ID).correct
    assert Outcome.objects.get(request_id="r-1").corrected_answer == "No."


def test_a_later_word_of_the_same_source_replaces_it() -> None:
    outcomes.store([word()])

    assert outcomes.store([word(correct=False, at=NOON + timedelta(minutes=1))]) == 1

    assert Outcome.objects.get().correct is False


def test_the_same_word_again_changes_nothing() -> None:
    outcomes.store([word()])

    assert outcomes.store([word(), word(at=NOON + timedelta(hours=1))]) == 0

    assert Outcome.objects.get().at == NOON


def test_an_earlier_word_that_comes_late_is_ignored() -> None:
    assert outcomes.store([word(correct=False, at=NOON), word(at=NOON - timedelta(hours=1))]) == 1
    assert outcomes.store([word(at=NOON - timedelta(hours=1))]) == 0

    assert Outcome.objects.get().correct is False


def test_another_source_has_a_word_of_its_own() -> None:
    outcomes.store([word(), word(source="customer", correct=False)])

    assert Outcome.objects.count() == 2


def test_a_batch_is_stored_whole_or_not_at_all() -> None:
    with pytest.raises(DatabaseError):
        outcomes.store([word(), word(decision_id=None, request_id="x" * 201)])

    assert not Outcome.objects.exists()
