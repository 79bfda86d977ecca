"""Decision logs as wide CSV: one row a request, every model in columns of its own (`MODEL__confidence`, …).

`MODEL` is all before the double underscore: `correct`, `confidence`, `cost_usd` and `latency_ms` are read. An empty
cell was not recorded; a model whose cells are all empty was not asked.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final, cast

from routing.replay.building import build
from routing.replay.columns import SIGNALS, Attribute, Coded, Columns

MODEL_FIELDS: Final = ("correct", "confidence", "cost_usd", "latency_ms")
_OWN: Final = ("request_id", "id", "at", "text")


def read_wide(source: str | Path | Iterable[str], *, attributes: Sequence[str] | None = None) -> Columns:
    """Return a log as columns. `source` is a file (gzip where it ends in .gz) or lines, the header first.

    Attributes are all columns that are nothing else, or those named; one whose every value is a number becomes one.
    Raises `ValueError` for a cell of a model that is no number.
    """
    if isinstance(source, str | Path):
        with _opened(Path(source)) as lines:
            return _read(lines, attributes)
    return _read(source, attributes)


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return cast("IO[str]", gzip.open(path, "rt", encoding="utf-8", newline=""))
    return path.open(encoding="utf-8", newline="")


def _read(lines: Iterable[str], attributes: Sequence[str] | None) -> Columns:
    reader = csv.DictReader(lines)
    header = list(reader.fieldnames or [])
    names = list(dict.fromkeys(column.rpartition("__")[0] for column in header if "__" in column))
    given = [c for c in header if "__" not in c and c not in _OWN and c not in SIGNALS]
    wanted = given if attributes is None else list(attributes)
    built = build(_records(reader, names, wanted), attributes=wanted)
    return replace(built, attributes={name: _typed(column) for name, column in built.attributes.items()})


def _records(rows: Iterable[dict[str, str]], names: Sequence[str], wanted: Sequence[str]) -> Iterator[Any]:
    for row in rows:
        yield {
            "id": row.get("id"),
            "request_id": row.get("request_id"),
            "at": row.get("at"),
            "attributes": {name: row.get(name) or None for name in wanted},
            "signals": {name: float(row[name]) for name in SIGNALS if row.get(name)},
            "tried": [attempt for name in names if (attempt := _attempt(row, name))],
        }


def _attempt(row: dict[str, str], name: str) -> dict[str, Any]:
    cells = {field: row.get(f"{name}__{field}") for field in MODEL_FIELDS}
    numbers = {field: float(cell) for field, cell in cells.items() if cell}
    return {"model": name, **numbers} if numbers else {}


def _typed(column: Attribute) -> Attribute:
    """Return a column of texts as numbers where each of them is written as one: 7 and 0.5, not 007 or 1e3."""
    if not isinstance(column, Coded):
        return column
    texts = [value for value in column.values if isinstance(value, str)]
    numbers = {text: _number(text) for text in texts}
    if not texts or None in numbers.values():
        return column
    values = tuple(numbers[value] if isinstance(value, str) else value for value in column.values)
    return Coded(column.codes, values)


def _number(text: str) -> float | int | None:
    for kind in (int, float):
        try:
            value: float | int = kind(text)
        except ValueError:
            continue
        if str(value) == text and abs(value) <= 1 << 53:
            return value
    return None
