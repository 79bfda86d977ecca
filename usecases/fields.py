"""How each value of a config document is written in a field, and read back from it. Pure.

What cannot be read stays as it was typed: the draft keeps it, and validation says beside the field what would be right.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_NOISE = str.maketrans("", "", " \u00a0\u202f_")


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to write and read one sort of value. `optional`: empty text means that there is none."""

    show: Callable[[Any], str]
    read: Callable[[str], Any]
    optional: bool = False


def number(text: str, unit: str = "") -> Any:
    """Read a number as people write it (“$0.05”, “8 s”, “5%”, “10,000”, “0,05”); the text itself where it is none."""
    bare = text.translate(_NOISE)
    if unit and unit in bare:
        bare = bare.replace(unit, "", 1)
    bare = bare.replace(",", "") if _THOUSANDS.fullmatch(bare) else bare.replace(",", ".")
    try:
        value = float(bare)
    except ValueError:
        return text.strip()
    if not math.isfinite(value):  # NaN and infinity are no JSON
        return text.strip()
    return int(value) if value.is_integer() and "." not in bare and "e" not in bare.lower() else value


def is_number(value: Any) -> TypeGuard[int | float]:
    """Say whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def exact(value: Any, digits: int) -> str:
    """Write a number with so many digits after the point, with more where it has more: never another number."""
    if not is_number(value):
        return "" if value is None else str(value)
    text = f"{value:.{digits}f}"
    return text if float(text) == value else repr(float(value))


def plain(value: Any) -> str:
    """Write a number with no more digits than it has."""
    return exact(value, 0)


def money(value: Any) -> str:
    digits = (
        0 if is_number(value) and value >= 10 and float(value).is_integer() else 3 if _small(value) else 2
    )
    return f"${exact(value, digits)}" if is_number(value) else exact(value, 0)


def _small(value: Any) -> bool:
    return is_number(value) and value < 1


def seconds(value: Any) -> str:
    return f"{exact(value, 1)} s" if is_number(value) else exact(value, 0)


def percent(value: Any) -> str:
    return f"{plain(round(value * 100, 8))}%" if is_number(value) else exact(value, 0)


def read_percent(text: str) -> Any:
    value = number(text, "%")
    return round(value / 100, 10) if is_number(value) else value


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _trimmed(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


CONFIDENCE = Kind(lambda value: exact(value, 2), number)
NUMBER = Kind(plain, number)
MONEY = Kind(money, lambda text: number(text, "$"), optional=True)
SECONDS = Kind(seconds, lambda text: number(text, "s"), optional=True)
SCORE = Kind(lambda value: exact(value, 2), number, optional=True)
PERCENT = Kind(percent, read_percent, optional=True)
TEXT = Kind(_shown, _trimmed)
OPTIONAL = Kind(_shown, _trimmed, optional=True)

THRESHOLDS: dict[str, Kind] = {
    "cost_per_task_usd": MONEY,
    "latency_s": SECONDS,
    "retrieval_score": SCORE,
    "sensitivity": SCORE,
    "daily_budget_usd": MONEY,
    "audit_share": PERCENT,
    "holdout_share": PERCENT,
}
LISTS: dict[str, dict[str, Kind]] = {
    "bands": {"name": TEXT, "from": CONFIDENCE, "action": TEXT, "queue": OPTIONAL},
    "models": {
        "name": TEXT,
        "litellm": TEXT,
        "timeout_s": Kind(seconds, lambda text: number(text, "s")),
        "api_base": OPTIONAL,
        "label": OPTIONAL,
    },
    "ladder": {"model": TEXT, "accept_from": CONFIDENCE},
    "queues": {"name": TEXT, "sla_minutes": NUMBER, "capacity_per_hour": NUMBER, "on_breach": OPTIONAL},
}
PARTS: dict[str, dict[str, Kind]] = {
    "thresholds": THRESHOLDS,
    "confidence": {"source": TEXT, "missing": CONFIDENCE},
    "messages": {"answer": OPTIONAL, "review": OPTIONAL, "escalate": OPTIONAL},
    "lease": {"seconds": Kind(lambda value: exact(value, 0), lambda text: number(text, "s")), "then": TEXT},
}


def kind_of(path: str) -> Kind | None:
    """Return how the value at a path such as `bands.0.from` or `thresholds.latency_s` is written; None for no field."""
    part, _, rest = path.partition(".")
    if part == "pins":
        return OPTIONAL if rest else None
    if part in LISTS:
        index, _, key = rest.partition(".")
        return LISTS[part].get(key) if index.isascii() and index.isdigit() else None
    return PARTS.get(part, {}).get(rest)


def show(path: str, value: Any) -> str:
    """Write a value as its field does."""
    kind = kind_of(path)
    return kind.show(value) if kind else _shown(value)
