"""What an event changed, in words: one row a value, as the owner says it; moments in the reader's zone.

Digests are left out: they are for proofs, and the event's own page has them apart. What is kept stays as it was in the
record's exports; only pages read this.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from routing.engine import describe, knobs
from usecases import fields, one_pagers, record_knobs, step_gates, strictest, term_words, terms, timeline
from usecases.models import Change

DIGESTS: Final = ("content", "evidence", "ids_digest", "ids", "sha256", "digest")
# What holds others, each of which is a row of its own.
_OPENED: Final = ("knobs", "bounds", "pins", *one_pagers.PARTS)
_KEYS: Final = {
    "at": "Goes live",
    "until": "Until",
    "expires_at": "Works until",
    "giver": "By the right of",
    "holder": "Lent to",
    "with": "Signed in with",
    "seconds": "Last confirmed after, seconds",
    "last_instance": "Last to confirm",
    "left_out": "Not connected",
    "left": "Codes left",
    "rechecked": "Judged anew",
    "wrong_at_most": "Wrong among answered, at most",
    "review_usd": "A review costs",
    "escalation_usd": "An escalation costs",
    "cost_at_most_usd": "A task costs at most",
    "models": "Approved models",
    "lanes": "Shared lanes",
    "state": "What assistants do",
    "slug": "Short name",
    "document": "The whole document",
}
_STATES: Final = {"live": "live", "review_all": "everything is reviewed", "baseline": "baseline"}
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S*")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Row:
    """One value before and after; `path` where it is one of the config document's, else empty."""

    path: str
    words: str
    old: str
    new: str


def rows(old: Any, new: Any) -> list[Row]:
    """Return what differs, in the order in which it was recorded."""
    before, after = (dict(_opened(value)) for value in (old, new))
    found = []
    for key in dict.fromkeys([*after, *before]):
        was, now = before.get(key), after.get(key)
        if was != now and not _is_digest(key, was, now):
            found.append(Row(_path(key), _label(key), _told(key, was), _told(key, now)))
    return [row for row in found if row.old or row.new]


def _opened(value: Any, within: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        if value is not None:
            yield "", value
        return
    for key, inner in value.items():
        if key in _OPENED and isinstance(inner, Mapping) and not within:
            name = key if key in (*one_pagers.PARTS, "pins") else ""
            yield from ((f"{name}.{path}" if name else path, one) for path, one in _inside(key, inner))
        else:
            yield key, inner


def _inside(key: str, inner: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Open what a shared lane bounds once more: its knobs stand one level deeper."""
    yield from _opened(inner, "" if key == "bounds" else key)


def _is_digest(key: str, *values: Any) -> bool:
    known = [value for value in values if value is not None]
    return key in DIGESTS and all(isinstance(value, str) and _HEX.fullmatch(value) for value in known)


def _path(key: str) -> str:
    part = key.partition(".")[0]
    return key if "." in key and part not in one_pagers.PARTS else ""


def _label(key: str) -> str:
    part, _, rest = key.partition(".")
    if part in one_pagers.PARTS and rest in one_pagers.BY_KEY[part]:
        return one_pagers.BY_KEY[part][rest].words
    found = _KEYS.get(key) or record_knobs.words(key)
    words = found if found != key or "." in key else key.replace("_", " ")
    return words if "." in words else words[:1].upper() + words[1:]


def _told(key: str, value: Any) -> str:
    """Write one value as its reader says it."""
    if value is None:
        return ""
    try:
        if key in terms.USUAL:
            return term_words.said(key, value)
        return _BY_KEY[key](value) if key in _BY_KEY else _plain(key, describe.without_points(value))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        # The record outlives the shapes of what it holds: what an older console wrote is shown as it is.
        return json.dumps(value, ensure_ascii=False)


def _plain(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(key, value)
    if isinstance(value, str):
        found = terms.moment(value) if _MOMENT.fullmatch(value) else None
        return term_words.moment(found) if found else value
    if isinstance(value, Mapping) and {"lane", "limit", "step", "reason"}.intersection(value):
        return _bound(key, value)
    if isinstance(value, list):
        return ("\n" if any(isinstance(one, Mapping) for one in value) else ", ").join(
            _plain("", one) for one in value
        )
    return _object(value)


def _object(value: Any) -> str:
    """Write an object: a rule as its sentence, else key by key."""
    shown = timeline.shown(value) if isinstance(value, Mapping) and {"when", "then"} <= set(value) else None
    return shown or "; ".join(
        f"{_label(key)}: {_told(key, one)}" for key, one in value.items() if one not in (None, "", [], {})
    )


def _number(key: str, value: float) -> str:
    if knobs.is_knob(key):
        return knobs.written(key, value)
    if key.endswith("_usd"):
        return fields.money(value)
    if key in ("wrong_at_most", "confidence", "at_least"):
        return fields.percent(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _bound(path: str, bound: Mapping[str, Any]) -> str:
    said = [
        f"{key} {knobs.written(path, bound[key][0])} to {knobs.written(path, bound[key][1])}"
        for key in ("lane", "limit")
        if bound.get(key)
    ]
    said += [f"step {step_gates.words(path, step)}" for step in strictest.steps_of(bound)]
    return "\n".join([", ".join(said), *([f"“{bound['reason']}”"] if bound.get("reason") else [])])


def _rechecked(found: list[Mapping[str, Any]]) -> str:
    """Say of each use case whether it keeps a lane that was set."""
    return "\n".join(f"{one.get('name')}: {'; '.join(_outcome(one)) or 'keeps it'}" for one in found)


def _outcome(one: Mapping[str, Any]) -> list[str]:
    said = [f"newly outside, {gate.get('name')}" for gate in one.get("failing") or []]
    said += [f"change {change.get('change')} has to be approved anew" for change in one.get("voided") or []]
    return said + list(one.get("conflicts") or [])


def _document(document: Mapping[str, Any]) -> str:
    """Say how much of a document there is; its version has it whole."""
    parts = (("band", "bands"), ("rule", "rules"), ("model", "models"), ("queue", "queues"))
    counted = [(len(document.get(key) or []), word) for word, key in parts]
    return ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counted)


_BY_KEY: Final[dict[str, Callable[[Any], str]]] = {
    "state": lambda state: _STATES.get(str(state), str(state)),
    "status": lambda status: dict(Change.Status.choices).get(status, str(status)),
    "rechecked": _rechecked,
    "document": _document,
    "baseline": lambda one: _document(one) if isinstance(one, Mapping) else str(one),
}
