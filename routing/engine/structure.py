"""Faults of single fields, found by pydantic and told in sentences. Conditions are left to `condition_checks`."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from routing.engine.faults import MAX_FAULTS, Fault, joined, listed, shown
from routing.engine.reasons import plain
from routing.engine.schema import MAX_NAME, ConfigDocument

_WORDS = {
    "schema": "The schema number",
    "models": "The list of models",
    "bands": "The list of bands",
    "ladder": "The ladder",
    "rules": "The list of rules",
    "queues": "The list of queues",
    "name": "The name",
    "id": "The rule's id",
    "from": "The band's lower edge",
    "action": "The action",
    "queue": "The queue's name",
    "model": "The model's name",
    "accept_from": "The confidence from which this model's answer stands",
    "answer_from": "The confidence from which the rule answers",
    "start": "The first model to ask",
    "litellm": "The model's LiteLLM name",
    "timeout_s": "The time to wait for the model, in seconds,",
    "api_base": "The model's address",
    "calibration": "The model's calibration map",
    "reported": "The list of reported confidences",
    "calibrated": "The list of calibrated confidences",
    "source": "The source of confidence",
    "missing": "The confidence that counts when there is none",
    "cost_per_task_usd": "The cost cap per task",
    "latency_s": "The time to wait, in seconds,",
    "sensitivity": "The highest sensitivity",
    "retrieval_score": "The lowest passage match",
    "daily_budget_usd": "The daily budget",
    "audit_share": "The share audited at random",
    "holdout_share": "The share held out",
    "enabled": "Whether the rule is enabled",
    "sla_minutes": "The time in which the queue answers, in minutes,",
    "capacity_per_hour": "What the queue can take per hour",
    "on_breach": "The queue that takes over",
    "seconds": "The length of the lease, in seconds,",
    "then": "What follows",
    "when": "The condition",
    "prompt": "The prompt's version",
    "retrieval_index": "The index's version",
}
_TEXT_OF = {"messages": "The text that customers read", "pins": "The pin"}


def structure_faults(document: Any) -> list[Fault]:
    """Return the faults that each field has by itself."""
    try:
        ConfigDocument.model_validate(document)
    except ValidationError as error:
        details = (detail for detail in error.errors(include_url=False) if not _in_condition(detail["loc"]))
        return [_fault(detail) for detail in islice(details, MAX_FAULTS)]
    return []


def _in_condition(loc: tuple[int | str, ...]) -> bool:
    """Tell faults inside a rule's condition: pydantic would name them after the kinds of condition it tried."""
    return loc[:1] == ("rules",) and loc[2:3] == ("when",) and len(loc) > 3


def _fault(detail: ErrorDetails) -> Fault:
    path = ""
    for step in detail["loc"]:
        path = joined(path, step)
    say = _SENTENCES.get(detail["type"], _unfit)
    return Fault(path, say(_subject(detail["loc"]), detail))


def _subject(loc: tuple[int | str, ...]) -> str:
    """Name the field in words."""
    if not loc:
        return "The document"
    last = loc[-1]
    if isinstance(last, int):
        return "This entry"
    if len(loc) > 1 and loc[0] in _TEXT_OF:
        return _TEXT_OF[str(loc[0])]
    return _WORDS.get(last, f"“{last}”")


def _missing(subject: str, detail: ErrorDetails) -> str:
    return f"{subject} is missing."


def _unknown(subject: str, detail: ErrorDetails) -> str:
    name = str(detail["loc"][-1])
    close = get_close_matches(name[:MAX_NAME], _known(detail["loc"][:-1]), n=1)
    hint = f"Did you mean “{close[0]}”?" if close else "Remove it."
    return f"There is no setting {shown(name)} here. {hint}"


def _known(loc: Iterable[int | str]) -> list[str]:
    """Return the settings of a part of the document."""
    part = schema = _schema()
    for step in loc:
        part = part.get("items", {}) if isinstance(step, int) else part.get("properties", {}).get(step, {})
        part = schema["$defs"].get(str(part.get("$ref", "")).rpartition("/")[2], part)
    return list(part.get("properties", {}))


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return ConfigDocument.model_json_schema(by_alias=True)


def _choice(subject: str, detail: ErrorDetails) -> str:
    expected = str(detail.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
    given = shown(detail["input"])
    return f"{subject} must be {listed(expected.split(', '))}, not {given}."


def _kind(expected: str) -> Callable[[str, ErrorDetails], str]:
    def say(subject: str, detail: ErrorDetails) -> str:
        return f"{subject} must be {expected}, not {shown(detail['input'])}."

    return say


def _bound(word: str, key: str) -> Callable[[str, ErrorDetails], str]:
    def say(subject: str, detail: ErrorDetails) -> str:
        limit = plain(detail["ctx"][key]).removesuffix(".00")
        return f"{subject} must be {word} {limit}, not {shown(detail['input'])}."

    return say


def _long(subject: str, detail: ErrorDetails) -> str:
    return f"{subject} is too long: at most {detail['ctx']['max_length']:,} characters, not {len(detail['input']):,}."


def _empty(subject: str, detail: ErrorDetails) -> str:
    return f"{subject} must not be empty."


def _few(subject: str, detail: ErrorDetails) -> str:
    least = detail["ctx"]["min_length"]
    if least == 1:
        return _empty(subject, detail)
    return f"{subject} is too short: at least {least:,} entries are needed, not {detail['ctx']['actual_length']:,}."


def _many(subject: str, detail: ErrorDetails) -> str:
    return f"{subject} is too long: at most {detail['ctx']['max_length']:,} entries are allowed."


def _pattern(subject: str, detail: ErrorDetails) -> str:
    if "http" in str(detail["ctx"]["pattern"]):
        return f"{subject} must start with http:// or https://."
    return (
        f"{subject} must be one line that neither starts nor ends with a space, not {shown(detail['input'])}."
    )


def _unfit(subject: str, detail: ErrorDetails) -> str:
    return f"{subject} cannot be {shown(detail['input'])}."


_SENTENCES: dict[str, Callable[[str, ErrorDetails], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _choice,
    "string_type": _kind("text"),
    "float_type": _kind("a number"),
    "int_type": _kind("a whole number"),
    "bool_type": _kind("true or false"),
    "list_type": _kind("a list"),
    "dict_type": _kind("a group of settings"),
    "model_type": _kind("a group of settings"),
    "model_attributes_type": _kind("a group of settings"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "greater_than": _bound("more than", "gt"),
    "finite_number": _kind("an ordinary number"),
    "string_too_long": _long,
    "string_too_short": _empty,
    "too_short": _few,
    "too_long": _many,
    "string_pattern_mismatch": _pattern,
}
