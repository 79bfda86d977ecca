"""What recent requests looked like, from the decisions that assistants reported."""

from datetime import timedelta
from typing import Any

import pytest
import uuid6
from django.utils import timezone

from routing import traffic
from routing.models import Decision, Outcome

pytestmark = pytest.mark.django_db


def decided(
    confidence: float | None, *, hours_ago: float = 1.0, use_case: str = "claims", **more: Any
) -> Decision:
    at = timezone.now() - timedelta(hours=hours_ago)
    return Decision.objects.create(
        id=uuid6.uuid7(),
        use_case=use_case,
        at=at,
        confidence=confidence,
        action="answer",
        **{"request_id": "q", **more},
    )


def test_decisions_are_counted_by_confidence_with_those_known_to_be_wrong() -> None:
    for confidence in (0.0, 0.019, 0.85, 1.0, None, 7.0):
        decided(confidence)
    decided(0.85, use_case="other")
    wrong = decided(0.85, request_id="by-id")
    Outcome.objects.create(decision_id=wrong.id, use_case="claims", correct=False, source="audit")
    decided(0.99, request_id="by-request")
    Outcome.objects.create(request_id="by-request", use_case="claims", correct=False, source="caller")

    counts = traffic.confidence_counts("claims", None)
    assert (counts[0], counts[42], counts[49]) == ((2, 0), (2, 1), (2, 1))
    assert sum(total for total, _ in counts) == 6


def test_the_newest_verdict_counts() -> None:
    row = decided(0.5)
    for hours, correct in ((3, False), (1, True)):
        at = timezone.now() - timedelta(hours=hours)
        Outcome.objects.create(decision_id=row.id, correct=correct, source=f"source {hours}", at=at)
    assert traffic.confidence_counts("claims", None)[25] == (1, 0)


def test_only_the_chosen_stretch_of_time_counts() -> None:
    decided(0.5, hours_ago=30, rule="vip")
    decided(0.5, hours_ago=1)
    since = timezone.now() - timedelta(hours=24)
    assert sum(total for total, _ in traffic.confidence_counts("claims", since)) == 1
    assert traffic.rule_counts("claims", since) == {"": 1}
    assert traffic.rule_counts("claims", None) == {"": 1, "vip": 1}


def test_attributes_come_with_their_kind_and_frequent_values() -> None:
    for tier, amount in (("vip", 10), ("basic", 20), ("basic", 20)):
        decided(0.5, attributes={"tier": tier, "amount": amount, "new": True, "lines": [1], "none": None})
    found = {attribute.name: attribute for attribute in traffic.attributes("claims")}
    assert {name: a.kind for name, a in found.items()} == {
        "tier": "text",
        "amount": "number",
        "new": "boolean",
    }
    assert found["tier"].values == ("basic", "vip")


def test_attributes_that_are_no_mapping_are_passed_over() -> None:
    decided(0.5, attributes=["tier"])
    assert traffic.attributes("claims") == []
