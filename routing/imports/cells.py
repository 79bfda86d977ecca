"""Single values of a log: texts of a CSV file or values of JSON in, checked values out. Each raises `BadCell`."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any, Final
from uuid import UUID

from routing.imports.faults import BadCell
from routing.runtime.masking import masked, shortened, storable

MOST_TOKENS: Final = 2**31 - 1
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
MOST_LETTERS: Final = 200
_VERDICTS = {"1": True, "0": False, "1.0": True, "0.0": False, "true": True, "false": False}
_BOOLEANS = {"true": True, "false": False, "True": True, "False": False}
_WHOLE: Final = 1 << 53


def number(cell: Any) -> float:
    """Read a finite number."""
    if type(cell) is str and "_" not in cell:
        try:
            value = float(cell)
        except ValueError:
            raise BadCell(f"{shown(cell)} is not a number.") from None
    elif isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) < 1e300:
        value = float(cell)
    else:
        raise BadCell(f"{shown(cell)} is not a number.")
    if not isfinite(value):
        raise BadCell(f"{shown(cell)} is not a finite number.")
    return value


def confidence(cell: Any) -> float:
    """Read a number from 0 to 1."""
    value = number(cell)
    if not 0.0 <= value <= 1.0:
        raise BadCell(f"{shown(cell)} does not lie between 0 and 1.")
    return value


def amount(cell: Any) -> float:
    """Read money or a time: a number that is not negative."""
    value = number(cell)
    if value < 0:
        raise BadCell(f"{shown(cell)} is less than 0.")
    return value


def tokens(cell: Any) -> int:
    """Read a count; 132.0 is one too, since tools write whole numbers like that beside empty cells."""
    value = number(cell)
    if value < 0 or value > MOST_TOKENS or value != int(value):
        raise BadCell(f"{shown(cell)} is not a count.")
    return int(value)


def verdict(cell: Any) -> bool:
    """Read whether an answer was right: 1 or 0."""
    if isinstance(cell, bool):
        return cell
    known = _VERDICTS.get(str(cell).strip().lower())
    if known is None:
        raise BadCell(f"{shown(cell)} is neither 1 (right) nor 0 (wrong).")
    return known


def moment(cell: Any) -> datetime:
    """Read a point in time, ISO 8601; without a zone it is UTC."""
    try:
        value = datetime.fromisoformat(cell.strip())
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        value = value.astimezone(UTC)
    except (ValueError, OverflowError, AttributeError):
        raise BadCell(f"{shown(cell)} is not a time such as 2026-11-01T09:30:00Z.") from None
    if not EARLIEST < value < LATEST:
        raise BadCell(f"{shown(cell)} does not lie between 2000 and 2100.")
    return value


def request_id(cell: Any) -> str:
    """Read the id of a request: 1 to 200 characters."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    if not isinstance(cell, str) or not cell.strip():
        raise BadCell("is missing.")
    if len(cell) > MOST_LETTERS:
        raise BadCell(f"has {len(cell)} characters; {MOST_LETTERS} at most can be kept.")
    return storable(cell.strip())


def words(cell: Any) -> str:
    """Read a text; anything else is written as one."""
    return cell if isinstance(cell, str) else str(cell)


def typed(cell: str) -> str | int | float | bool:
    """Read an attribute of a CSV file: a number or a boolean where it is written as one.

    7 and 0.5 are numbers; 007, 1e3 and what is too long for one stay text: they are ids.
    """
    return _typed(cell) if len(cell) <= 25 else cell


@lru_cache(maxsize=20_000)
def _typed(cell: str) -> str | int | float | bool:
    if cell in _BOOLEANS:
        return _BOOLEANS[cell]
    kinds: tuple[Callable[[str], int | float], ...] = (int, float)
    for kind in kinds:
        try:
            value = kind(cell)
        except ValueError:
            continue
        if str(value) == cell and abs(value) <= _WHOLE:
            return value
    return cell


def shown(cell: Any) -> str:
    """Quote a value in a refusal, short and without personal data."""
    return f"“{shortened(masked(storable(str(cell)[:200])), 40)}”"


def uuid7(cell: Any) -> str:
    """Read a decision's own id, which carries its time."""
    try:
        value = UUID(cell)
    except (ValueError, AttributeError, TypeError):
        value = UUID(int=0)
    if value.version != 7:
        raise BadCell(f"{shown(cell)} is no UUIDv7.")
    return str(value)
