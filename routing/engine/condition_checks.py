"""Faults of rules' conditions: the shape of `when`, and values that do not fit their operator."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import re2

from routing.engine.conditions import pattern
from routing.engine.faults import MAX_FAULTS, Fault, joined, listed, shown
from routing.engine.schema import MAX_NAME, MAX_PATTERN, MAX_TEXT, Operator

MAX_NESTING = 8
MAX_CONDITIONS = 200
MAX_LISTED = 1_000
# Reading a pattern takes up to ten milliseconds, which nobody may make thousands of.
MAX_PATTERNS = 100
_TOO_MANY = f"The document has more than {MAX_PATTERNS} patterns. Use “contains” or “in” for some of them."

_GROUPS = ("all", "any", "not")
_OPERATORS: tuple[str, ...] = get_args(Operator)


def condition_faults(document: Any) -> list[Fault]:
    """Return the faults of all conditions of all rules."""
    rules = document.get("rules") if isinstance(document, Mapping) else None
    found: list[Fault] = []
    patterns = 0
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, Mapping) and "when" in rule:
            walk = _Walk(f"rules[{index}].when", MAX_PATTERNS - patterns)
            found += walk.faults(rule["when"])
            patterns += walk.patterns
        if len(found) >= MAX_FAULTS:
            break
    return found


class _Walk:
    """One walk through one rule's condition."""

    def __init__(self, path: str, spare: int) -> None:
        self.path = path
        self.spare = spare
        self.patterns = 0
        self.found: list[Fault] = []
        self.count = 0

    def faults(self, when: Any) -> list[Fault]:
        self._condition(when, self.path, 1)
        if self.count > MAX_CONDITIONS:
            self._add(
                self.path, f"The rule has {self.count} conditions; at most {MAX_CONDITIONS} are allowed."
            )
        return self.found

    def _add(self, path: str, message: str) -> None:
        self.found.append(Fault(path, message))

    def _condition(self, when: Any, path: str, depth: int) -> None:
        group = next((key for key in _GROUPS if key in when), None) if isinstance(when, Mapping) else None
        if not isinstance(when, Mapping):
            self._add(path, f"The condition must be a group of settings, not {shown(when)}.")
        elif group is None:
            self._comparison(when, path)
        elif depth > MAX_NESTING:
            self._add(path, f"Conditions are nested more than {MAX_NESTING} levels deep. Use two rules.")
        else:
            self._group(when, group, path, depth)

    def _group(self, when: Mapping[str, Any], group: str, path: str, depth: int) -> None:
        for key in when:
            if key != group:
                self._add(
                    joined(path, key),
                    f"{shown(key)} cannot stand beside “{group}”. Put one inside the other.",
                )
        parts, inner = when[group], joined(path, group)
        if group == "not":
            self._condition(parts, inner, depth + 1)
        elif not isinstance(parts, list):
            self._add(inner, f"“{group}” must be a list of conditions, not {shown(parts)}.")
        elif not parts:
            self._add(inner, f"“{group}” must have at least one condition.")
        else:
            for index, part in enumerate(parts):
                self._condition(part, joined(inner, index), depth + 1)

    def _comparison(self, wanted: Mapping[str, Any], path: str) -> None:
        self.count += 1
        for key in wanted:
            if key not in ("attribute", "op", "value"):
                self._add(joined(path, key), f"There is no setting {shown(key)} in a condition. Remove it.")
        self._attribute(wanted.get("attribute"), joined(path, "attribute"))
        operator = wanted.get("op")
        if isinstance(operator, str) and operator in _OPERATORS:
            self.patterns += operator == "matches"
            message = _FITTING[operator](wanted.get("value")) if self.patterns <= self.spare else _TOO_MANY
            if message:
                self._add(joined(path, "value"), message)
        else:
            given = f", not {shown(operator)}" if "op" in wanted else "; it is missing"
            self._add(joined(path, "op"), f"The comparison must be {listed(list(_OPERATORS))}{given}.")

    def _attribute(self, attribute: Any, path: str) -> None:
        if not isinstance(attribute, str) or not attribute:
            self._add(path, "Name the attribute that the condition looks at.")
        elif len(attribute) > MAX_NAME:
            self._add(path, f"The attribute's name is too long: at most {MAX_NAME} characters.")
        elif attribute != attribute.strip() or not attribute.isprintable():
            self._add(
                path, "The attribute's name must be one line that neither starts nor ends with a space."
            )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _single(value: Any) -> str | None:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"The text to compare with is too long: at most {MAX_TEXT:,} characters."
    if isinstance(value, str | bool) or _is_number(value):
        return None
    hint = " To ask whether there is a value at all, use “is_set”." if value is None else ""
    return f"Compare with a text, a number, true or false, not {shown(value)}.{hint}"


def _several(value: Any) -> str | None:
    if not isinstance(value, list):
        return f"Give a list of values, not {shown(value)}."
    if not value:
        return "The list is empty; give at least one value."
    if len(value) > MAX_LISTED:
        return f"The list has {len(value):,} values; at most {MAX_LISTED:,} are allowed."
    return next((message for entry in value if (message := _single(entry))), None)


def _number(value: Any) -> str | None:
    return None if _is_number(value) else f"Compare with a number, not {shown(value)}."


def _between(value: Any) -> str | None:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        return "Give two numbers, the lower one first."
    low, high = value
    return None if low <= high else f"The lower number comes first: {shown(high)} to {shown(low)}."


def _words(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return f"Give the text to look for, not {shown(value)}."
    return _single(value)


def _pattern(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return f"Give the pattern to look for, not {shown(value)}."
    if len(value) > MAX_PATTERN:
        return f"The pattern is too long: at most {MAX_PATTERN} characters."
    try:
        pattern(value)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        return (
            f"The pattern cannot be used: {reason}. Patterns follow RE2: no look-around, no back-references."
        )
    return None


def _is_set(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    return f"Say true for “has a value” or false for “has none”, not {shown(value)}."


_FITTING: dict[str, Callable[[Any], str | None]] = {
    "eq": _single,
    "ne": _single,
    "in": _several,
    "not_in": _several,
    "lt": _number,
    "lte": _number,
    "gt": _number,
    "gte": _number,
    "between": _between,
    "contains": _words,
    "starts_with": _words,
    "matches": _pattern,
    "is_set": _is_set,
}
