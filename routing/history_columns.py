"""Columns cut, put together and corrected: how a history that is in memory takes what is new.

Decisions are kept by time, ids descending within one moment. They never change once they are there; verdicts do.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from sys import getsizeof
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.replay.building import build
from routing.replay.columns import UNKNOWN, Attribute, Coded, Columns, ModelColumn, Numeric, Texts, select
from routing.replay.joining import joined
from routing.replay.memory import Memory

Micros = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Timed:
    """Columns with their times in microseconds, by which they are in order."""

    columns: Columns
    micros: Micros

    def __len__(self) -> int:
        return len(self.micros)

    @cached_property
    def bytes(self) -> int:
        """Return the size in memory, distinct values of attributes included."""
        values = sum(
            sum(map(getsizeof, column.values))
            for column in self.columns.attributes.values()
            if isinstance(column, Coded)
        )
        return self.columns.bytes + self.micros.nbytes + values


def timed(rows: Sequence[dict[str, Any]], micros: Sequence[int]) -> Timed:
    """Return rows that are in order as columns."""
    return Timed(build(rows), np.array(micros, np.int64))


def chained(parts: Sequence[Timed]) -> Timed:
    """Return parts one after another. At least one is needed."""
    if len(parts) == 1:
        return parts[0]
    columns = joined([part.columns for part in parts])
    return Timed(columns, np.concatenate([part.micros for part in parts]))


@dataclass(frozen=True, eq=False)
class Piece:
    """Some decisions in order among themselves, with each id as 16 bytes."""

    decisions: Timed
    keys: NDArray[np.uint8]


def in_order(pieces: Sequence[Piece]) -> Timed:
    """Return all pieces as one, in order whatever their times are. At least one is needed."""
    pieces = sorted(pieces, key=lambda piece: int(piece.decisions.micros[0]))
    whole = chained([piece.decisions for piece in pieces])
    if len(pieces) == 1:
        return whole
    order = np.argsort(whole.micros, kind="stable")
    micros = whole.micros[order]
    same = micros[1:] == micros[:-1]
    if same.any():
        halves = np.concatenate([piece.keys for piece in pieces]).view(">u8").reshape(-1, 2)
        tied = np.flatnonzero(np.concatenate([[False], same]) | np.concatenate([same, [False]]))
        rows = order[tied]
        high, low = (~halves[rows, half] for half in (0, 1))
        order[tied] = rows[np.lexsort((low, high, micros[tied]))]
    if bool((order[1:] > order[:-1]).all()):
        return whole
    columns = select(whole.columns, order)
    for name, draws in whole.columns.drawn().items():
        columns.keep_drawn(name, draws[order])
    return Timed(columns, micros)


def between(whole: Timed, start: int, stop: int) -> Timed:
    """Return the decisions from one place to another, sharing memory with the whole."""
    if (start, stop) == (0, len(whole)):
        return whole
    cut, columns = slice(start, stop), whole.columns
    made = replace(
        columns,
        ids=_texts(columns.ids, start, stop),
        request_ids=_texts(columns.request_ids, start, stop),
        at=columns.at[cut],
        models={
            name: ModelColumn(*(getattr(model, part.name)[cut] for part in fields(ModelColumn)))
            for name, model in columns.models.items()
        },
        attributes={name: _cut(column, cut) for name, column in columns.attributes.items()},
        signals={name: values[cut] for name, values in columns.signals.items()},
        source=Coded(columns.source.codes[cut], columns.source.values),
        recorded=columns.recorded[cut],
        audited=columns.audited[cut],
        stratum=columns.stratum[cut],
        memory=Memory(),
    )
    for name, draws in columns.drawn().items():
        made.keep_drawn(name, draws[cut])
    return Timed(made, whole.micros[cut])


def place(whole: Timed, micros: int, identity: str) -> int | None:
    """Return where a decision is, None where it is not."""
    low = int(np.searchsorted(whole.micros, micros, "left"))
    high = int(np.searchsorted(whole.micros, micros, "right"))
    ids = whole.columns.ids
    # Ids descend within one moment, so they are looked for from its end.
    found = high - 1 - bisect_left(range(high - low), identity, key=lambda back: ids[high - 1 - back])
    return found if low <= found and ids[found] == identity else None


def merged(whole: Timed, fresh: Timed) -> Timed:
    """Return both in order. What is older than the first fresh decision is not sorted again."""
    cut = int(np.searchsorted(whole.micros, fresh.micros[0], "left"))
    tail = chained([between(whole, cut, len(whole)), fresh])
    if cut < len(whole):
        ids = list(tail.columns.ids)
        by_id = sorted(range(len(tail)), key=ids.__getitem__, reverse=True)
        order = np.array(sorted(by_id, key=tail.micros.tolist().__getitem__), np.intp)
        tail = Timed(select(tail.columns, order), tail.micros[order])
    return chained([between(whole, 0, cut), tail]) if cut else tail


def judged(whole: Timed, places: Sequence[int], rows: Sequence[dict[str, Any]]) -> Timed:
    """Return the decisions with today's verdicts on those at these places; the same object if none is new."""
    if not places:
        return whole
    at, again, models = np.array(places, np.intp), build(rows), dict(whole.columns.models)
    for name, model in again.models.items():
        if name not in models:
            continue
        known = models[name].correct
        news = (model.correct != UNKNOWN) & (model.correct != known[at])
        if news.any():
            correct = known.copy()
            correct[at[news]] = model.correct[news]
            models[name] = replace(models[name], correct=correct)
    if all(model is whole.columns.models[name] for name, model in models.items()):
        return whole
    columns = replace(whole.columns, models=models, memory=Memory())
    for name, draws in whole.columns.drawn().items():
        columns.keep_drawn(name, draws)
    return Timed(columns, whole.micros)


def _texts(texts: Texts, start: int, stop: int) -> Texts:
    first = int(texts.ends[start - 1]) if start else 0
    last = int(texts.ends[stop - 1]) if stop else 0
    return Texts(texts.bytes[first:last], texts.ends[start:stop] - first)


def _cut(column: Attribute, cut: slice) -> Attribute:
    if isinstance(column, Numeric):
        return Numeric(column.values[cut])
    return Coded(column.codes[cut], column.values)
