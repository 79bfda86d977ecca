"""Opens a log and yields its rows one at a time: what each says, or why it is refused. Memory stays flat."""

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from routing.imports import cells, long
from routing.imports.faults import BadRow, Refusal, Unusable
from routing.imports.files import Survey, TextLines, byte_lines, opened
from routing.imports.layout import FIELDS, IGNORE, Layout, Renames, is_measure, lay_out
from routing.imports.records import Recorded
from routing.runtime.masking import storable

Row = Recorded | Refusal
_SHAPES_KEPT: Final = 500
# How JSON spells a NUL character, or half of a surrogate pair.
_UNSTORABLE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


@dataclass
class Log:
    """A log that fits a use case; iterate to read it, as often as needed.

    `layout` is how a wide log's columns were understood, None for decision records.
    """

    survey: Survey
    use_case: str
    models: tuple[str, ...]
    renames: Renames
    layout: Layout | None
    _shapes: dict[tuple[str, ...], Layout | Unusable] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Row]:
        return self._csv() if self.survey.form == "csv" else self._json()

    def _csv(self) -> Iterator[Row]:
        assert self.layout is not None
        width = len(self.layout.columns)
        with opened(self.survey.path) as stream:
            lines = TextLines(stream)
            reader = csv.reader(lines, strict=True)
            next(reader)
            while True:
                line = lines.begin()
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Refusal(line, "", _quoting(error, lines.number))
                    lines.give_back()
                    continue
                if row:
                    yield self._csv_row(row, line, width, foreign=lines.foreign)

    def _csv_row(self, row: list[str], line: int, width: int, *, foreign: bool) -> Row:
        assert self.layout is not None
        if len(row) != width:
            return Refusal(line, "", f"The row has {len(row)} cells, the header {width}.")
        try:
            if foreign:
                _check_utf8(row, self.layout.columns)
            return self.layout.read(row, line, typed=True)
        except BadRow as bad:
            return Refusal(line, bad.field, bad.reason)

    def _json(self) -> Iterator[Row]:
        for line, content in enumerate(byte_lines(self.survey.path), start=1):
            if content.strip():
                yield self._json_row(content, line)

    def _json_row(self, content: bytes, line: int) -> Row:
        try:
            record = parsed(content)
            if long.is_long(record):
                return long.read_long(
                    record, line, use_case=self.use_case, models=self.models, renames=self.renames
                )
            return self._shape(tuple(record)).read(list(record.values()), line, typed=False)
        except BadRow as bad:
            return Refusal(line, bad.field, bad.reason)
        except Unusable as unfit:
            return Refusal(line, "", " ".join(unfit.faults))

    def _shape(self, names: tuple[str, ...]) -> Layout:
        """Return the layout of a wide record's names; logs repeat the same few."""
        if names not in self._shapes:
            if len(self._shapes) >= _SHAPES_KEPT:
                self._shapes.clear()
            self._shapes[names] = _fitting(names, self.models, self.renames)
        found = self._shapes[names]
        if isinstance(found, Unusable):
            raise found
        return found


def open_log(survey: Survey, *, use_case: str, models: Sequence[str], renames: Renames = ()) -> Log:
    """Open a surveyed file as the log of a use case. Raises `Unusable` before any row is read."""
    columns = columns_of(survey)
    layout = lay_out(columns, models, renames) if columns is not None else None
    if layout is None:
        _check_renames(renames, models)
    return Log(survey, use_case, tuple(models), renames, layout)


def columns_of(survey: Survey) -> list[str] | None:
    """Return the columns of a CSV file or of a wide log's first record; None for decision records."""
    return _header(survey) if survey.form == "csv" else _first_names(survey)


def parsed(content: bytes) -> Mapping[str, Any]:
    """Read one line of JSON, an object. Raises `BadRow`."""
    try:
        record = json.loads(content.decode(), parse_constant=_no_number, parse_float=_finite)
        if _UNSTORABLE.search(content):
            record = _storable(record)
    except UnicodeDecodeError as error:
        raise BadRow("", f"The line is not UTF-8 (byte {error.start + 1}).") from None
    except RecursionError:
        raise BadRow("", "The line is nested too deeply.") from None
    except ValueError as error:
        raise BadRow("", f"The line is not JSON: {error}.") from None
    if not isinstance(record, dict):
        raise BadRow("", "The line is no JSON object.")
    return record


def _fitting(names: tuple[str, ...], models: Sequence[str], renames: Renames) -> Layout | Unusable:
    """Lay out one record; a `--map` that names none of its fields is about other records."""
    prefixes = {name.rpartition("__")[0] for name in names}
    try:
        return lay_out(names, models, [r for r in renames if r[0] in names or r[0] in prefixes])
    except Unusable as unfit:
        return unfit


def _header(survey: Survey) -> list[str]:
    with opened(survey.path) as stream:
        lines = TextLines(stream)
        try:
            header = next(csv.reader(lines, strict=True), [])
        except csv.Error as error:
            raise Unusable(f"The header cannot be read: {error}.") from None
        if not header:
            raise Unusable("The first line, which names the columns, is empty.")
        if lines.foreign:
            raise Unusable("The header is not UTF-8.")
    return [column.strip() for column in header]


def _first_names(survey: Survey) -> list[str] | None:
    """Return the names of a wide log's first record; None for decision records."""
    for line, content in enumerate(byte_lines(survey.path), start=1):
        if not content.strip():
            continue
        try:
            record = parsed(content)
        except BadRow as bad:
            if line > 100:
                raise Unusable(f"No line of the first {line} can be read: {bad.reason}") from None
            continue
        return None if long.is_long(record) or not any(map(is_measure, record)) else list(record)
    raise Unusable("The file holds no record.")


def _check_renames(renames: Renames, models: Sequence[str]) -> None:
    """Refuse a `--map` to nothing that a decision record has."""
    faults = [
        f"“{target}” is nothing that “{name}” can be; use {', '.join(FIELDS)}, attributes.NAME, {IGNORE} or a model: "
        f"{', '.join(models)}."
        for name, target in renames
        if target not in (*FIELDS, IGNORE, *models) and not target.startswith("attributes.")
    ]
    if faults:
        raise Unusable("The records do not fit this use case.", faults)


def _check_utf8(row: Sequence[str], columns: Sequence[str]) -> None:
    for cell, column in zip(row, columns, strict=True):
        try:
            cell.encode()
        except UnicodeEncodeError:
            raise BadRow(column, f"{cells.shown(cell)} is not UTF-8.") from None


def _quoting(error: csv.Error, end: int) -> str:
    return f"The quotes of this row do not match, read up to line {end} ({error})."


def _storable(value: Any) -> Any:
    """Replace what neither a page nor a database holds, in names too: columns and models are called by them."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _storable(part) for name, part in value.items()}
    return [_storable(part) for part in value] if isinstance(value, list) else value


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"“{word}” is not a number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value
