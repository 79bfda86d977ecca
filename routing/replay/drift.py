"""Drift: what is asked now that was not asked then. The first place to look when a certificate is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from routing.replay.columns import Coded, Columns
from routing.replay.encoding import key

# What is kept of an attribute: its commonest values, down to one request in two hundred.
STORED_VALUES: Final = 40
LEAST_STORED: Final = 0.005
# A value that nearly all requests of one period have, and none of the other, is the period's name.
MOST_TELLING: Final = 0.98

Stored = dict[str, list[tuple[Any, float]]]
Shares = Mapping[object, tuple[object, float]]


@dataclass(frozen=True, slots=True)
class Shift:
    """One value of an attribute: its share of the decisions earlier and later."""

    attribute: str
    value: object
    before: float
    after: float

    @property
    def moved(self) -> float:
        """Return by how much the share moved, up or down."""
        return abs(self.after - self.before)


def shifts(earlier: Columns, later: Columns, *, least: float = 0.02, most: int = 10) -> list[Shift]:
    """Return the values whose share moved by `least` or more, the farthest first; numbers of many values are left out.

    An attribute that tells the periods apart by itself, such as a date, comes first: it is true, and no explanation.
    """
    return _shifts(_every(earlier), _every(later), least, most)


def shifts_since(stored: Stored, later: Columns, *, least: float = 0.02, most: int = 10) -> list[Shift]:
    """Return the same beside shares that were stored. What tells the periods apart by itself is left out."""
    before = {
        name: {key(value): (value, share) for value, share in values} for name, values in stored.items()
    }
    found = _shifts(before, _every(later), least, len(before) * STORED_VALUES + most)
    telling = {shift.attribute for shift in found if shift.moved >= MOST_TELLING}
    kept: list[Shift] = []
    for shift in found:
        mirror = (round(1 - shift.before, 6), round(1 - shift.after, 6))
        seen = {(round(one.before, 6), round(one.after, 6)) for one in kept}
        # The same requests under another name, or all the others: said once.
        same = (round(shift.before, 6), round(shift.after, 6)) in seen or mirror in seen
        if shift.attribute not in telling and not same:
            kept.append(shift)
    return kept[:most]


def stored(columns: Columns) -> Stored:
    """Return each attribute's commonest values with their shares, as JSON takes them."""
    found: Stored = {}
    for name, values in _every(columns).items():
        ranked = sorted(values.values(), key=lambda pair: (-pair[1], str(pair[0])))[:STORED_VALUES]
        common = [(value, share) for value, share in ranked if share >= LEAST_STORED]
        if common:
            found[name] = common
    return found


def _shifts(
    earlier: Mapping[str, Shares], later: Mapping[str, Shares], least: float, most: int
) -> list[Shift]:
    found = []
    for name in dict.fromkeys([*earlier, *later]):
        before, after = earlier.get(name, {}), later.get(name, {})
        for mark in dict.fromkeys([*before, *after]):
            value, was = before.get(mark, (None, 0.0))
            value, now = after.get(mark, (value, 0.0))
            shift = Shift(name, value, was, now)
            if shift.moved >= least:
                found.append(shift)
    return sorted(found, key=lambda shift: (-shift.moved, shift.attribute, str(shift.value)))[:most]


def _every(columns: Columns) -> dict[str, Shares]:
    return {name: _shares(columns, name) for name in columns.attributes}


def _shares(columns: Columns, name: str) -> Shares:
    """Return each value's share by what tells it from others."""
    column = columns.attributes.get(name)
    if not isinstance(column, Coded) or not len(columns):
        return {}
    counts = np.bincount(column.codes, minlength=len(column.values)) / len(columns)
    return {key(value): (value, share) for value, share in zip(column.values, counts.tolist(), strict=True)}
