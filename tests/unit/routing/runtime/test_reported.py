"""What is kept of signals: numbers by name; what cannot be read stays the worst value, as deciding took it."""

from typing import Any

from hypothesis import given

from routing.engine.decide import decide
from routing.runtime.reported import REPORTED, reported
from tests.unit.routing.engine.generated import documents, signals


def test_only_numbers_of_the_signals_that_thresholds_look_at_are_kept() -> None:
    told = {
        "sensitivity": 0.25,
        "retrieval_score": "high",
        "spent_today_usd": True,
        "name": "Jo",
        "model": "small",
    }
    assert reported(told) == {"sensitivity": 0.25, "retrieval_score": None, "spent_today_usd": None}
    assert reported({"sensitivity": float("nan"), "retrieval_score": 10**400}) == {
        "sensitivity": None,
        "retrieval_score": 1.7e308,
    }
    assert reported(None) == reported([1]) == {}


@given(documents(), signals)
def test_what_is_kept_decides_as_what_was_given(document: Any, told: Any) -> None:
    kept = {name: value for name, value in told.items() if name not in REPORTED} | reported(told)
    assert decide(document, {}, kept) == decide(document, {}, told)
