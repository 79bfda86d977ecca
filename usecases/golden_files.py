"""Golden sets as files: CSV, JSONL or JSON, every fault named by row and field. Pure.

A case is `{id, attributes, signals, expected}`. Of `signals`, `models` holds what each model reported (`{small:
{confidence, cost_usd?, latency_ms?, error?}}`); the rest is what the caller sent: `sensitivity`, `retrieval_score`,
`spent_today_usd`, `confidence` with `model` where the caller asked the model itself. `expected` names the `action`,
and `queue`, `rule` or `model` where they matter. In CSV a column is a path: `attributes.topic`,
`signals.models.small.confidence`, `expected.action`.
"""

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any, Final

from routing.engine.json_checks import json_faults
from usecases.golden import ACTIONS, EXPECTED

MOST_CASES: Final = 2_000
MOST_BYTES: Final = 5_000_000
_PARTS: Final = ("id", "attributes", "signals", "expected")
_NUMBERS: Final = ("sensitivity", "retrieval_score", "spent_today_usd", "confidence")
_OF_MODEL: Final = ("confidence", "cost_usd", "latency_ms")

Cases = list[dict[str, Any]]
Faults = list[dict[str, str]]


class Unreadable(ValueError):
    """A file that is no list of cases at all; the message says where it stops making sense."""


def read(text: str, name: str = "") -> Cases:
    """Read a file by its ending, else by how it begins. Raises `Unreadable`; what cases say is judged by `faults`."""
    if len(text) > MOST_BYTES:
        raise Unreadable(f"The file has more than {MOST_BYTES // 1_000_000} MB.")
    words = text.lstrip("\ufeff \t\r\n")
    ending = name.rpartition(".")[2].lower()
    if ending == "csv" or (ending not in ("json", "jsonl", "ndjson") and words[:1] not in ("[", "{")):
        return _csv(words)
    if ending in ("jsonl", "ndjson") or (ending != "json" and words.startswith("{")):
        return [_line(number, line) for number, line in enumerate(words.splitlines(), 1) if line.strip()]
    try:
        found = json.loads(words)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"The file is no JSON: {error}.") from None
    cases = found.get("cases") if isinstance(found, dict) else found
    if not isinstance(cases, list):
        raise Unreadable("The file has to hold a list of cases, or an object with “cases”.")
    return cases


def _line(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"Row {number} is no JSON: {error}.") from None


def _csv(text: str) -> Cases:
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        unknown = [name for name in header if name.partition(".")[0] not in _PARTS]
        if unknown or "id" not in header:
            what = f"no column “{unknown[0]}” is known" if unknown else "there is no column “id”"
            raise Unreadable(
                f"In the first row {what}: use id, attributes.NAME, signals.NAME and expected.action."
            )
        return [_row(header, cells) for cells in rows if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise Unreadable(f"Row {rows.line_num} is no CSV: {error}.") from None


def _row(header: list[str], cells: list[str]) -> dict[str, Any]:
    case: dict[str, Any] = {"attributes": {}, "signals": {}, "expected": {}}
    for name, cell in zip(header, cells, strict=False):
        part, _, rest = name.partition(".")
        if part == "id":
            case["id"] = cell.strip()
        elif cell.strip() and rest.startswith("models.") and part == "signals":
            model, _, field = rest.removeprefix("models.").rpartition(".")
            case["signals"].setdefault("models", {}).setdefault(model, {})[field] = _value(cell)
        elif cell.strip():
            case[part][rest] = cell.strip() if part == "expected" else _value(cell)
    return case


def _value(cell: str) -> Any:
    """Read a cell: a number, true or false where it is written as one, else text."""
    text = cell.strip()
    if text in ("true", "false"):
        return text == "true"
    try:
        number = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return number if isinstance(number, int | float) and not isinstance(number, bool) else text


def faults(cases: Any) -> Faults:
    """Return everything that is wrong with cases, by row and field, the first hundred."""
    if not isinstance(cases, list) or not cases:
        return [{"path": "cases", "message": "Give at least one case."}]
    if len(cases) > MOST_CASES:
        return [{"path": "cases", "message": f"There are {len(cases):,} cases; {MOST_CASES:,} are the most."}]
    # What has no one spelling could be neither recorded nor approved.
    unreadable = [{"path": f"cases.{f.path}", "message": f.message} for f in json_faults(cases)]
    found: Faults = []
    seen: dict[str, int] = {}
    for place, case in enumerate(cases, 1):
        found += [
            {
                "path": f"cases[{place - 1}].{field}" if field else f"cases[{place - 1}]",
                "message": f"Row {place}{f', {field}' if field else ''}: {words}",
            }
            for field, words in _case_faults(case)
        ]
        name = case.get("id") if isinstance(case, Mapping) else None
        if isinstance(name, str) and name in seen:
            words = f"Row {place}, id: “{name}” is the id of row {seen[name]} already."
            found.append({"path": f"cases[{place - 1}].id", "message": words})
        elif isinstance(name, str):
            seen[name] = place
    return (found or unreadable)[:100]


def _case_faults(case: Any) -> list[tuple[str, str]]:
    if not isinstance(case, Mapping):
        return [("", "a case is an object with id, attributes, signals and expected.")]
    found = [(str(key), "is no field of a case.") for key in case if key not in _PARTS]
    name = case.get("id")
    if not isinstance(name, str) or not name.strip() or len(name) > 200:
        found.append(("id", "has to be text, of at most 200 characters."))
    for part in ("attributes", "signals"):
        if not isinstance(case.get(part, {}), Mapping):
            found.append((part, "has to be an object."))
    if isinstance(case.get("signals"), Mapping):
        found += _signal_faults(case["signals"])
    return found + _expected_faults(case.get("expected"))


def _signal_faults(signals: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [
        (f"signals.{key}", "has to be a number.")
        for key in _NUMBERS
        if signals.get(key) is not None and not _is_number(signals[key])
    ]
    models = signals.get("models", {})
    if not isinstance(models, Mapping) or not all(isinstance(held, Mapping) for held in models.values()):
        return [*found, ("signals.models", "has to be an object of what each model reported.")]
    for name, held in models.items():
        found += [
            (f"signals.models.{name}.{key}", "has to be a number, 0 or more.")
            for key in _OF_MODEL
            if held.get(key) is not None and not (_is_number(held[key]) and held[key] >= 0)
        ]
        found += [
            (f"signals.models.{name}.{key}", "is not known; use confidence, cost_usd, latency_ms or error.")
            for key in held
            if key not in (*_OF_MODEL, "error")
        ]
    return found


def _expected_faults(expected: Any) -> list[tuple[str, str]]:
    if not isinstance(expected, Mapping):
        return [("expected", "has to be an object with “action”.")]
    found = []
    if expected.get("action") not in ACTIONS:
        found.append(("expected.action", f"has to be {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}."))
    found += [
        (f"expected.{key}", "is not known; use action, queue, rule or model.")
        for key in expected
        if key not in EXPECTED
    ]
    found += [
        (f"expected.{key}", "has to be text.")
        for key in EXPECTED[1:]
        if expected.get(key) is not None and not isinstance(expected[key], str)
    ]
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
