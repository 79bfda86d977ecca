"""A recorded request is decided as an assistant under the live document would have decided it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.decide import compile_document
from routing.imports.deciding import Decider
from routing.imports.records import Answer, Recorded
from tests.documents import claims
from tests.history import ladder

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def decided(document: dict[str, Any], *answers: Answer, **attributes: Any) -> dict[str, Any]:
    """Return the stored columns of one request."""
    decider = Decider(compile_document(document, version=3), use_case="claims", now=NOW)
    recorded = Recorded(2, "r-1", {answer.model: answer for answer in answers}, attributes=attributes)
    return decider.row(recorded).decision


def called(row: dict[str, Any]) -> list[str]:
    return [entry["model"] for entry in json.loads(row["tried"]) if entry["called"]]


def test_a_sure_first_answer_asks_nobody_else() -> None:
    row = decided(ladder("small", "large"), Answer("small", 0.95, 0.1, 10), Answer("large", 0.99, 1.0, 90))
    assert (row["model"], row["action"], row["cost_usd"], row["latency_ms"]) == ("small", "answer", 0.1, 10)
    assert called(row) == ["small"]


def test_an_unsure_answer_costs_both() -> None:
    row = decided(ladder("small", "large"), Answer("large", 0.99, 1.0, 90), Answer("small", 0.5, 0.1, 10))
    assert (row["model"], row["confidence"], row["cost_usd"], row["latency_ms"]) == ("large", 0.99, 1.1, 100)
    assert [entry["model"] for entry in json.loads(row["tried"])] == ["small", "large"]


def test_a_rule_that_sends_to_people_asks_no_model() -> None:
    row = decided(claims(), Answer("small", 0.95, 0.1, 10), topic="legal threat")
    assert (row["action"], row["queue"], row["rule"]) == ("escalate", "legal-desk", "legal")
    assert (row["model"], row["cost_usd"], called(row)) == ("", 0, [])


def test_a_rule_that_starts_higher_skips_the_first_model() -> None:
    row = decided(claims(), Answer("small", 0.95), Answer("large", 0.93), tier="vip")
    assert (row["model"], called(row)) == ("large", ["large"])


def test_money_ends_the_climb() -> None:
    document = ladder("small", "large", cost_per_task_usd=0.05)
    row = decided(document, Answer("small", 0.5, 0.06), Answer("large", 0.99, 1.0))
    assert (row["model"], row["action"], row["cost_usd"]) == ("small", "escalate", 0.06)


def test_an_answer_that_came_too_late_is_none() -> None:
    document = ladder("small", "large", latency_s=2.0)
    row = decided(document, Answer("small", 0.5, 0.1, 500), Answer("large", 0.99, 1.0, 9_000))
    assert (row["model"], row["latency_ms"], row["cost_usd"]) == ("small", 2_000, 0.1)
    assert called(row) == ["small", "large"]


def test_a_model_that_was_not_recorded_gives_no_answer() -> None:
    row = decided(ladder("small", "large"), Answer("small", 0.5))
    assert (row["model"], row["action"]) == ("small", "escalate")
    nothing = decided(ladder("small", "large"))
    assert (nothing["model"], nothing["action"], nothing["reason"], nothing["signal"]) == (
        "",
        "escalate",
        "ERROR",
        "missing",
    )


def test_a_missing_confidence_falls_into_the_lowest_band() -> None:
    row = decided(ladder("small"), Answer("small", correct=True))
    assert (row["action"], row["confidence"], row["signal"]) == ("escalate", None, "missing")


def test_without_a_ladder_the_one_answer_is_the_callers() -> None:
    document = ladder("small") | {"ladder": [], "confidence": {"source": "context", "missing": 0.0}}
    document["messages"]["answer"] = "Yes."
    row = decided(document, Answer("small", 0.95, 0.1))
    assert (row["action"], row["model"], row["confidence"], row["signal"]) == (
        "answer",
        "small",
        0.95,
        "context",
    )
    assert (called(row), row["cost_usd"]) == (["small"], 0.1)


CELLS = st.one_of(st.none(), st.sampled_from([0.0, 0.3, 0.6, 0.85, 0.9, 1.0]))


@settings(max_examples=150, deadline=None)
@given(
    confidences=st.lists(CELLS, min_size=3, max_size=3),
    costs=st.lists(st.sampled_from([0.01, 0.02, 0.05]), min_size=3, max_size=3),
    cap=st.sampled_from([None, 0.02, 0.03, 1.0]),
)
def test_the_ladder_is_climbed_as_the_design_says(
    confidences: list[float | None], costs: list[float], cap: float | None
) -> None:
    names = ("a", "b", "c")
    row = decided(
        ladder(*names, accept_from=0.6, cost_per_task_usd=cap),
        *(Answer(name, c, cost) for name, c, cost in zip(names, confidences, costs, strict=True)),
    )
    spent, standing = 0.0, ""
    for name, given_confidence, cost in zip(names, confidences, costs, strict=True):
        if standing and cap is not None and spent >= cap:
            break
        spent, standing = spent + cost, name
        if (given_confidence or 0.0) >= 0.6:
            break
    sure = confidences[names.index(standing)] or 0.0
    assert (row["model"], row["cost_usd"]) == (standing, pytest.approx(spent))
    assert row["action"] == ("answer" if sure >= 0.9 else "escalate")
