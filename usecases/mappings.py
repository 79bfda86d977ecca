"""How an uploaded log is understood: its columns, the models that it names, its first rows, and what does not fit.

Reads the first lines only. Nothing is written; what the owner says of a column is kept by `actions.uploads.remap`.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from routing.imports.deciding import Decider, Imported
from routing.imports.faults import BadRow, Refusal, Unusable
from routing.imports.files import Survey, TextLines, byte_lines, opened
from routing.imports.layout import IGNORE, MEASURES, MOST_COLUMNS, is_measure, meanings
from routing.imports.long import MOST_TRIED, Record
from routing.imports.reading import columns_of, open_log, parsed
from routing.runtime.masking import masked, shortened, storable
from usecases import uploads
from usecases.actions.imports import decider_of
from usecases.models import Upload

Rename = tuple[str, str]
ATTRIBUTE: Final = "attributes."
ROWS_SHOWN: Final = 8
ROWS_LOOKED_AT: Final = 50
VALUES_SHOWN: Final = 3
LETTERS_SHOWN: Final = 60
# A page of more choices than these takes the server many seconds, and a browser more.
MOST_CHOICES: Final = 20_000
FIELD_WORDS: Final = {
    "request_id": "Id of the request",
    "text": "Text of the request",
    "at": "Time",
    "true_answer": "Right answer",
}
MEASURE_WORDS: Final = {
    "correct": "right or wrong",
    "confidence": "confidence",
    "cost_usd": "cost in $",
    "latency_ms": "time in ms",
    "tokens_in": "tokens in",
    "tokens_out": "tokens out",
    "predicted": "its answer",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column, what it is taken for, and its first values. `place` numbers it in the form.

    `as_named`: it is something that no choice of the page is, such as a measure of a model that is not known.
    """

    place: int
    name: str
    target: str
    values: list[str]
    faulty: bool = False
    as_named: bool = False

    @property
    def attribute(self) -> str:
        """The attribute's name, where it is one."""
        return self.target.removeprefix(ATTRIBUTE) if self.target.startswith(ATTRIBUTE) else ""

    @property
    def choice(self) -> str:
        """What the select shows."""
        return "attribute" if self.attribute else self.target

    @property
    def of_model(self) -> str:
        """The file's model that its name begins with; empty for a column of the request."""
        return self.name.rpartition("__")[0]

    @property
    def words(self) -> str:
        """What it is taken for, for people."""
        if self.target == IGNORE:
            return "not taken"
        if self.attribute:
            return f"attribute {self.attribute}"
        if is_measure(self.target):
            model, _, measure = self.target.rpartition("__")
            return f"{model}: {MEASURE_WORDS[measure]}"
        return FIELD_WORDS.get(self.target, f"as it is named: {self.target}")


@dataclass(frozen=True, slots=True)
class FileModel:
    """A model that the file names; `taken_for`: one of the document's, `ignore`, or empty."""

    place: int
    name: str
    taken_for: str
    measures: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One of the first rows, as it would be taken or refused."""

    line: int
    request: str = ""
    text: str = ""
    at: str = ""
    attributes: str = ""
    action: str = ""
    model: str = ""
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """All that the page shows of a file before it is imported. `records`: one decision record a line."""

    form: str
    records: bool
    known: list[str]
    columns: list[Column] = field(default_factory=list)
    models: list[FileModel] = field(default_factory=list)
    rows: list[Shown] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def own(self) -> list[Column]:
        """The request's columns."""
        names = {model.name for model in self.models}
        return [column for column in self.columns if column.of_model not in names]

    @property
    def of_models(self) -> list[Column]:
        """The models' columns."""
        names = {model.name for model in self.models}
        return [column for column in self.columns if column.of_model in names]

    @property
    def options(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """What a column can tell of each model: target and words. None where that were too many to choose from."""
        if _crowded(len(self.columns), self.known):
            return []
        return [
            (model, [(f"{model}__{measure}", words) for measure, words in MEASURE_WORDS.items()])
            for model in self.known
        ]

    @property
    def undated(self) -> bool:
        """Whether no column is the time: such rows are dated now."""
        return not self.records and all(column.target != "at" for column in self.columns)


def _crowded(columns: int, known: Sequence[str]) -> bool:
    """Tell whether a page cannot offer every column as every measure of every model."""
    return columns * len(known) * len(MEASURE_WORDS) > MOST_CHOICES


def preview(upload: Upload) -> Preview:
    """Return how a file is understood now. Never raises `Unusable`: it becomes the preview's faults."""
    _, decider = decider_of(upload.use_case)
    known, renames = list(decider.order), pairs(upload)
    form = "csv" if upload.name.lower().removesuffix(".gz").endswith(".csv") else "jsonl"
    try:
        survey = uploads.head_survey(upload)
        columns = columns_of(survey)
        found = (
            _records(survey, known, renames) if columns is None else _wide(survey, columns, known, renames)
        )
    except Unusable as unusable:
        return Preview(form, False, known, faults=unusable.faults)
    rows: list[Shown] = []
    if not found.faults:
        try:
            rows = _first_rows(survey, upload, decider, renames)
        except Unusable as unusable:
            found.faults.extend(unusable.faults)
    return Preview(form, columns is None, known, found.columns, found.models, rows, found.faults)


def faults_of(upload: Upload) -> list[str]:
    """Return what keeps a file from being imported, as far as its first lines tell."""
    return preview(upload).faults


def pairs(upload: Upload) -> list[Rename]:
    """Return what the owner has said of columns and models."""
    return [(column, target) for column, target in upload.renames]


def chosen(found: Preview, said: Mapping[str, str], before: Sequence[Rename]) -> list[Rename]:
    """Return the renames that a form asks for: models first, then single columns, as far as they differ from those.

    `said` maps `model:PLACE`, `column:PLACE` and `name:PLACE` to words, and `was:PLACE` to what the form showed: a
    column that was left alone stays what it is now. So a model's columns follow the model, also where
    two choices come so fast after each other that the second form does not know yet what the first has done.
    """
    names = {column.name for column in found.columns}
    models = []
    for model in found.models:
        target = said.get(f"model:{model.place}", model.taken_for)
        if target and target != model.name:
            models.append((model.name, target))
    kept = {name: target for name, target in before if name in names}
    for column in found.columns:
        target = _target(column, said)
        if target != said.get(f"was:{column.place}", column.target):
            kept[column.name] = target
    plain = {column.name: column.target for column in found.columns}
    if not found.records:
        plain = meanings([column.name for column in found.columns], found.known, models).targets
    return models + [(name, target) for name, target in kept.items() if plain.get(name) != target]


def _target(column: Column, said: Mapping[str, str]) -> str:
    """Return what the form says of one column."""
    choice = said.get(f"column:{column.place}", column.choice)
    if choice != "attribute":
        return choice
    name = said.get(f"name:{column.place}", column.attribute).strip() or column.name
    return ATTRIBUTE + name


@dataclass(slots=True)
class _Understood:
    columns: list[Column]
    models: list[FileModel]
    faults: list[str]


def _wide(
    survey: Survey, columns: Sequence[str], known: Sequence[str], renames: Sequence[Rename]
) -> _Understood:
    """Understand a log with a row for each request and columns for each model."""
    found = meanings(columns, known, renames)
    values = _values(_cells(survey, columns), columns)
    taken = Counter(target for target in found.targets.values() if target != IGNORE)
    names, crowded = Counter(columns), _crowded(len(columns), known)
    shown = [
        Column(
            place,
            name,
            found.targets[name],
            values[name],
            faulty=taken[found.targets[name]] > 1 or names[name] > 1,
            as_named=is_measure(found.targets[name])
            and (crowded or _model(found.targets[name]) not in known),
        )
        for place, name in enumerate(columns)
    ]
    named = dict.fromkeys(name.rpartition("__")[0] for name in columns if is_measure(name))
    said = dict(renames)
    models = []
    for place, model in enumerate(named):
        own = [name.rpartition("__")[2] for name in columns if is_measure(name) and _model(name) == model]
        target = said.get(model, model if model in known else "")
        words = ", ".join(MEASURE_WORDS[measure] for measure in MEASURES if measure in own)
        models.append(FileModel(place, model, target, words))
    faults = found.faults + _strangers(found.strangers, known)
    return _Understood(shown, models, faults)


def _records(survey: Survey, known: Sequence[str], renames: Sequence[Rename]) -> _Understood:
    """Understand a log of decision records, as assistants send them."""
    given = list(islice(_objects(survey), ROWS_LOOKED_AT))
    names = list(dict.fromkeys(name for record in given for name in record))
    if len(names) > MOST_COLUMNS:
        raise Unusable(
            f"The first records have {len(names)} different fields; {MOST_COLUMNS} at most can be read."
        )
    values = _values(given, names)
    said = dict(renames)
    columns = []
    for place, name in enumerate(names):
        target = said.get(name, name if name in Record.model_fields else IGNORE)
        other = target not in FIELD_WORDS and target != IGNORE and not target.startswith(ATTRIBUTE)
        columns.append(Column(place, name, target, values[name], as_named=other))
    named = dict.fromkeys(name for record in given for name in _models_of(record))
    models = [
        FileModel(place, name, said.get(name, name if name in known else ""), "")
        for place, name in enumerate(named)
    ]
    faults = _strangers([model.name for model in models if not model.taken_for], known)
    if not any(column.target == "request_id" for column in columns):
        faults.append("No field is the id of the request.")
    return _Understood(columns, models, faults)


def _strangers(models: Sequence[str], known: Sequence[str]) -> list[str]:
    """Say which models of the file the use case does not have, in one sentence."""
    if not models:
        return []
    names, has = ", ".join(f"“{model}”" for model in models), ", ".join(known) or "none"
    if len(models) == 1:
        return [
            f"{names} is no model of this use case, which has: {has}. Say which one it is, or leave it out."
        ]
    return [f"{names} are no models of this use case, which has: {has}. Say which each is, or leave it out."]


def _model(column: str) -> str:
    return column.rpartition("__")[0]


def _models_of(record: Mapping[str, Any]) -> list[str]:
    """Return the models that a decision record names."""
    tried = record.get("tried")
    entries = (
        [entry.get("model") for entry in tried[:MOST_TRIED] if isinstance(entry, dict)]
        if isinstance(tried, list)
        else []
    )
    return [name for name in (*entries, record.get("model")) if isinstance(name, str) and name]


def _cells(survey: Survey, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the first rows as they stand in the file."""
    if survey.form != "csv":
        yield from _objects(survey)
        return
    with opened(survey.path) as stream:
        reader = csv.reader(TextLines(stream), strict=True)
        try:
            next(reader, None)
            for row in reader:
                if len(row) == len(columns):
                    yield dict(zip(columns, row, strict=True))
        except csv.Error:
            return  # told beside its row, where the rows are read as they would be taken


def _objects(survey: Survey) -> Iterator[Mapping[str, Any]]:
    for line in byte_lines(survey.path):
        try:
            if line.strip():
                yield parsed(line)
        except BadRow:
            continue


def _values(rows: Any, columns: Sequence[str]) -> dict[str, list[str]]:
    """Return the first different values of each column, short and without personal data."""
    found: dict[str, list[str]] = {name: [] for name in columns}
    for row in islice(rows, ROWS_LOOKED_AT):
        for name in columns:
            value = row.get(name)
            words = _short(value) if value not in (None, "") else ""
            if words and len(found[name]) < VALUES_SHOWN and words not in found[name]:
                found[name].append(words)
    return found


def _short(value: Any) -> str:
    return shortened(masked(storable(str(value)[:300])), LETTERS_SHOWN)


def _first_rows(survey: Survey, upload: Upload, decider: Decider, renames: Sequence[Rename]) -> list[Shown]:
    """Return the first rows as an import would take them. Raises `Unusable`."""
    log = open_log(survey, use_case=upload.use_case.slug, models=list(decider.order), renames=renames)
    rows = []
    for row in islice(log, ROWS_SHOWN):
        try:
            found = row if isinstance(row, Refusal) else decider.row(row)
        except BadRow as bad:
            found = Refusal(row.line, bad.field, bad.reason)
        rows.append(Shown(found.line, refusal=found) if isinstance(found, Refusal) else _shown(found, row))
    return rows


def _shown(found: Imported, row: Any) -> Shown:
    decision = found.decision
    return Shown(
        line=found.line,
        request=_short(decision["request_id"]),
        text=_short(decision["text"]),
        at=row.at.isoformat(sep=" ", timespec="minutes") if row.at else "",
        attributes=", ".join(f"{name} {_short(value)}" for name, value in list(row.attributes.items())[:6]),
        action=decision["action"],
        model=decision["model"],
    )
