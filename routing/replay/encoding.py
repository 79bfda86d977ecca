"""Values of any JSON type as small codes, and back: what is equal for a rule's conditions gets one code."""

from collections.abc import Iterable, Sequence
from types import NoneType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.replay.columns import Attribute, Coded, Codes, Numeric

# Up to here a code takes at most two bytes, and a rule's condition is asked once a value, not once a row.
MAX_CODED_NUMBERS: Final = 65_536
# From here on a float does not hold every whole number.
_WHOLE: Final = 1 << 53


def encoded(values: Sequence[object], first: Sequence[object] = (None,)) -> Coded:
    """Return values as codes; `first` are known from the start, None always being the first of them."""
    known: dict[object, int] = {key(value): place for place, value in enumerate(first)}
    distinct = list(first)
    codes = np.empty(len(values), np.uint32)
    for place, value in enumerate(values):
        mark = value if type(value) is str else key(value)
        code = known.get(mark)
        if code is None:
            code = known[mark] = len(distinct)
            distinct.append(value)
        codes[place] = code
    return Coded(compact(codes, len(distinct)), tuple(distinct))


def key(value: object) -> object:
    """Return what tells values apart as conditions do: 1 is 1.0, and neither is True or "1"."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ("flag", value)
    if isinstance(value, int | float):
        return ("number", value) if value == value else ("number", "NaN")
    return ("other", repr(value))


def compact(codes: NDArray[Any], count: int) -> Codes:
    """Return codes below `count` in as few bytes as they need."""
    kind: Any = np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.uint32
    return codes.astype(kind, copy=False)


def merged(columns: Iterable[Attribute]) -> Attribute:
    """Return the columns one after another; many distinct numbers become a numeric column."""
    parts = list(columns)
    numeric = any(isinstance(part, Numeric) for part in parts)
    if numeric or sum(len(part.values) for part in parts) > MAX_CODED_NUMBERS:
        tables = [part.values if isinstance(part, Numeric) else numbers_of(part.values) for part in parts]
        found = [table for table in tables if table is not None]
        if len(found) == len(parts) and (numeric or _distinct(found) > MAX_CODED_NUMBERS):
            pairs = zip(parts, found, strict=True)
            return Numeric(np.concatenate([t if isinstance(p, Numeric) else t[p.codes] for p, t in pairs]))
    return _united([_coded(part) for part in parts])


def _distinct(tables: Sequence[NDArray[np.float64]]) -> int:
    """Count distinct numbers; a missing one counts too."""
    return len(np.unique(np.concatenate(tables)))


def _united(parts: Sequence[Coded]) -> Coded:
    known: dict[object, int] = {None: 0}
    distinct: list[object] = [None]
    tables = []
    for part in parts:
        table = np.empty(len(part.values), np.uint32)
        for place, value in enumerate(part.values):
            mark = key(value)
            if mark not in known:
                known[mark] = len(distinct)
                distinct.append(value)
            table[place] = known[mark]
        tables.append(table)
    codes = [table[part.codes] for table, part in zip(tables, parts, strict=True)]
    return Coded(compact(np.concatenate(codes), len(distinct)), tuple(distinct))


def numbers_of(values: Sequence[object]) -> NDArray[np.float64] | None:
    """Return values as floats, None as NaN; None unless all are numbers that a float holds exactly, NaN aside."""
    kinds = set(map(type, values))
    if not kinds <= {int, float, NoneType}:
        return None
    missing = [place for place, value in enumerate(values) if value is None] if NoneType in kinds else []
    given = list(values)
    for place in missing:
        given[place] = 0.0
    try:
        table = np.array(given, np.float64)
    except OverflowError:
        return None
    large = [given[place] for place in np.flatnonzero(np.abs(table) >= _WHOLE)]
    if np.isnan(table).any() or any(type(value) is int and abs(value) > _WHOLE for value in large):
        return None
    table[missing] = np.nan
    return table


def plain(values: Sequence[object]) -> bool:
    """Tell whether all values but None are numbers that a float holds exactly, NaN aside."""
    return numbers_of(values) is not None


def _coded(part: Attribute) -> Coded:
    """Return a numeric column as codes; NaN was a missing value."""
    if isinstance(part, Coded):
        return part
    distinct, codes = np.unique(part.values, return_inverse=True)
    missing = bool(len(distinct)) and bool(np.isnan(distinct[-1]))
    values = distinct[:-1].tolist() if missing else distinct.tolist()
    places = np.where(codes == len(values), 0, codes + 1) if missing else codes + 1
    return Coded(compact(places, len(values) + 1), (None, *values))
