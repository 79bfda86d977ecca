"""The knobs of a document: every number an owner turns, where it is, what it is called, how far it sensibly goes.

Paths: `bands.<name>.from`, `thresholds.<key>`, `rules.<id>.answer_from`, `ladder.<model>.accept_from`. Names may
contain dots: the first and the last step tell what is between them.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

Unit = Literal["confidence", "share", "usd", "seconds"]


@dataclass(frozen=True, slots=True)
class Knob:
    """One knob. `value` is None where the check is off; `low`, `high` and `step` fit a slider."""

    path: str
    label: str
    hint: str
    unit: Unit
    value: float | None
    low: float
    high: float
    step: float


class _Threshold(NamedTuple):
    label: str
    hint: str
    unit: Unit
    high: float
    step: float
    looser: int


# In the order in which they are shown. `looser`: 1 where more is looser, -1 where less is.
_THRESHOLDS: Final[dict[str, _Threshold]] = {
    "cost_per_task_usd": _Threshold(
        "Cost cap per task", "then no further model is asked", "usd", 0.2, 0.001, 1
    ),
    "latency_s": _Threshold("Wait for the model", "then no further model is asked", "seconds", 30.0, 0.5, 1),
    "retrieval_score": _Threshold(
        "Passage match, at least", "else escalate: nothing to cite", "confidence", 1.0, 0.01, -1
    ),
    "sensitivity": _Threshold("Sensitivity, at most", "else a person answers", "confidence", 1.0, 0.01, 1),
    "audit_share": _Threshold(
        "Audited at random", "of answers sent; keeps error honest", "share", 0.5, 0.005, -1
    ),
    "holdout_share": _Threshold(
        "Held out at random", "these get the baseline, to compare", "share", 0.5, 0.005, -1
    ),
    "daily_budget_usd": _Threshold("Daily budget", "then a person answers", "usd", 500.0, 1.0, 1),
}
_FIELDS: Final = {"bands": "from", "rules": "answer_from", "ladder": "accept_from"}
_KEYS: Final = {"bands": "name", "rules": "id", "ladder": "model"}


def knobs(document: Mapping[str, Any]) -> list[Knob]:
    """Return the knobs of a valid document, bands first.

    Left out: the lowest band's edge, which is 0 by rule, and the last rung, whose answer stands anyway.
    """
    return [
        *_band_knobs(document),
        *_threshold_knobs(document),
        *_rule_knobs(document),
        *_ladder_knobs(document),
    ]


def is_knob(path: str) -> bool:
    """Tell whether a path has the form of a knob's, whatever the document."""
    return _split(path) is not None


def label(path: str) -> str:
    """Name a knob in the owner's words, without its document."""
    part, name = _split(path) or ("", path)
    if part == "thresholds":
        return _THRESHOLDS[name].label
    if part == "bands":
        return f"{name[:1].upper()}{name[1:]} from"
    if part == "rules":
        return f"Rule “{name}” answers from"
    return f"“{name}” stands from" if part == "ladder" else path


def unit(path: str) -> Unit:
    """Return the unit of a knob."""
    part, name = _split(path) or ("", "")
    return _THRESHOLDS[name].unit if part == "thresholds" else "confidence"


def value_at(document: Any, path: str) -> float | None:
    """Return the number at a knob's path; None where it is off, absent or no number, in any document."""
    holder, key = _holder(document, path)
    value = holder.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def with_value(document: Mapping[str, Any], path: str, value: float | None) -> dict[str, Any]:
    """Return a copy of the document with one knob turned. Raises `KeyError` where there is no such knob."""
    turned = copy.deepcopy(dict(document))
    if (_split(path) or ("",))[0] == "thresholds":
        turned.setdefault("thresholds", {})
    holder, key = _holder(turned, path)
    if not key:
        raise KeyError(path)
    holder[key] = value
    return turned


def loosens(path: str, old: float | None, new: float | None) -> bool:
    """Tell whether a move answers more, spends more or checks less.

    A band or rule that starts lower loosens. On the ladder both ways loosen: lower takes a weaker model's word, higher
    asks, and pays, the next one more often. A check that is switched off loosens, one that is switched on does not;
    a rule's threshold that comes or goes counts as loosening, since it may replace a stricter one.
    """
    part, name = _split(path) or ("", "")
    if old == new:
        return False
    if part == "thresholds":
        if name in ("audit_share", "holdout_share"):
            old, new = old or 0.0, new or 0.0
        if old is None or new is None:
            return new is None
        return (new - old) * _THRESHOLDS[name].looser > 0
    if part == "ladder" or old is None or new is None:
        return True
    return new < old


def _split(path: str) -> tuple[str, str] | None:
    """Return part and name of a knob's path."""
    part, _, rest = path.partition(".")
    if part == "thresholds":
        return (part, rest) if rest in _THRESHOLDS else None
    name, _, field = rest.rpartition(".")
    return (part, name) if name and _FIELDS.get(part) == field else None


def _holder(document: Any, path: str) -> tuple[dict[str, Any], str]:
    """Return the group of settings that a knob is in, and its key; an empty group and key where there is none."""
    part, name = _split(path) or ("", "")
    inside = document.get(part) if isinstance(document, Mapping) else None
    if part == "thresholds" and isinstance(inside, dict):
        return inside, name
    for entry in inside if isinstance(inside, list) else []:
        if isinstance(entry, dict) and entry.get(_KEYS[part]) == name:
            holder = entry.get("then") if part == "rules" else entry
            return (holder, _FIELDS[part]) if isinstance(holder, dict) else ({}, "")
    return {}, ""


def _confidence(path: str, words: str, hint: str, value: float) -> Knob:
    return Knob(path, words, hint, "confidence", value, 0.0, 1.0, 0.01)


def _band_knobs(document: Mapping[str, Any]) -> Iterator[Knob]:
    placed = sorted(document["bands"], key=lambda band: -float(band["from"]))
    for band, below in pairwise(placed):
        path = f"bands.{band['name']}.from"
        yield _confidence(path, label(path), f"below it: {below['name']}", band["from"])


def _threshold_knobs(document: Mapping[str, Any]) -> Iterator[Knob]:
    given = document.get("thresholds", {})
    for key, kind in _THRESHOLDS.items():
        value = given.get(key)
        if value is None and kind.unit == "share":
            value = 0.0
        # Twice the value where it is past the usual: a slider that starts at its end cannot be turned up.
        high = kind.high if value is None or value < kind.high or kind.high == 1.0 else value * 2
        high = min(high, 1.0) if kind.unit == "share" else high
        yield Knob(f"thresholds.{key}", kind.label, kind.hint, kind.unit, value, 0.0, high, kind.step)


def _rule_knobs(document: Mapping[str, Any]) -> Iterator[Knob]:
    for rule in document.get("rules", []):
        value = rule["then"].get("answer_from")
        if value is not None:
            words = f"“{rule['name']}” answers from"
            yield _confidence(f"rules.{rule['id']}.answer_from", words, "instead of the band's edge", value)


def _ladder_knobs(document: Mapping[str, Any]) -> Iterator[Knob]:
    ladder = document.get("ladder", [])
    called = {model["name"]: model.get("label") or model["name"] for model in document.get("models", [])}
    for rung, after in pairwise(ladder):
        hint = f"below it: {called.get(after['model'], after['model'])}"
        words = f"“{called.get(rung['model'], rung['model'])}” stands from"
        yield _confidence(f"ladder.{rung['model']}.accept_from", words, hint, rung["accept_from"])


def written(path: str, value: float | None) -> str:
    """Write a knob's value with its unit: $0.05, 8 s, 5%, 0.85; `off` for None."""
    return "off" if value is None else _WRITTEN[unit(path)](value)


def _usd(value: float) -> str:
    return f"${value:,.2f}" if round(value, 2) == value else f"${value:,.4f}".rstrip("0")


_WRITTEN: Final[dict[Unit, Callable[[float], str]]] = {
    "usd": _usd,
    "seconds": lambda value: f"{value:g} s",
    "share": lambda value: f"{round(value * 100, 4):g}%",
    "confidence": lambda value: f"{value:.2f}" if round(value, 2) == value else f"{value:.6g}",
}
