"""What is kept of the signals that a decision was made on: numbers, by their names, and nothing else. Pure.

A signal that is not there was not part of the request. One that is there but cannot be read as a number is kept as
null, since deciding takes it for the worst value. Nothing at all means that nobody recorded any.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Final

REPORTED: Final = ("sensitivity", "retrieval_score", "spent_today_usd")
# What thresholds make of a number is the same from here on, and a database's float ends here.
_LARGEST: Final = 1.7e308


def reported(signals: object) -> dict[str, float | None]:
    """Return the signals that thresholds look at, as numbers that JSON and a database hold."""
    given = signals if isinstance(signals, Mapping) else {}
    return {name: _number(given[name]) for name in REPORTED if name in given}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return float(max(-_LARGEST, min(_LARGEST, value)))
    return value if isfinite(value) else None
