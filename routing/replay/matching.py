"""Which rule each decision matches: the engine's own conditions, asked once a distinct value, then looked up.

A comparison reads one attribute. On a coded column the engine answers for each value. On a numeric column it answers
for the numbers that the comparison names and for one number between each two of them: it can change its mind nowhere
else. `all`, `any` and `not` are put together over rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.engine.conditions import compile_match
from routing.engine.schema import AllOf, AnyOf, Comparison, Not, Rule, When
from routing.replay.columns import Coded, Codes, Columns, Mask, Numeric
from routing.replay.encoding import compact

Holds = Callable[[object], bool]


class NotLoaded(LookupError):
    """A rule reads an attribute that these columns were made without."""


def courses(columns: Columns, rules: Sequence[Rule]) -> Codes:
    """Return the place of each decision's first matching rule, `len(rules)` where none matches."""
    found = compact(np.full(len(columns), len(rules), np.uint32), len(rules) + 1)
    for place in reversed(range(len(rules))):
        found[mask(columns, rules[place].when)] = place
    return found


def mask(columns: Columns, when: When) -> Mask:
    """Return where a condition holds."""
    if isinstance(when, AllOf):
        return _all([mask(columns, part) for part in when.all], len(columns))
    if isinstance(when, AnyOf):
        return _any([mask(columns, part) for part in when.any], len(columns))
    if isinstance(when, Not):
        return ~mask(columns, when.negated)
    packed = columns.memory.get("leaf", when.model_dump_json(), lambda: np.packbits(_leaf(columns, when)))
    return np.unpackbits(packed, count=len(columns)).view(np.bool_)


def _all(masks: Sequence[Mask], count: int) -> Mask:
    return np.logical_and.reduce(masks) if masks else np.ones(count, np.bool_)


def _any(masks: Sequence[Mask], count: int) -> Mask:
    return np.logical_or.reduce(masks) if masks else np.zeros(count, np.bool_)


def _leaf(columns: Columns, wanted: Comparison) -> Mask:
    """Return where one comparison holds."""
    match = compile_match([wanted])

    def holds(value: object) -> bool:
        return match({wanted.attribute: value}) == 0

    if wanted.attribute == "request_id":
        return np.fromiter((holds(text or None) for text in columns.request_ids), np.bool_, len(columns))
    column = columns.attributes.get(wanted.attribute)
    if column is None:
        if columns.closed:
            raise NotLoaded(wanted.attribute)
        return np.full(len(columns), holds(None))
    if isinstance(column, Numeric):
        return _numeric(column, wanted.value, holds)
    return _coded(column, holds)


def _coded(column: Coded, holds: Holds) -> Mask:
    table: Mask = np.fromiter(map(holds, column.values), np.bool_, len(column.values))
    return table.take(column.codes)


def _numeric(column: Numeric, value: Any, holds: Holds) -> Mask:
    """Sort rows by the named numbers: 2i below the i-th one and above the one before, 2i + 1 on it."""
    named = np.unique(np.array(_numbers(value), np.float64))
    place: NDArray[np.intp] = np.searchsorted(named, column.values, "left")
    place += np.searchsorted(named, column.values, "right")
    missing = np.isnan(column.values)
    place[missing] = 2 * len(named) + 1
    table = [holds(one) for one in _representatives(named.tolist())]
    return np.array([*table, holds(None)], np.bool_).take(place)


def _numbers(value: Any) -> list[float]:
    given = value if isinstance(value, list | tuple) else [value]
    return [float(one) for one in given if isinstance(one, int | float) and not isinstance(one, bool)]


def _representatives(named: Sequence[float]) -> list[float]:
    """Return a number below, on, between and above the named ones, in order."""
    if not named:
        return [0.0]
    found = [float(np.nextafter(named[0], -np.inf))]
    for one, after in zip(named, [*named[1:], np.inf], strict=True):
        # The very next number: where it is `after` itself, no row can lie between, and the answer is never read.
        found += [one, float(np.nextafter(one, after))]
    return found
