"""Reads JSON bodies that machines send: one object, a list, or one object a line (NDJSON).

Python's reader takes what JSON does not have (NaN, half a surrogate pair) and what PostgreSQL cannot store (NUL).
All of it is settled here, once, so that nothing behind this module meets it.
"""

import json
import math
from typing import Any, NoReturn

from console.api.problems import UNREADABLE, Invalid

DEEPEST = 60
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Unreadable:
    """A line that is not JSON, in the place of its record."""


def read(body: bytes) -> Any:
    """Return what a body says. Raises `Invalid` (400) for what is not JSON."""
    try:
        return parsed(body)
    except ValueError as error:
        raise Invalid([], f"{UNREADABLE} {_where(error)}", 400) from error


def read_many(body: bytes, content_type: str = "") -> list[Any]:
    """Return the records of a body, whichever way they are written; a broken line stands as `Unreadable`."""
    if content_type.partition(";")[0].strip().lower() in NDJSON:
        return _lines(body)
    try:
        found = parsed(body)
    except ValueError as error:
        if body.lstrip().startswith(b"{") and b"\n" in body.strip():
            return _lines(body)
        raise Invalid([], f"{UNREADABLE} {_where(error)}", 400) from error
    return found if isinstance(found, list) else [found]


def _lines(body: bytes) -> list[Any]:
    records: list[Any] = []
    for line in body.splitlines():
        if line.strip():
            try:
                records.append(parsed(line))
            except ValueError:
                records.append(Unreadable())
    if records and all(isinstance(record, Unreadable) for record in records):
        raise Invalid([], UNREADABLE, 400)
    return records


def parsed(body: bytes) -> Any:
    """Read JSON. Raises `ValueError` for anything else, numbers beyond a float and deep nesting included."""
    try:
        found = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("It is nested too deeply.") from error
    return _storable(found, DEEPEST)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"“{word}” is not a number in JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("A number is too large.")
    return number


def _storable(value: Any, depth: int) -> Any:
    """Return the value with characters that cannot be stored replaced: a customer's typing must not cost a record."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict | list) and depth == 0:
        raise ValueError("It is nested too deeply.")
    if isinstance(value, dict):
        return {text(key): _storable(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner, depth - 1) for inner in value]
    return value


def text(value: str) -> str:
    """Return a text that PostgreSQL and UTF-8 can hold."""
    if value.isascii():
        return value.replace("\0", REPLACEMENT)
    return value.replace("\0", REPLACEMENT).encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _where(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"Line {error.lineno}, column {error.colno}: {error.msg}."
    if isinstance(error, UnicodeDecodeError):
        return "It is not UTF-8."
    return str(error) if str(error).endswith(".") else ""
