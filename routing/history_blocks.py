"""Sealed decisions out of PostgreSQL: blocks of columns, joined with the verdicts that count by now.

What the console received in an interval of time is one run: one or more blocks that were sealed together
(`routing.actions.blocks`). A run counts only while it holds as many decisions as the table has of its interval, so that
what was deleted or dropped there is gone here too. What no run covers is read row by row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from routing import history_rows
from routing.history_columns import Piece, Timed, between, in_order, timed
from routing.history_rows import BEGINNING, END, NOT_PEOPLE, PEOPLE, Chunk, moment
from routing.replay.assembling import assembled
from routing.replay.blocks import FORMAT, keys_of, unpacked
from routing.replay.columns import UNKNOWN

KNOWN: Final = """
SELECT id, received_from, received_until, at_min, at_max, count, memory, format
  FROM routing_block WHERE use_case = %s ORDER BY received_from, received_until, id
"""
THERE: Final = """
SELECT (SELECT count(*) FROM routing_decision d
         WHERE d.use_case = %s AND d.received_at >= run.since AND d.received_at < run.until)
  FROM unnest(%s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS run(since, until, place) ORDER BY place
"""
SOURCES: Final = """
SELECT source FROM (SELECT DISTINCT source FROM routing_outcome WHERE use_case = %s) given
 WHERE source ~* %s AND source !~* %s
"""
# In one value: a row of its own for each verdict would be a message of its own for each.
VERDICTS: Final = """
SELECT string_agg(uuid_send(of) || timestamptz_send(at) || int8send(id) || boolsend(correct), ''::bytea) FROM (
       SELECT decision_id AS of, at, id, correct FROM routing_outcome
        WHERE use_case = %(use_case)s AND decision_id IS NOT NULL AND source = ANY(%(sources)s)
       UNION ALL
       SELECT d.id, o.at, o.id, o.correct FROM routing_outcome o
         JOIN routing_decision d ON d.use_case = o.use_case AND d.request_id = o.request_id
        WHERE o.use_case = %(use_case)s AND o.decision_id IS NULL AND o.source = ANY(%(sources)s)) given
"""
VERDICT: Final = np.dtype(
    [("high", ">u8"), ("low", ">u8"), ("at", ">i8"), ("number", ">i8"), ("correct", "u1")]
)
DATA: Final = "SELECT data FROM routing_block WHERE id = %(id)s"
# What COPY in binary writes before and after the one value of one row.
_COPY_HEAD: Final = 25
_COPY_TAIL: Final = 2
# Odd, so that no bit of an id is lost: two ids that share a place are told apart by what they are.
_MIXED: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
# Draws of so many rows take a second: as many that are not sealed are drawn when somebody asks for them.
MOST_DRAWN: Final = 100_000

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Sealed:
    """One block as it is known without its data; `memory` is what its columns take, in bytes."""

    id: int
    received_from: datetime
    received_until: datetime
    at_min: datetime
    at_max: datetime
    count: int
    memory: int
    format: int


@dataclass(frozen=True, slots=True)
class Run:
    """Blocks that were sealed together."""

    blocks: tuple[Sealed, ...]

    @property
    def since(self) -> datetime:
        return self.blocks[0].received_from

    @property
    def until(self) -> datetime:
        return self.blocks[0].received_until


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read for the decisions of some time: `blocks`, newest first, and what was received in the `gaps`."""

    blocks: Sequence[Sealed]
    gaps: Sequence[tuple[datetime, datetime]]
    unsealed: int

    @property
    def expected(self) -> int:
        return self.unsealed + sum(block.count for block in self.blocks)

    @property
    def memory(self) -> int:
        """Return what a decision takes in memory, in bytes, by the blocks."""
        return sum(block.memory for block in self.blocks) // max(1, sum(block.count for block in self.blocks))


NOTHING: Final = Plan([], [], 0)


def runs(use_case: str) -> list[Run]:
    """Return all runs of a use case, in the order in which the console received what they hold."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [use_case])
        blocks = [Sealed(*row) for row in cursor.fetchall()]
    grouped = groupby(blocks, lambda block: (block.received_from, block.received_until))
    return [Run(tuple(found)) for _, found in grouped]


def valid(use_case: str, found: Sequence[Run]) -> list[Run]:
    """Return the runs that hold what the table holds, and that can be read."""
    if not found:
        return []
    with connection.cursor() as cursor:
        cursor.execute(THERE, [use_case, [run.since for run in found], [run.until for run in found]])
        there = [int(count) for (count,) in cursor.fetchall()]
    kept: list[Run] = []
    for run, count in zip(found, there, strict=True):
        whole = count == sum(block.count for block in run.blocks)
        if (
            whole
            and all(b.format == FORMAT for b in run.blocks)
            and (not kept or run.since >= kept[-1].until)
        ):
            kept.append(run)
    return kept


def gaps_between(kept: Sequence[Run]) -> list[tuple[datetime, datetime]]:
    """Return the intervals of receipt that no run covers; the last one never ends."""
    edges = [BEGINNING, *(edge for run in kept for edge in (run.since, run.until)), END]
    pairs = zip(edges[0::2], edges[1::2], strict=True)
    return [(since, until) for since, until in pairs if since < until]


def plan(use_case: str, floor: datetime, before: datetime) -> Plan | None:
    """Return what to read for the decisions between two moments; None where none of it is sealed.

    Of what lies wholly outside nothing is read, whether it still counts or not.
    """
    known = runs(use_case)

    def inside(block: Sealed) -> bool:
        return block.at_max >= floor and block.at_min < before

    asked = [run for run in known if any(map(inside, run.blocks))]
    kept = valid(use_case, asked)
    if not kept:
        return None
    lost = {run.since for run in asked} - {run.since for run in kept}
    gaps = gaps_between([run for run in known if run.since not in lost])
    blocks = [block for run in kept for block in run.blocks if inside(block)]
    blocks.sort(key=lambda block: (block.at_max, block.id), reverse=True)
    return Plan(blocks, gaps, sum(history_rows.received_count(use_case, *gap, floor, before) for gap in gaps))


# Reading


@dataclass(eq=False)
class Load:
    """One load under way; `told` hears how many decisions have been read."""

    use_case: str
    floor: datetime
    before: datetime
    told: Callable[[int], None]
    read: int = 0
    pieces: list[Piece] = field(default_factory=list)

    def take(self, piece: Piece) -> None:
        """Keep what lies between the two moments."""
        self.read += len(piece.decisions)
        start, stop = np.searchsorted(piece.decisions.micros, [_micros(self.floor), _micros(self.before)])
        if start < stop:
            cut = between(piece.decisions, int(start), int(stop))
            self.pieces.append(Piece(cut, piece.keys[start:stop]))
        self.told(self.read)


def load(planned: Plan, loading: Load) -> Timed | None:
    """Read what is planned, blocks first, then rows.

    Returns None where a block is not there any more: its run was thrown away since it was planned.
    """
    words = verdicts(loading.use_case)
    for block in planned.blocks:
        piece = _read(block, words)
        if piece is None:
            return None
        loading.take(piece)
    unsealed = 0
    for since, until in planned.gaps:
        for chunk in history_rows.received(loading.use_case, (since, until), loading.floor, loading.before):
            unsealed += len(chunk.rows)
            loading.take(as_piece(chunk))
    if unsealed > MOST_DRAWN:
        loading.pieces = [undrawn(piece) for piece in loading.pieces]
    return in_order(loading.pieces) if loading.pieces else timed([], [])


def as_piece(chunk: Chunk) -> Piece:
    """Return rows that are in order as columns."""
    rows = timed(chunk.rows, chunk.micros)
    keys = keys_of(rows.columns.ids)
    assert keys is not None  # the table holds UUIDs only
    return Piece(rows, keys)


def undrawn(piece: Piece) -> Piece:
    """Return decisions without the draws that came with them."""
    return Piece(Timed(replace(piece.decisions.columns), piece.decisions.micros), piece.keys)


def _read(sealed: Sealed, words: "Verdicts") -> Piece | None:
    data = _copied(DATA, {"id": sealed.id})
    if not data:
        return None
    block = unpacked(data)
    heard = block.parts.audited | ~block.parts.answered
    columns = assembled(replace(block.parts, outcome=words.on(block.keys, heard)))
    for name, draws in block.draws.items():
        columns.keep_drawn(name, draws)
    return Piece(Timed(columns, block.micros), block.keys)


def _copied(query: str, values: Mapping[str, Any]) -> bytes:
    """Return the one value of a query in bytes, as it is; none where there is no row, or null."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", values) as copy,
    ):
        found = memoryview(b"".join(copy))
    return bytes(found[_COPY_HEAD:-_COPY_TAIL])


def _micros(at: datetime) -> int:
    return (at - moment(0)) // timedelta(microseconds=1)


# Verdicts


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The last word of people on each decision that has one, to be looked up for many decisions at once."""

    places: Words
    high: Words
    low: Words
    correct: NDArray[np.int8]

    def on(self, keys: NDArray[np.uint8], heard: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Return the verdicts on decisions by their ids: 1, 0, or UNKNOWN, also where they are not `heard`."""
        found = np.full(len(keys), UNKNOWN, np.int8)
        rows = np.flatnonzero(heard)
        if not len(self.places) or not len(rows):
            return found
        halves = keys[rows].view(">u8").astype(np.uint64)
        places = _mixed(halves[:, 0], halves[:, 1])
        first = np.searchsorted(self.places, places, "left")
        last = np.searchsorted(self.places, places, "right")
        # Nearly always there is one to look at; ids that were mixed to the same place are looked at in turn.
        for step in range(int((last - first).max(initial=0))):
            at = np.minimum(first + step, len(self.places) - 1)
            hit = (first + step < last) & (self.high[at] == halves[:, 0]) & (self.low[at] == halves[:, 1])
            found[rows[hit]] = self.correct[at[hit]]
        return found


def verdicts(use_case: str) -> Verdicts:
    """Read all verdicts of people on decisions of a use case; of several the last one given counts."""
    with connection.cursor() as cursor:
        cursor.execute(SOURCES, [use_case, PEOPLE, NOT_PEOPLE])
        sources = [source for (source,) in cursor.fetchall()]
    data = _copied(VERDICTS, {"use_case": use_case, "sources": sources}) if sources else b""
    given = np.frombuffer(data, VERDICT)
    high, low = given["high"].astype(np.uint64), given["low"].astype(np.uint64)
    places = _mixed(high, low)
    order = np.lexsort((given["number"], given["at"], low, high, places))
    high, low, places = high[order], low[order], places[order]
    last = np.ones(len(order), np.bool_)
    last[:-1] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return Verdicts(places[last], high[last], low[last], given["correct"][order][last].astype(np.int8))


def _mixed(high: Words, low: Words) -> Words:
    return high * _MIXED[0] + low * _MIXED[1]
