"""Which column of a wide log means what. `MODEL__confidence` and its like are a model's; the rest is the request's."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from routing.imports import cells
from routing.imports.faults import BadCell, BadRow, Unusable
from routing.imports.records import Answer, Recorded
from routing.runtime.reported import REPORTED

MEASURES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "correct": cells.verdict,
    "confidence": cells.confidence,
    "cost_usd": cells.amount,
    "latency_ms": cells.amount,
    "tokens_in": cells.tokens,
    "tokens_out": cells.tokens,
    "predicted": cells.words,
}
# What was reported with the request, on which thresholds look; the rest of a request is attributes.
SIGNALS: Final = REPORTED
FIELDS: Final = ("request_id", "text", "at", "true_answer", *SIGNALS)
IGNORE: Final = "ignore"
MOST_COLUMNS: Final = 2_000
# Told apart from an attribute: a rule must never see the answer that it is to be judged by.
_OWN_NAMES: Final = {name: name for name in FIELDS} | {"true_intent": "true_answer"}
_ATTRIBUTE: Final = "attributes."
# To look for a name like another one takes a tenth of a second among so many columns.
_MOST_HINTS: Final = 5
Renames = Sequence[tuple[str, str]]
_Cell = tuple[str, int, str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each part of a row stands. `targets` says it in words, column by column; `unused` are not taken."""

    columns: tuple[str, ...]
    targets: dict[str, str]
    unused: tuple[str, ...]
    models: tuple[str, ...] = ()
    _answers: tuple[tuple[str, tuple[_Cell, ...]], ...] = ()
    _attributes: tuple[tuple[str, int], ...] = ()
    _places: dict[str, int] = field(default_factory=dict)

    def read(self, row: Sequence[Any], line: int, *, typed: bool) -> Recorded:
        """Return what a row says. Raises `BadRow`. `typed`: its attributes are texts that may be numbers."""
        places = self._places
        request_id, text, at, true_answer = (self._field(name, row) for name in FIELDS[:4])
        kept = {name: row[place] for name, place in self._attributes}
        given = {name: value for name, value in kept.items() if value not in ("", None)}
        if typed:
            given = {name: cells.typed(value) for name, value in given.items()}
        return Recorded(
            line=line,
            request_id=self._checked("request_id", cells.request_id, request_id),
            answers=self._recorded(row),
            text=cells.words(text),
            at=self._checked("at", cells.moment, at) if "at" in places and at != "" else None,
            true_answer=cells.words(true_answer),
            attributes=given,
            signals={
                name: self._checked(name, cells.number, row[places[name]])
                for name in SIGNALS
                if name in places and row[places[name]] not in ("", None)
            },
        )

    def _field(self, name: str, row: Sequence[Any]) -> Any:
        place = self._places.get(name)
        value = "" if place is None else row[place]
        return "" if value is None else value

    def _checked(self, name: str, check: Callable[[Any], Any], value: Any) -> Any:
        try:
            return check(value)
        except BadCell as bad:
            raise BadRow(self.columns[self._places[name]], str(bad)) from None

    def _recorded(self, row: Sequence[Any]) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        for model, measures in self._answers:
            answer: Answer | None = None
            for measure, place, column, check in measures:
                cell = row[place]
                if cell == "" or cell is None:
                    continue
                if answer is None:
                    answer = answers[model] = Answer(model)
                try:
                    setattr(answer, measure, check(cell))
                except BadCell as bad:
                    raise BadRow(column, str(bad)) from None
        return answers


def parse_rename(text: str) -> tuple[str, str]:
    """Read COLUMN=FIELD. Raises `Unusable`."""
    column, equals, target = text.partition("=")
    if not equals or not column.strip() or not target.strip():
        raise Unusable(f"“{text}” does not read COLUMN=FIELD, such as question=text.")
    return column.strip(), target.strip()


@dataclass(frozen=True, slots=True)
class Meanings:
    """What each column is taken for, and what cannot be right about it: `strangers` are models that are not known."""

    targets: dict[str, str]
    faults: list[str]
    strangers: list[str]


def lay_out(columns: Sequence[str], models: Sequence[str], renames: Renames = ()) -> Layout:
    """Say what each column means. Raises `Unusable` with everything that cannot be right."""
    found = meanings(columns, models, renames)
    if found.faults or found.strangers:
        raise Unusable(
            "The columns do not fit this use case.", found.faults + _hints(found.strangers, models)
        )
    return _layout(columns, found.targets, models)


def meanings(columns: Sequence[str], models: Sequence[str], renames: Renames = ()) -> Meanings:
    """Say what each column means, also where not all of it can be right. Raises `Unusable` for too many columns."""
    if len(columns) > MOST_COLUMNS:
        raise Unusable(f"The file has {len(columns)} columns; {MOST_COLUMNS} at most can be read.")
    faults = [f"Column “{c}” is there twice." for c, count in Counter(columns).items() if count > 1]
    measured = {c.rpartition("__")[0] for c in columns if is_measure(c)} | set(models)
    targets = {column: _by_name(column, measured) for column in columns}
    faults += _rename(targets, columns, models, renames)
    taken = [target for target in targets.values() if target != IGNORE]
    faults += [f"Two columns are {t}." for t, count in Counter(taken).items() if count > 1]
    if "request_id" not in targets.values():
        faults.append(f"No column is “request_id”; there are: {', '.join(columns[:40])}.")
    named = dict.fromkeys(target.rpartition("__")[0] for target in taken if is_measure(target))
    if models and not named:
        faults.append(
            f"No column tells what a model did, such as “{models[0]}__confidence”. Models: {_list(models)}."
        )
    return Meanings(targets, faults, [model for model in named if model not in models])


def _layout(columns: Sequence[str], targets: dict[str, str], models: Sequence[str]) -> Layout:
    places = {target: place for place, target in enumerate(targets.values()) if target != IGNORE}
    answers = []
    for model in models:
        own = [(m, f"{model}__{m}", check) for m, check in MEASURES.items() if f"{model}__{m}" in places]
        if own:
            answers.append((model, tuple((m, places[t], columns[places[t]], check) for m, t, check in own)))
    return Layout(
        columns=tuple(columns),
        targets=targets,
        unused=tuple(column for column, target in targets.items() if target == IGNORE),
        models=tuple(model for model, _ in answers),
        _answers=tuple(answers),
        _attributes=tuple(
            (target.removeprefix(_ATTRIBUTE), place)
            for target, place in places.items()
            if target.startswith(_ATTRIBUTE)
        ),
        _places={name: places[name] for name in FIELDS if name in places},
    )


def is_measure(column: str) -> bool:
    """Tell whether a column names a model and one of its measures."""
    model, _, measure = column.rpartition("__")
    return bool(model) and measure in MEASURES


def _rename(
    targets: dict[str, str], columns: Sequence[str], models: Sequence[str], renames: Renames
) -> list[str]:
    """Change what columns are taken for as the caller says; return what is wrong with it."""
    faults: list[str] = []
    of_model: dict[str, list[str]] = defaultdict(list)
    for column in columns if renames else ():
        of_model[column.rpartition("__")[0]].append(column)
    for column, target in renames:
        if column not in targets and column not in of_model:
            close = get_close_matches(column, columns, 1) if len(faults) < _MOST_HINTS else []
            hint = f" Did you mean “{close[0]}”?" if close else ""
            faults.append(f"There is no column and no model “{column}” in the file.{hint}")
            continue
        found = _renamed(column, target, column in targets, of_model.get(column, []), models)
        if isinstance(found, str):
            faults.append(found)
        else:
            targets |= found
    return faults


def _by_name(column: str, measured: Set[str]) -> str:
    """Return what a column is by its name alone. `measured`: models, known ones and those that columns tell of."""
    if is_measure(column):
        return column
    if column in _OWN_NAMES:
        return _OWN_NAMES[column]
    model = column.rpartition("__")[0]
    if model and model in measured:
        # Something else that was kept of a model, such as a raw score: no attribute of the request.
        return IGNORE
    return _ATTRIBUTE + column


def _renamed(
    column: str, target: str, is_column: bool, own: Sequence[str], models: Sequence[str]
) -> dict[str, str] | str:
    """Return what one `--map` changes: a column, or all columns of a model; else what is wrong with it."""
    if is_column:
        if is_measure(target) or target in (*FIELDS, IGNORE) or target.removeprefix(_ATTRIBUTE) != target:
            return {column: target}
        words = f"{', '.join(FIELDS)}, attributes.NAME, MODEL__confidence or {IGNORE}"
        return f"“{target}” is nothing that column “{column}” can be; use {words}."
    if target == IGNORE:
        return dict.fromkeys(own, IGNORE)
    if target not in models:
        return f"“{target}” is no model of this use case, which has: {_list(models)}."
    return {c: f"{target}__{c.rpartition('__')[2]}" for c in own if is_measure(c)}


def _hints(strangers: Sequence[str], models: Sequence[str]) -> list[str]:
    """Say of each model that the use case does not have what would help."""
    to = models[0] if models else "MODEL"
    return [
        f"“{model}” is no model of this use case, which has: {_list(models)}. "
        f"Rename it with --map {model}={to}, or leave it out with --map {model}={IGNORE}."
        for model in strangers
    ]


def _list(models: Sequence[str]) -> str:
    return ", ".join(models) or "none"
