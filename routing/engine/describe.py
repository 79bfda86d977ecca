"""Rules and differences in the words of those who own them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel

from routing.engine import knobs
from routing.engine.diff import Difference
from routing.engine.schema import Rule

Kind = Literal["word", "attribute", "value"]


class Piece(NamedTuple):
    """A piece of a sentence: plain words, or an attribute or a value to set off from them."""

    kind: Kind
    text: str


_NO_LABELS: Final[Mapping[str, str]] = {}
_WORDS: Final = {
    "eq": "is",
    "ne": "is not",
    "in": "is",
    "not_in": "is not",
    "lt": "is under",
    "lte": "is at most",
    "gt": "is over",
    "gte": "is at least",
    "between": "is between",
    "contains": "contains",
    "starts_with": "starts with",
    "matches": "matches",
}
_PEOPLE: Final = {"answer": "answer", "review": "a person reviews", "escalate": "a person answers"}
_LONGEST: Final = 80


def rule_sentence(rule: Rule | Mapping[str, Any], labels: Mapping[str, str] = _NO_LABELS) -> str:
    """Return a rule as one sentence: “If amount is over 10,000 or tier is vip → large first, answer from 0.92”.

    `labels` gives models and queues the names that people call them.
    """
    plain = _plain(rule)
    when = " ".join(piece.text for piece in condition_parts(plain["when"]))
    return f"If {when.replace('( ', '(').replace(' )', ')')} → {outcome(plain['then'], labels)}"


def condition_parts(when: Mapping[str, Any] | BaseModel) -> list[Piece]:
    """Return a condition in pieces, for a page to set attributes and values off from the words."""
    return list(_condition(_plain(when), inside=""))


def outcome(then: Mapping[str, Any] | BaseModel, labels: Mapping[str, str] = _NO_LABELS) -> str:
    """Return what a rule sets, in words."""
    given = _plain(then)
    parts = []
    if given.get("action"):
        parts.append(_PEOPLE[given["action"]])
    if given.get("queue"):
        parts.append(f"queue {labels.get(given['queue'], given['queue'])}")
    if given.get("start"):
        parts.append(f"{labels.get(given['start'], given['start'])} first")
    if given.get("answer_from") is not None:
        parts.append(f"answer from {_number(given['answer_from'])}")
    return ", ".join(parts) or "nothing changes"


def rule_names(*documents: Any) -> dict[str, str]:
    """Return what rules are called, by id, for `difference_sentence`; the first document that has one names it."""
    found: dict[str, str] = {}
    for document in documents:
        rules = document.get("rules") if isinstance(document, Mapping) else None
        for rule in rules if isinstance(rules, list) else []:
            if (
                isinstance(rule, Mapping)
                and isinstance(rule.get("id"), str)
                and isinstance(rule.get("name"), str)
            ):
                found.setdefault(rule["id"], rule["name"])
    return found


def difference_sentence(difference: Difference, names: Mapping[str, str] = _NO_LABELS) -> str:
    """Return a difference in the owner's words: “Answer from 0.80 instead of 0.85”.

    `names` (`rule_names`) gives rules the names that people call them, instead of their ids.
    """
    path, old, new = difference.path, difference.old, difference.new
    if knobs.is_knob(path):
        if not _numbers(old, new):  # in a draft, whatever was typed
            return f"{knobs.label(path)} {_value(new)}" + (
                "" if old is None else f" instead of {_value(old)}"
            )
        was = "" if old is None else f" instead of {knobs.written(path, old)}"
        return f"{knobs.label(path)} {knobs.written(path, new)}{was}"
    part, name, field = _split(path)
    if part in _ENTRY and not name:
        if not _named(old) or not _named(new):  # a draft whose entries cannot be told apart
            return f"{_ENTRY[part]}s changed"
        return f"{_ENTRY[part]}s in a new order: {', '.join(_called(part, one, names) for one in new)}"
    if part in _ENTRY and not field:
        return _came_or_went(part, _called(part, name, names), old, new)
    if part in _ENTRY:
        return _field(part, _called(part, name, names), field, old, new)
    if part == "messages" and name in _SPOKEN:
        return f"{_SPOKEN[name]}: {_value(new)}" if new else f"{_SPOKEN[name]}: no text of its own any more"
    return _setting(path, old, new)


def _called(part: str, name: str, names: Mapping[str, str]) -> str:
    return names.get(name, name) if part == "rules" else name


def _plain(value: Any) -> dict[str, Any]:
    """Return a model or a mapping as the plain JSON it was read from."""
    return value.model_dump(by_alias=True) if isinstance(value, BaseModel) else dict(value)


def _condition(when: Mapping[str, Any], inside: str) -> Iterator[Piece]:
    group = next((key for key in ("all", "any", "not") if key in when), None)
    if group == "not":
        yield Piece("word", "not (")
        yield from _condition(when["not"], "")
        yield Piece("word", ")")
    elif group:
        bracketed = bool(inside) and inside != group and len(when[group]) > 1
        yield from [Piece("word", "(")] if bracketed else []
        for index, part in enumerate(when[group]):
            if index:
                yield Piece("word", "and" if group == "all" else "or")
            yield from _condition(part, group if len(when[group]) > 1 else inside)
        yield from [Piece("word", ")")] if bracketed else []
    else:
        yield from _comparison(when)


def _comparison(wanted: Mapping[str, Any]) -> Iterator[Piece]:
    yield Piece("attribute", str(wanted["attribute"]).replace("_", " "))
    operator: str = wanted["op"]
    value: Any = wanted.get("value")
    if operator == "is_set":
        yield Piece("word", "has no value" if value is False else "has a value")
        return
    yield Piece("word", _WORDS[operator])
    if operator == "between":
        yield Piece("value", _value(value[0], quoted=False))
        yield Piece("word", "and")
        value = value[1]
    values = value if isinstance(value, list) else [value]
    yield Piece("value", ", ".join(_value(one, quoted=False) for one in values))


def _number(value: float) -> str:
    """Write a number as people do: 10,000 and 0.92."""
    if isinstance(value, int) or (value.is_integer() and abs(value) >= 2):
        return f"{int(value):,}"
    return knobs.written("bands.x.from", value)


def _value(value: Any, *, quoted: bool = True) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        short = value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
        return f"“{short}”" if quoted else short
    return ", ".join(_value(one) for one in value) if isinstance(value, list) else "new settings"


_ENTRY: Final = {
    "bands": "Band",
    "rules": "Rule",
    "ladder": "Ladder step",
    "models": "Model",
    "queues": "Queue",
}
_ENTRY_FIELDS: Final[dict[str, dict[str, str]]] = {
    "bands": {"from": "from", "action": "action", "queue": "queue"},
    "rules": {
        "name": "name",
        "enabled": "",
        "when": "",
        "then": "outcome",
        "action": "action",
        "queue": "queue",
        "start": "first model",
        "answer_from": "answers from",
    },
    "ladder": {"accept_from": "stands from"},
    "models": {
        "litellm": "provider's name",
        "timeout_s": "waits, in seconds,",
        "api_base": "address",
        "label": "label",
        "calibration": "calibration",
    },
    "queues": {
        "sla_minutes": "answers within, in minutes,",
        "capacity_per_hour": "takes per hour",
        "on_breach": "hands late cases to",
    },
}
_SPOKEN: Final = {
    "answer": "Customers read, as the answer",
    "review": "Customers read, while a person reviews",
    "escalate": "Customers read, when a person answers",
}
_SETTINGS: Final = {
    "pins.prompt": "Prompt",
    "pins.retrieval_index": "Index",
    "confidence.source": "Confidence comes from",
    "confidence.missing": "Missing confidence counts as",
    "lease.seconds": "Runs alone for, in seconds,",
    "lease.then": "After running alone",
}


def _split(path: str) -> tuple[str, str, str]:
    """Return part, name and field of a path; names may contain dots."""
    part, _, rest = path.partition(".")
    name, _, field = rest.rpartition(".")
    return (part, name, field) if name and field in _ENTRY_FIELDS.get(part, {}) else (part, rest, "")


def _numbers(*values: Any) -> bool:
    return all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values
    )


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _came_or_went(part: str, name: str, old: Any, new: Any) -> str:
    title = f"{_ENTRY[part]} “{name}”"
    if new is None:
        return f"{title} removed"
    say = _CAME.get(part)
    return (
        f"{title} added: {say(new)}" if old is None and say and isinstance(new, Mapping) else f"{title} added"
    )


def _band_came(band: Mapping[str, Any]) -> str:
    return f"{_PEOPLE.get(str(band.get('action')), 'no action')} from {_value(band.get('from'))}"


def _rule_came(rule: Mapping[str, Any]) -> str:
    try:
        return rule_sentence(rule)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError):
        # A draft may hold half a rule; its faults are told elsewhere.
        return "not complete yet"


_CAME: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {"bands": _band_came, "rules": _rule_came}


def _field(part: str, name: str, field: str, old: Any, new: Any) -> str:
    title = f"{_ENTRY[part]} “{name}”"
    if field == "enabled":
        return f"{title} switched {'off' if new is False else 'on'}"
    if field == "when":
        return (
            f"{title} applies to other requests: {_rule_came({'when': new, 'then': {}}).partition(' → ')[0]}"
        )
    if field == "calibration":
        return f"{title}: its confidence {_recalibrated(old, new)}"
    was = f" instead of {_value(old)}" if old is not None else ""
    return f"{title}, {_ENTRY_FIELDS[part][field]} {_value(new)}{was}"


def _recalibrated(old: Any, new: Any) -> str:
    if new is None:
        return "counts as reported again"
    return "is recalibrated" if old is None else "is recalibrated anew"


def without_points(value: Any) -> Any:
    """Return a value to show, with every calibration map in it told in words: fifty points tell nobody anything."""
    if isinstance(value, Mapping):
        points = value.get("reported")
        if value.keys() == {"reported", "calibrated"} and isinstance(points, list):
            return f"calibration map of {len(points):,} points"
        return {key: without_points(inner) for key, inner in value.items()}
    return [without_points(inner) for inner in value] if isinstance(value, list) else value


def _setting(path: str, old: Any, new: Any) -> str:
    was = f" instead of {_value(old)}" if old is not None else ""
    return f"{_SETTINGS.get(path, path)} {_value(new)}{was}"
