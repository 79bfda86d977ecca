"""Drift: what is asked now that was not asked then. The first place to look when a certificate is lost."""

from dataclasses import dataclass

import numpy as np

from routing.replay.columns import Coded, Columns
from routing.replay.encoding import key


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
    found = []
    for name in dict.fromkeys([*earlier.attributes, *later.attributes]):
        before, after = _shares(earlier, name), _shares(later, name)
        for mark in dict.fromkeys([*before, *after]):
            value, was = before.get(mark, (None, 0.0))
            value, now = after.get(mark, (value, 0.0))
            shift = Shift(name, value, was, now)
            if shift.moved >= least:
                found.append(shift)
    return sorted(found, key=lambda shift: (-shift.moved, shift.attribute, str(shift.value)))[:most]


def _shares(columns: Columns, name: str) -> dict[object, tuple[object, float]]:
    """Return each value's share by what tells it from others."""
    column = columns.attributes.get(name)
    if not isinstance(column, Coded) or not len(columns):
        return {}
    counts = np.bincount(column.codes, minlength=len(column.values)) / len(columns)
    return {key(value): (value, share) for value, share in zip(column.values, counts.tolist(), strict=True)}
