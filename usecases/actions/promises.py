"""State what a use case promises, and what its people cost."""

import math
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from audit import log
from usecases import permissions, promises
from usecases.models import Promise, UseCase
from usecases.publishing import Refused, lock

FIELDS: Final = (
    "wrong_at_most",
    "confidence",
    "cost_at_most_usd",
    "review_usd",
    "escalation_usd",
    "review_minutes",
    "escalation_minutes",
)
# Lowest and highest of each, and how a fault of it is told.
BOUNDS: Final[dict[str, tuple[float, float, str]]] = {
    "wrong_at_most": (0.0001, 0.5, "Wrong among answered: give a share from 0.01% to 50%."),
    "confidence": (0.5, 0.9999, "Confidence: give a share from 50% to 99.99%."),
    "cost_at_most_usd": (
        0.0,
        1e6,
        "Cost per task: give dollars from 0 to 1,000,000, or nothing for no limit.",
    ),
    "review_usd": (0.0, 1e6, "Price of a review: give dollars from 0 to 1,000,000."),
    "escalation_usd": (0.0, 1e6, "Price of an escalation: give dollars from 0 to 1,000,000."),
    "review_minutes": (0.0, 10_080.0, "Minutes of a review: give a number from 0 to 10,080, a week."),
    "escalation_minutes": (
        0.0,
        10_080.0,
        "Minutes of an escalation: give a number from 0 to 10,080, a week.",
    ),
}


@transaction.atomic
def state(*, use_case: UseCase, promise: Any, by: User, reason: str = "") -> Promise:
    """State any of `FIELDS`; what is not named stays as it is, and `cost_at_most_usd` None takes the limit away.

    What was certified under another promise stays certified for that one. Raises `Forbidden`, `Refused` with every
    fault by field. Writes nothing when nothing changes.
    """
    permissions.check(by, "tune", use_case)
    errors = faults(promise)
    if errors:
        raise Refused("The promise cannot be stated as it is.", errors)
    lock(use_case)
    row = promises.of(use_case)
    old = as_dict(row)
    new = old | {name: None if value is None else float(value) for name, value in promise.items()}
    if new == old and row.pk:
        return row
    for name, value in new.items():
        setattr(row, name, value)
    row.stated_by = by.get_username()
    row.save()
    log.record(
        kind="promise.stated",
        sentence=sentence(row),
        by=by,
        use_case=use_case.slug,
        reason=reason.strip(),
        old=old,
        new=new,
    )
    return row


def as_dict(row: Promise) -> dict[str, float | None]:
    """Return what is promised, by field."""
    return {name: getattr(row, name) for name in FIELDS}


def sentence(row: Promise) -> str:
    """Say what is promised, in one sentence."""
    cost = "" if row.cost_at_most_usd is None else f" A task costs at most ${row.cost_at_most_usd:g}."
    return (
        f"Promised: at most {_percent(row.wrong_at_most)} wrong among answered, with {_percent(row.confidence)} "
        f"confidence.{cost} A review costs ${row.review_usd:g} and takes {row.review_minutes:g} min, an escalation "
        f"${row.escalation_usd:g} and {row.escalation_minutes:g} min."
    )


def faults(promise: Any) -> list[dict[str, str]]:
    """Return every fault of a promise as it comes from outside."""
    if not isinstance(promise, dict):
        return [{"path": "promise", "message": f"Give an object of {', '.join(FIELDS)}."}]
    found = []
    for name, value in promise.items():
        if name not in BOUNDS:
            found.append(
                {"path": name, "message": f"There is no “{name}” in a promise; use {', '.join(FIELDS)}."}
            )
            continue
        low, high, words = BOUNDS[name]
        if value is None and name == "cost_at_most_usd":
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            found.append({"path": name, "message": words})
    return found


def _percent(share: float) -> str:
    value = round(share * 100, 6)
    return f"{value:.{1 if math.isclose(value, round(value, 1)) else 4}f}".rstrip("0").rstrip(".") + "%"
