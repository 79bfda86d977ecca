"""Edit a config document: a document and one edit in, a new document and a sentence out. Pure.

Fields are addressed by paths such as `bands.0.from`, `thresholds.latency_s`, `messages.review`; everything else is a
command such as `bands.add`, `rules.up:vip`. Values that make no sense are taken as they are typed, so that nothing of
a person's work is lost; `routing.engine.validation` says what is wrong with them. Rules are written by `rule_forms`.
"""

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

from routing.engine import describe, diff
from usecases.fields import LISTS, is_number, kind_of, plain

Document = dict[str, Any]
SLIDER = "slide."
SEEN = "seen."
DEFAULTS: dict[str, float] = {
    "cost_per_task_usd": 0.05,
    "latency_s": 8.0,
    "retrieval_score": 0.35,
    "sensitivity": 0.7,
    "daily_budget_usd": 200.0,
}
# Only these may be removed from the document when their field is emptied; a threshold is switched off with null.
_DROPPED_WHEN_EMPTY = ("messages", "pins")


class UnknownEdit(ValueError):
    """An edit that no page of ours sends."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A new document, and what changed as people say it; empty when nothing did."""

    document: Document
    sentence: str = ""


def set_fields(document: Document, values: Mapping[str, str]) -> Edit:
    """Take over what stands in the fields; those that still read as the document does are left alone.

    `slide.PATH` is the slider of PATH: a bare number in the unit of the document. Unknown paths are passed over.
    """
    new = copy.deepcopy(document)
    for name, text in values.items():
        path = name.removeprefix(SLIDER)
        kind = kind_of(path)
        if kind is None:
            continue
        old = value_at(document, path)
        if name != path:
            value: Any = _slid(text, old)
        elif text.strip() == kind.show(old).strip():
            continue
        else:
            value = None if kind.optional and not text.strip() else kind.read(text)
        if value != old:
            _write(new, path, value)
    return Edit(new, told(document, new))


def command(document: Document, words: str, *, live: Document | None = None, to: int | None = None) -> Edit:
    """Carry out `NOUN.VERB[:WHICH]`: WHICH is an index, for rules the id; `to` is where something is moved to.

    Raises `UnknownEdit` for words that name nothing.
    """
    verb, _, which = words.partition(":")
    act = _COMMANDS.get(verb)
    if act is None:
        raise UnknownEdit(f"There is no edit “{verb}”.")
    new = copy.deepcopy(document)
    sentence = act(new, which, live or {}, to)
    return Edit(new, sentence if new != document else "")


def mark(document: Document, part: str) -> str:
    """Return a short mark of a list's entries and their order, to notice that a page counts in an older list."""
    items = document.get(part)
    names = (
        [item.get("name", item.get("model")) for item in items if isinstance(item, dict)]
        if isinstance(items, list)
        else []
    )
    return f"{crc32(json.dumps(names).encode()):08x}"


def check_marks(document: Document, fields: Mapping[str, str]) -> None:
    """Refuse an edit from a page that counts in an older list (`seen.LIST`), before it hits another entry."""
    for part in LISTS:
        if fields.get(f"{SEEN}{part}", mark(document, part)) != mark(document, part):
            raise UnknownEdit(
                "The draft was changed in another window. This is how it stands now; make your last edit again."
            )


def told(old: Document, new: Document, most: int = 3) -> str:
    """Say in one sentence how two documents differ; empty when they do not."""
    if old == new:
        return ""
    names = describe.rule_names(new, old)
    sentences = [describe.difference_sentence(change, names) for change in diff.changes(old, new)]
    rest = len(sentences) - most
    return "; ".join(sentences[:most]) + (f"; and {rest} more" if rest > 0 else "")


def value_at(document: Document, path: str) -> Any:
    """Return the value of a field; None where there is none."""
    place: Any = document
    for step in _steps(path):
        if isinstance(place, list) and isinstance(step, int):
            place = place[step] if step < len(place) else None
        elif isinstance(place, Mapping):
            place = place.get(str(step))
        else:
            return None
    return place


def free_name(wanted: str, taken: list[Any]) -> str:
    """Return a name that nothing in a list has yet."""
    if wanted not in taken:
        return wanted
    return next(name for n in range(2, len(taken) + 3) if (name := f"{wanted} {n}") not in taken)


def _steps(path: str) -> list[str | int]:
    part, _, rest = path.partition(".")
    if part in LISTS:
        index, _, key = rest.partition(".")
        return [part, int(index), key]
    return [part, rest] if rest else [part]


def _slid(text: str, old: Any) -> Any:
    """Read a slider's position; the old value where it is not one."""
    try:
        value = float(text)
    except ValueError:
        return old
    return old if (is_number(old) and float(old) == value) or not 0 <= value < 1e12 else value


def _write(document: Document, path: str, value: Any) -> None:
    part, *rest = _steps(path)
    holder: Any = document.setdefault(str(part), [] if part in LISTS else {})
    if isinstance(holder, list):
        index = rest[0]
        if not isinstance(index, int) or index >= len(holder) or not isinstance(holder[index], dict):
            raise UnknownEdit("What you changed is gone: it was removed in another window.")
        holder = holder[index]
    key = str(rest[-1])
    old = holder.get(key)
    if value is None and (key not in holder or part in _DROPPED_WHEN_EMPTY):
        holder.pop(key, None)
    else:
        holder[key] = value
    if key == "name" and isinstance(old, str) and isinstance(value, str) and value:
        _RENAMES.get(str(part), _rename_nothing)(document, old, value)


def _rename_nothing(document: Document, old: str, new: str) -> None:
    """Bands are named by nothing else in the document."""


def _rename_model(document: Document, old: str, new: str) -> None:
    for rung in _list(document, "ladder"):
        _rename(rung, "model", old, new)
    for rule in _list(document, "rules"):
        _rename(rule.get("then"), "start", old, new)


def _rename_queue(document: Document, old: str, new: str) -> None:
    for band in _list(document, "bands"):
        _rename(band, "queue", old, new)
    for rule in _list(document, "rules"):
        _rename(rule.get("then"), "queue", old, new)
    for queue in _list(document, "queues"):
        _rename(queue, "on_breach", old, new)


def _rename(holder: Any, key: str, old: str, new: str) -> None:
    if isinstance(holder, dict) and holder.get(key) == old:
        holder[key] = new


_RENAMES: dict[str, Callable[[Document, str, str], None]] = {"models": _rename_model, "queues": _rename_queue}


def _list(document: Document, part: str) -> list[dict[str, Any]]:
    """Return a list of the document, made when there is none."""
    items = document.setdefault(part, [])
    return items if isinstance(items, list) else []


def _names(document: Document, part: str, key: str = "name") -> list[Any]:
    return [item.get(key) for item in _list(document, part)]


def _at(document: Document, part: str, which: str) -> int:
    """Return the index that a command names. Raises `UnknownEdit` where nothing stands there any more."""
    if which.isascii() and which.isdigit() and int(which) < len(_list(document, part)):
        return int(which)
    raise UnknownEdit("What you changed is gone: it was removed in another window.")


# Bands ---------------------------------------------------------------------------------------------------------------


def _add_band(document: Document, which: str, live: Document, to: int | None) -> str:
    """Split the widest stretch of confidence in its middle."""
    bands = _list(document, "bands")
    edges = sorted({float(band["from"]) for band in bands if is_number(band.get("from"))} | {0.0, 1.0})
    low, high = max(pairwise(edges), key=lambda pair: pair[1] - pair[0])
    middle = round((low + high) / 2, 2)
    name = free_name("new band", _names(document, "bands"))
    queue = next((band.get("queue") for band in bands if band.get("action") == "review"), None)
    below = sum(1 for band in bands if is_number(band.get("from")) and band["from"] > middle)
    bands.insert(below, {"name": name, "from": middle, "action": "review", "queue": queue})
    return f"Band “{name}” added from {middle:.2f}"


def _remove_band(document: Document, which: str, live: Document, to: int | None) -> str:
    """Take a band away; the one below it, or for the lowest the one above it, takes its place."""
    bands = _list(document, "bands")
    if len(bands) == 1:
        return ""
    gone = bands.pop(_at(document, "bands", which))
    rest = [band for band in bands if is_number(band.get("from"))]
    if rest and gone.get("from") == 0 and not any(band["from"] == 0 for band in rest):
        min(rest, key=lambda band: float(band["from"]))["from"] = 0.0
    return f"Band “{gone.get('name')}” removed"


# Thresholds ----------------------------------------------------------------------------------------------------------


def _switch_threshold(document: Document, which: str, live: Document, to: int | None) -> str:
    """Turn a check off, or on again at its live value."""
    if which not in DEFAULTS:
        raise UnknownEdit(f"There is no threshold “{which}” to switch.")
    old = copy.deepcopy(document)
    thresholds = document.setdefault("thresholds", {})
    if thresholds.get(which) is None:
        was = live.get("thresholds", {}).get(which)
        thresholds[which] = was if is_number(was) else DEFAULTS[which]
    elif which in thresholds and which not in live.get("thresholds", {which: None}):
        del thresholds[which]  # live never had it: off again is no change
    else:
        thresholds[which] = None
    return told(old, document)


# Rules ---------------------------------------------------------------------------------------------------------------


def rule_index(document: Document, rule_id: str) -> int:
    """Return where a rule stands. Raises `UnknownEdit` when there is none with that id."""
    for index, rule in enumerate(_list(document, "rules")):
        if rule.get("id") == rule_id:
            return index
    raise UnknownEdit("That rule is gone: it was removed in another window.")


def save_rule(document: Document, rule: dict[str, Any], *, replaces: str | None = None) -> Edit:
    """Put a rule in the place of the one with the id `replaces`, or last."""
    new = copy.deepcopy(document)
    rules = _list(new, "rules")
    if replaces is not None:
        rules[rule_index(new, replaces)] = copy.deepcopy(rule)
        return Edit(new, told(document, new))
    added = {
        **copy.deepcopy(rule),
        "id": free_id(str(rule.get("name") or "rule"), _names(new, "rules", "id")),
    }
    rules.append(added)
    return Edit(new, f"Rule “{added.get('name')}” added, number {len(rules)}")


def free_id(name: str, taken: list[Any]) -> str:
    """Make a rule's id out of its name."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "rule"
    return (
        base
        if base not in taken
        else next(i for n in range(2, len(taken) + 3) if (i := f"{base}-{n}") not in taken)
    )


def _duplicate_rule(document: Document, which: str, live: Document, to: int | None) -> str:
    index = rule_index(document, which)
    twin = copy.deepcopy(_list(document, "rules")[index])
    twin["name"] = free_name(f"{twin.get('name')} (copy)", _names(document, "rules"))
    twin["id"] = free_id(f"{which}-copy", _names(document, "rules", "id"))
    _list(document, "rules").insert(index + 1, twin)
    return f"Rule “{twin['name']}” added, number {index + 2}"


def _remove_rule(document: Document, which: str, live: Document, to: int | None) -> str:
    gone = _list(document, "rules").pop(rule_index(document, which))
    return f"Rule “{gone.get('name')}” removed"


def _switch_rule(document: Document, which: str, live: Document, to: int | None) -> str:
    rule = _list(document, "rules")[rule_index(document, which)]
    was = rule.get("enabled", True)
    if was:
        rule["enabled"] = False
    elif "enabled" in next((r for r in live.get("rules", []) if r.get("id") == which), {"enabled": True}):
        rule["enabled"] = True
    else:
        del rule["enabled"]  # live does not say it: on again is no change
    return f"Rule “{rule.get('name')}” turned {'off' if was else 'on'}"


def _move_rule(document: Document, which: str, live: Document, to: int | None) -> str:
    rules = _list(document, "rules")
    old = rule_index(document, which)
    new = max(0, min(len(rules) - 1, old if to is None else to))
    rules.insert(new, rules.pop(old))
    return f"Rule “{rules[new].get('name')}” is now {new + 1} of {len(rules)}"


def _rule_up(document: Document, which: str, live: Document, to: int | None) -> str:
    return _move_rule(document, which, live, rule_index(document, which) - 1)


def _rule_down(document: Document, which: str, live: Document, to: int | None) -> str:
    return _move_rule(document, which, live, rule_index(document, which) + 1)


# Models and ladder ---------------------------------------------------------------------------------------------------


def _add_model(document: Document, which: str, live: Document, to: int | None) -> str:
    name = free_name("new model", _names(document, "models"))
    _list(document, "models").append({"name": name, "litellm": "", "timeout_s": 30.0})
    return f"Model “{name}” added; give it its LiteLLM name"


def _remove_model(document: Document, which: str, live: Document, to: int | None) -> str:
    gone = _list(document, "models").pop(_at(document, "models", which)).get("name")
    ladder = _list(document, "ladder")
    kept = [rung for rung in ladder if rung.get("model") != gone]
    step = " and taken off the ladder" if len(kept) < len(ladder) else ""
    document["ladder"] = kept
    return f"Model “{gone}” removed{step}"


def _add_rung(document: Document, which: str, live: Document, to: int | None) -> str:
    asked = _names(document, "ladder", "model")
    name = next((name for name in _names(document, "models") if name not in asked), None)
    if name is None:
        return ""
    _list(document, "ladder").append({"model": name, "accept_from": 0.0})
    return f"“{name}” is asked last"


def _remove_rung(document: Document, which: str, live: Document, to: int | None) -> str:
    gone = _list(document, "ladder").pop(_at(document, "ladder", which))
    return f"“{gone.get('model')}” taken off the ladder"


def _move_rung(document: Document, which: str, live: Document, to: int | None) -> str:
    ladder = _list(document, "ladder")
    old = _at(document, "ladder", which)
    new = max(0, min(len(ladder) - 1, old if to is None else to))
    ladder.insert(new, ladder.pop(old))
    return f"“{ladder[new].get('model')}” is now step {new + 1} of {len(ladder)}"


def _rung_up(document: Document, which: str, live: Document, to: int | None) -> str:
    return _move_rung(document, which, live, _at(document, "ladder", which) - 1)


def _rung_down(document: Document, which: str, live: Document, to: int | None) -> str:
    return _move_rung(document, which, live, _at(document, "ladder", which) + 1)


# Queues and pins -----------------------------------------------------------------------------------------------------


def _add_queue(document: Document, which: str, live: Document, to: int | None) -> str:
    name = free_name("new-queue", _names(document, "queues"))
    queue = {"name": name, "sla_minutes": 60, "capacity_per_hour": 10, "on_breach": None}
    _list(document, "queues").append(queue)
    return f"Queue “{name}” added: {plain(60)} minutes, {plain(10)} an hour"


def _remove_queue(document: Document, which: str, live: Document, to: int | None) -> str:
    gone = _list(document, "queues").pop(_at(document, "queues", which))
    return f"Queue “{gone.get('name')}” removed"


def _add_pin(document: Document, which: str, live: Document, to: int | None) -> str:
    key = re.sub(r"[^a-z0-9_]+", "_", which.strip().lower()).strip("_")
    if not key or key in document.get("pins", {}):
        return ""
    document.setdefault("pins", {})[key] = ""
    return f"Pin “{key}” added"


def _remove_pin(document: Document, which: str, live: Document, to: int | None) -> str:
    document.setdefault("pins", {}).pop(which, None)
    return f"Pin “{which}” removed"


_COMMANDS: dict[str, Callable[[Document, str, Document, int | None], str]] = {
    "bands.add": _add_band,
    "bands.remove": _remove_band,
    "thresholds.switch": _switch_threshold,
    "rules.duplicate": _duplicate_rule,
    "rules.remove": _remove_rule,
    "rules.switch": _switch_rule,
    "rules.move": _move_rule,
    "rules.up": _rule_up,
    "rules.down": _rule_down,
    "models.add": _add_model,
    "models.remove": _remove_model,
    "ladder.add": _add_rung,
    "ladder.remove": _remove_rung,
    "ladder.move": _move_rung,
    "ladder.up": _rung_up,
    "ladder.down": _rung_down,
    "queues.add": _add_queue,
    "queues.remove": _remove_queue,
    "pins.add": _add_pin,
    "pins.remove": _remove_pin,
}
