"""Columns from decision records: rows in, arrays out, in blocks, so that no list of a million objects is ever held.

A row is a decision record (DESIGN §7) as a mapping. Besides what assistants send it may carry
- `signals`: what was reported with the request (sensitivity, retrieval_score, spent_today_usd, confidence);
- `outcome`: `{"correct": bool}`, a person's verdict on the standing answer. Callers leave out what is no label:
  silence, and a model's word on a model;
- `tried[].correct`: the verdict on each model's answer, where a log knows all of them.
What is missing is missing; nothing is guessed, and no row is refused here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

import numpy as np

from routing.engine.conditions import number
from routing.replay.assembling import Parts, assembled
from routing.replay.columns import (
    ABSENT,
    ANSWERED,
    FAILED,
    MAX_MODELS,
    SIGNALS,
    UNKNOWN,
    Columns,
    Floats,
    Mask,
    ModelColumn,
    Texts,
)
from routing.replay.encoding import encoded
from routing.replay.joining import joined

Row = Mapping[str, Any]

BLOCK: Final = 50_000
_NAN = float("nan")
_LARGEST = float(np.finfo(np.float64).max)
_SOURCES = (None, "context", "verbalised", "logprobs", "missing")


def build(rows: Iterable[Row], *, attributes: Sequence[str] | None = None) -> Columns:
    """Return decisions as columns, in the order given; `attributes` names those to keep (default: all)."""
    waiting = iter(rows)
    blocks = [_block([], attributes)]
    while block := list(islice(waiting, BLOCK)):
        blocks.append(_block(block, attributes))
    return joined(blocks)


def extend(columns: Columns, rows: Iterable[Row], *, limit: int | None = None) -> Columns:
    """Return the columns with newer rows after them, the last `limit` of all."""
    kept = list(columns.attributes) if len(columns) and columns.closed else None
    whole = joined([columns, build(rows, attributes=kept)])
    return whole if limit is None else whole.last(limit)


def _block(rows: list[Row], attributes: Sequence[str] | None) -> Columns:
    """Return one block of rows as columns."""
    return assembled(parts(rows, attributes))


def parts(rows: Sequence[Row], attributes: Sequence[str] | None = None) -> Parts:
    """Return rows as arrays, before it is decided which label counts."""
    count = len(rows)
    own = [_text(row.get("id")) for row in rows]
    models = _models(rows)
    actions = [row.get("action") for row in rows]
    shares = (number(row.get("audit_share")) for row in rows)
    return Parts(
        ids=Texts.of(own) if any(own) else None,
        request_ids=Texts.of([_text(row.get("request_id")) for row in rows]),
        at=np.fromiter((_milliseconds(row.get("at")) for row in rows), np.int64, count),
        models=models.columns(),
        recorded=models.recorded,
        attributes=_attributes(rows, attributes),
        signals=_signals(rows),
        source=encoded([_source(row) for row in rows], _SOURCES),
        answered=_mask([action == "answer" for action in actions]),
        by_people=_mask([action in ("review", "escalate") for action in actions]),
        held_out=_mask([row.get("holdout") is True for row in rows]),
        audited=_mask([row.get("audited") is True for row in rows]),
        audit_share=np.fromiter(shares, np.float64, count),
        outcome=np.fromiter((_outcome(row.get("outcome")) for row in rows), np.int8, count),
        closed=attributes is not None,
    )


def _mask(flags: list[bool]) -> Mask:
    return np.array(flags, np.bool_)


def _outcome(outcome: object) -> int:
    return _verdict(outcome.get("correct")) if isinstance(outcome, Mapping) else UNKNOWN


def _models(rows: Sequence[Row]) -> "_Models":
    """Collect what models did; of more than can be numbered those that were asked most."""
    models = _Models(len(rows))
    for place, row in enumerate(rows):
        if not models.take(place, row):
            break
    else:
        return models
    asked = Counter(attempt["model"] for row in rows for attempt in _attempts(row))
    models = _Models(len(rows), frozenset(name for name, _ in asked.most_common(MAX_MODELS)))
    for place, row in enumerate(rows):
        models.take(place, row)
    return models


class _Models:
    """Collects what each model did, one array a quantity; with `wanted`, of these models only.

    What another one did is as if it had not been asked, and so is not knowable.
    """

    def __init__(self, count: int, wanted: frozenset[str] | None = None) -> None:
        self.count = count
        self.wanted = wanted
        self.numbers: dict[str, int] = {}
        self.made: list[ModelColumn] = []
        self.recorded = np.zeros(count, np.uint8)

    def of(self, name: str) -> int | None:
        """Return the number of a model, new or known; None where it is not wanted."""
        if name not in self.numbers:
            if self.wanted is not None and name not in self.wanted:
                return None
            self.numbers[name] = len(self.made)
            self.made.append(nothing(self.count))
        return self.numbers[name]

    def take(self, place: int, row: Row) -> bool:
        """Keep the models of one row; say whether they can still be numbered."""
        for attempt in _attempts(row):
            number_of = self.of(attempt["model"])
            if number_of is None:
                continue
            model = self.made[number_of]
            model.asked[place] = FAILED if attempt.get("error") else ANSWERED
            model.confidence[place] = confidence(attempt.get("confidence"))
            model.cost_usd[place] = number(attempt.get("cost_usd"))
            model.latency_ms[place] = number(attempt.get("latency_ms"))
            model.correct[place] = _verdict(attempt.get("correct"))
        standing = row.get("model")
        if isinstance(standing, str) and standing:
            number_of = self.of(standing)
            if len(self.made) <= MAX_MODELS:
                self.recorded[place] = 0 if number_of is None else number_of + 1
        return len(self.made) <= MAX_MODELS

    def columns(self) -> dict[str, ModelColumn]:
        """Return the columns by name, in the order in which the models came."""
        return {name: self.made[place] for name, place in self.numbers.items()}


def _attempts(row: Row) -> list[Row]:
    tried = row.get("tried")
    if not isinstance(tried, list | tuple):
        return []
    return [a for a in tried if isinstance(a, dict) and type(a.get("model")) is str and a["model"]]


def nothing(count: int) -> ModelColumn:
    """Return the column of a model that was never asked."""
    return ModelColumn(
        asked=np.zeros(count, np.uint8),
        confidence=np.full(count, _NAN),
        cost_usd=np.zeros(count),
        latency_ms=np.zeros(count, np.float32),
        correct=np.full(count, UNKNOWN, np.int8),
    )


def _attributes(rows: Sequence[Row], wanted: Sequence[str] | None) -> dict[str, Any]:
    given = [row.get("attributes") for row in rows]
    readable: list[Mapping[str, object]] = [g if isinstance(g, Mapping) else {} for g in given]
    names = wanted if wanted is not None else list(dict.fromkeys(name for g in readable for name in g))
    return {name: encoded([g.get(name) for g in readable]) for name in names}


def _signals(rows: Sequence[Row]) -> dict[str, Floats]:
    """Return the signals that any row reports."""
    told = [row.get("signals") for row in rows]
    given: list[Mapping[str, Any]] = [g if isinstance(g, Mapping) else {} for g in told]
    for place, row in enumerate(rows):
        if row.get("signal") == "context" and "confidence" not in given[place]:
            given[place] = {**given[place], "confidence": _as_reported(row)}
    named = {name for g in given for name in g}
    return {name: _signal_column(name, given) for name in SIGNALS if name in named}


def _signal_column(name: str, given: Sequence[Mapping[str, Any]]) -> Floats:
    absent, read = ABSENT[name], confidence if name == "confidence" else _signal
    return np.fromiter((read(g[name]) if name in g else absent for g in given), np.float64, len(given))


def _as_reported(row: Row) -> object:
    """Return the confidence that a caller sent; the row's own is what was judged, calibrated where a map was."""
    standing = (a.get("confidence") for a in _attempts(row) if a["model"] == row.get("model"))
    sent = next(standing, None)
    return row.get("confidence") if sent is None else sent


def _signal(value: object) -> float:
    """Read what was reported; what cannot be read is NaN, which no threshold lets pass."""
    if type(value) is float:
        return value
    try:
        return float(number(value))
    except OverflowError:
        return _LARGEST if number(value) > 0 else -_LARGEST


def confidence(value: object) -> float:
    """Return a number in [0, 1] as it is; NaN for everything else."""
    given = value if type(value) is float else number(value)
    return float(given) if 0 <= given <= 1 else _NAN


def _verdict(value: object) -> int:
    return int(value == 1) if isinstance(value, int | float) and value in (0, 1) else UNKNOWN


def _source(row: Row) -> str | None:
    source = row.get("signal")
    return source if source in _SOURCES else None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    # UUIDs come as objects from the database. A request id that is no text draws no share, so it stays empty.
    return str(value) if value is not None and type(value).__name__ == "UUID" else ""


def _milliseconds(value: object) -> int:
    """Read a point in time: RFC 3339 text, a datetime, or milliseconds since 1970; 0 where there is none."""
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return int(value) if isinstance(value, int | float) and value == value else 0
