"""Decision records: sent twice counts once; a batch is stored whole or not at all."""

import json
from typing import Any

import pytest
from django.db import DatabaseError
from uuid6 import uuid7

from routing.actions import decisions
from routing.models import Decision


def record(**other: Any) -> dict[str, Any]:
    """Return a checked record as the API hands it in."""
    from console.api.schemas_assistants import DecisionIn

    given = {
        "id": str(uuid7()),
        "request_id": "r-1",
        "use_case": "claims",
        "action": "answer",
        "at": "2026-11-22T10:00:00Z",
    }
    return DecisionIn.model_validate({**given, **other}).model_dump(mode="json")


@pytest.mark.django_db
def test_a_record_is_stored_as_it_was_sent() -> None:
    one = record(confidence=0.25, attributes={"tier": "vip"}, tried=[{"model": "small", "confidence": 0.25}])

    assert decisions.store([one]) == 1

    found = Decision.objects.get()
    assert (str(found.id), found.confidence, found.attributes) == (one["id"], 0.25, {"tier": "vip"})
    assert found.tried[0]["model"] == "small"


@pytest.mark.django_db
def test_sent_twice_counts_once() -> None:
    one, two = record(), record()

    assert decisions.store([one, one]) == 1
    assert decisions.store([one, two]) == 1
    assert decisions.store([]) == 0

    assert Decision.objects.count() == 2


@pytest.mark.django_db
def test_a_record_that_the_table_refuses_takes_the_batch_with_it() -> None:
    with pytest.raises(DatabaseError):
        decisions.store([record(), {**record(), "request_id": "x" * 201}])

    assert not Decision.objects.exists()


def test_every_column_of_a_record_is_filled() -> None:
    """A column without a default that no record fills would refuse every batch."""
    own = {"received_at"}
    assert {field.column for field in Decision._meta.fields} == set(decisions.COLUMNS) | own
    assert set(json.loads(json.dumps(record()))) == set(decisions.COLUMNS)
