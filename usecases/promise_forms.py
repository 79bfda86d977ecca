"""The promise as people type it: shares in per cent, money in dollars. Parsed here, judged by the action."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from usecases.models import Promise

# Field, label, unit before it, unit after it, what one typed unit is worth.
FIELDS: Final = (
    ("wrong_at_most", "Wrong among answered, at most", "", "%", 0.01),
    ("confidence", "With confidence", "", "%", 0.01),
    ("cost_at_most_usd", "Cost per task, at most", "$", "", 1.0),
    ("review_usd", "A review costs", "$", "", 1.0),
    ("review_minutes", "and takes", "", "min", 1.0),
    ("escalation_usd", "An escalation costs", "$", "", 1.0),
    ("escalation_minutes", "and takes", "", "min", 1.0),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One number of the form, as it was typed, with what is wrong with it."""

    name: str
    label: str
    before: str
    after: str
    value: str
    errors: tuple[str, ...] = ()


def fields(
    promise: Promise, typed: Mapping[str, str] | None = None, errors: list[dict[str, str]] | None = None
) -> dict[str, Field]:
    """Return the form's fields by name: what was typed, else what is promised."""
    told: dict[str, tuple[str, ...]] = {}
    for error in errors or []:
        told[error["path"]] = (*told.get(error["path"], ()), error["message"])
    return {
        name: Field(
            name,
            label,
            before,
            after,
            _written(getattr(promise, name), worth) if typed is None else typed.get(name, ""),
            told.get(name, ()),
        )
        for name, label, before, after, worth in FIELDS
    }


def parsed(typed: Mapping[str, str]) -> dict[str, Any]:
    """Return what was typed as the action takes it; what is no number stays text, and is told as a fault."""
    return {name: _number(typed[name], worth) for name, _, _, _, worth in FIELDS if name in typed}


def _number(text: str, worth: float) -> Any:
    plain = text.strip().strip("%$ ").replace(",", ".") if text.count(",") <= 1 else text
    if not plain:
        return None
    try:
        return round(float(plain) * worth, 10)
    except (ValueError, OverflowError):
        return text


def _written(value: float | None, worth: float) -> str:
    return "" if value is None else f"{round(value / worth, 8):g}"
