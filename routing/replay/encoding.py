"""Values of any JSON type as small codes, and back: what is equal for a rule's conditions gets one code."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.replay.columns import Attribute, Coded, Codes, Numeric

# Up to here a code takes at most two bytes, and a rule's condition is asked once a value, not once a row.
MAX_CODED_NUMBERS: Final = 65_536


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
    if any(isinstance(part, Numeric) for part in parts):
        if all(isinstance(part, Numeric) or plain(part.values) for part in parts):
            return Numeric(np.concatenate([_numbers(part) for part in parts]))
        parts = [_coded(part) for part in parts]
    whole = _united([part for part in parts if isinstance(part, Coded)])
    if len(whole.values) > MAX_CODED_NUMBERS and plain(whole.values):
        return Numeric(_numbers(whole))
    return whole


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


def plain(values: Iterable[object]) -> bool:
    """Tell whether all values but None are numbers that a float holds exactly, NaN aside."""
    for value in values:
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return False
        if isinstance(value, int) and (abs(value) > 1 << 53):
            return False
    return True


def _numbers(part: Attribute) -> NDArray[np.float64]:
    if isinstance(part, Numeric):
        return part.values
    table = np.array([np.nan if value is None else value for value in part.values], np.float64)
    return table[part.codes]


def _coded(part: Attribute) -> Coded:
    """Return a numeric column as codes; NaN was a missing value."""
    if isinstance(part, Coded):
        return part
    distinct, codes = np.unique(part.values, return_inverse=True)
    missing = bool(len(distinct)) and bool(np.isnan(distinct[-1]))
    values = distinct[:-1].tolist() if missing else distinct.tolist()
    places = np.where(codes == len(values), 0, codes + 1) if missing else codes + 1
    return Coded(compact(places, len(values) + 1), (None, *values))
