"""Counting a replay: one pass over the rows, everything else from small tables.

Rows are counted by cell (course, slot, rung, verdict), by where the other document puts them, and by how their label
came about. All numbers of an impact are sums over these counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from routing.engine.decide import Decision
from routing.replay.columns import CENSUS, Columns, Floats, Mask
from routing.replay.estimates import MOST_UNKNOWN, Badge, Estimate, quantile_places, unknown
from routing.replay.replay import Replayed, each_block
from routing.replay.verdicts import label

Counts = NDArray[np.int64]
Places = NDArray[np.intp]
Key = TypeVar("Key")

_BLOCK = 1 << 16
# Counting by many heads pays off over longer blocks only.
_LONG = 1 << 18


@dataclass(frozen=True, eq=False)
class Tally:
    """What a replay comes to. `rows[cell, other, origin]` counts decisions, `cost` and `other_cost` are sums in
    dollars by cell and the other document's label. An origin is twice the stratum, plus 1 where the model that
    stands is the one whose answer was labelled.
    """

    replayed: Replayed
    cells: Places
    rows: Counts
    cost: Floats
    other_cost: Floats
    squares: float
    unpriced: int
    desks: Counts
    audited: int

    @cached_property
    def places(self) -> Places:
        """Return the place of each counted cell's decision in the table."""
        return self.cells // self.replayed.width

    def where(self, holds: Callable[[Decision | None], bool]) -> Mask:
        """Return the counted cells whose decision is such."""
        table = self.replayed.table.decisions
        return np.fromiter(map(holds, table), np.bool_, len(table)).take(self.places)

    def by(self, key: Callable[[Decision], Key]) -> dict[Key, int]:
        """Return how many rows have which property of their decision; what is not knowable is left out."""
        table = self.replayed.table.decisions
        rows = np.bincount(self.places, self.rows.sum(axis=(1, 2)), len(table)).astype(np.int64)
        counts: dict[Key, int] = {}
        for decision, count in zip(table, rows.tolist(), strict=True):
            if decision is not None:
                counts[key(decision)] = counts.get(key(decision), 0) + count
        return counts

    @cached_property
    def rungs(self) -> Places:
        """Return the rung that stands in each counted cell, 0 for none."""
        return self.cells // 4 % (len(self.replayed.table.rungs) + 1)

    @cached_property
    def verdicts(self) -> Places:
        """Return the verdict of each counted cell: 0 wrong, 1 right, 3 unknown."""
        return self.cells % 4


def names(replayed: Replayed) -> tuple[str, ...]:
    """Return what decisions of this document fall into: bands, actions, `not_knowable`."""
    return tuple(dict.fromkeys(label(decision) for decision in replayed.table.decisions))


def row_labels(replayed: Replayed) -> NDArray[np.uint8]:
    """Return the place of each row's label in `names`."""
    places = {name: place for place, name in enumerate(names(replayed))}
    table = np.array([places[label(d)] for d in replayed.table.decisions], np.uint8).repeat(replayed.width)
    return table.take(replayed.cell)


def queues(replayed: Replayed) -> tuple[str | None, ...]:
    """Return the queues that decisions of this document go to; None for people without a queue."""
    found = (d.queue for d in replayed.table.decisions if d is not None and d.action != "answer")
    return tuple(dict.fromkeys(found))


def tally(
    replayed: Replayed, other: NDArray[np.uint8] | None, others: int, other_cost: Floats | None
) -> Tally:
    """Count a replay, row by row beside another one's labels and costs where given."""
    return _Counting(replayed, other, others, other_cost).tally()


class _Counting:
    """One pass over the rows."""

    def __init__(
        self, replayed: Replayed, other: NDArray[np.uint8] | None, others: int, other_cost: Floats | None
    ) -> None:
        self.replayed = replayed
        self.columns: Columns = replayed.columns
        self.other, self.others, self.other_cost = other, others, other_cost
        self.cells, self.dense = _dense(replayed)
        # With a single stratum of complete labels there is nothing to tell apart.
        self.origins = 2 * len(self.columns.strata) if self._mixed() else 1
        models = {name: place for place, name in enumerate(self.columns.names, start=1)}
        rungs = [255, *(models.get(name, 255) for name, _ in replayed.table.rungs)]
        self.labelled = np.array(rungs, np.uint8)[self.cells // 4 % len(rungs)]
        self.priced = all(
            model.priced
            for name, _ in replayed.table.rungs
            if (model := self.columns.models.get(name)) is not None
        )
        places = {name: place for place, name in enumerate(queues(replayed))}
        self.desks = len(places)
        goes = [
            places[decision.queue] if decision is not None and decision.action != "answer" else self.desks
            for decision in replayed.table.decisions
        ]
        self.desk = np.array(goes, np.uint16).take(self.cells // replayed.width)

    def _mixed(self) -> bool:
        return any(stratum.kind != CENSUS for stratum in self.columns.strata_counts)

    def tally(self) -> Tally:
        """Count all blocks and add them up."""
        parts = each_block(len(self.columns), self._block, size=_BLOCK)
        shape = (len(self.cells), self.others, self.origins)
        added = [np.sum([part[i] for part in parts], axis=0) if parts else 0.0 for i in range(6)]
        rows, cost, other_cost, squares, unpriced, desks = added

        def by_label(sums: Any, kind: Any) -> Any:
            return np.broadcast_to(np.asarray(sums, kind), (int(np.prod(shape)),)).reshape(shape)

        return Tally(
            replayed=self.replayed,
            cells=self.cells,
            rows=by_label(rows, np.int64),
            cost=by_label(cost, np.float64).sum(axis=2),
            other_cost=by_label(other_cost, np.float64).sum(axis=2),
            squares=float(squares),
            unpriced=int(unpriced),
            desks=np.broadcast_to(np.asarray(desks, np.int64), ((self.desks + 1) * 24,)).reshape(-1, 24)[:-1],
            audited=int(self.replayed.audited().sum()) if self.replayed.table.audit_share.any() else 0,
        )

    def _block(self, rows: slice) -> tuple[Any, ...]:
        cell = self.replayed.cell[rows].astype(np.intp)
        if self.dense is not None:
            cell = self.dense.take(cell)
        index = cell
        if self.other is not None:
            index = index * self.others
            index += self.other[rows]
        if self.origins > 1:
            same = self.labelled.take(cell) == self.columns.recorded[rows]
            index = (index * (self.origins // 2) + self.columns.stratum[rows]) * 2 + same
        size = len(self.cells) * self.others * self.origins
        cost = self.replayed.cost_usd[rows]
        unpriced = 0
        if not self.priced:
            known = ~np.isnan(cost)
            unpriced = len(cost) - int(np.count_nonzero(known))
            cost = np.where(known, cost, 0.0)
        other_cost = (
            np.bincount(index, np.nan_to_num(self.other_cost[rows]), size)
            if self.other_cost is not None
            else 0.0
        )
        hour = self.desk.take(cell) * np.uint16(24) + self.columns.hours[rows]
        return (
            np.bincount(index, minlength=size),
            np.bincount(index, cost, size),
            other_cost,
            # Not a dot product: BLAS would start threads of its own, and wait for them longer than it counts.
            float((cost * cost).sum()),
            unpriced,
            np.bincount(hour, minlength=(self.desks + 1) * 24),
        )


def _dense(replayed: Replayed) -> tuple[Places, Places | None]:
    """Return the cells to count, and each cell's place among them; None where all cells are few enough."""
    if replayed.size <= 4096:
        return np.arange(replayed.size), None
    seen = np.zeros(replayed.size, np.bool_)
    seen[replayed.cell] = True
    return np.flatnonzero(seen), np.cumsum(seen) - 1


def latency_p95(replayed: Replayed, lost: int) -> Estimate:
    """Return the time within which 95 of 100 requests had all their models' answers, in milliseconds.

    The quantile is exact: rows are counted by the upper half of their floats' bits, which rise with the value, and
    only the few that share them with a wanted place are put in order.
    """
    values = _timed(replayed, lost)
    missing = len(replayed.columns) - len(values)
    if not len(values) or missing > MOST_UNKNOWN * len(replayed.columns):
        return unknown(len(values))
    low, place, high, further = quantile_places(len(values), 0.95)
    after = min(place + 1, len(values) - 1)
    heads = values.view(np.uint32) >> np.uint32(16)
    counts = each_block(len(values), lambda rows: np.bincount(heads[rows], minlength=1 << 16), size=_LONG)
    below = np.cumsum(np.sum(counts, axis=0))
    found = {rank: _ranked(values, heads, below, rank) for rank in {low, place, after, high}}
    value = found[place] + (found[after] - found[place]) * further
    badge: Badge = "weighted" if missing else "measured"
    return Estimate(value, min(found[low], value), max(found[high], value), len(values), badge)


def _timed(replayed: Replayed, lost: int) -> NDArray[np.float32]:
    """Return the latencies that are known."""
    values = replayed.latency_ms
    models = (replayed.columns.models.get(name) for name, _ in replayed.table.rungs)
    if lost:
        values = values[replayed.knowable()]
    if not all(model.timed for model in models if model is not None):
        values = values[~np.isnan(values)]
    return values


def _ranked(values: NDArray[np.float32], heads: NDArray[np.uint32], below: Counts, rank: int) -> float:
    """Return the value at one place in order; `below` counts the rows up to and with each head."""
    head = int(np.searchsorted(below, rank, "right"))
    before = int(below[head - 1]) if head else 0
    alike = np.sort(values[heads == head])
    return float(alike[rank - before])
