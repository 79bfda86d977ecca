"""The ladder and the bands over blocks of rows: masks in place of branches, single bytes wherever they do.

Of each row is kept whether it still asks (`asking`), the rung that stands, the slot of its confidence and the verdict.
Steps that cannot matter for any row of these columns (no model ever failed, no cost can reach the cap) are left out.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.replay.columns import ANSWERED, NEVER, Codes, Columns, Floats, Mask, ModelColumn
from routing.replay.judging import judged, judged_from_caller
from routing.replay.verdicts import STOPS, Verdicts, outside

# With more edges than this, a binary search for each row is faster than one comparison for each edge.
MANY_EDGES: Final = 16
# As the assistants have it: less is no time to ask a model anything.
LEAST_TIME_S: Final = 0.05
NO_VERDICT: Final = 3

Bytes = NDArray[np.uint8]
# One byte but for documents with hundreds of edges.
Slots = Codes


@dataclass(frozen=True, eq=False)
class _Rung:
    """One rung, and what must be looked at for it. `slower` is the time limit in ms, None where nothing was slower;
    `judged` the calibrated confidences, None where they count as reported.
    """

    number: int
    accept_from: float
    model: ModelColumn | None
    slower: float | None
    judged: Floats | None


@dataclass(eq=False)
class _Rows:
    """The state of one block's rows while they climb."""

    asking: Mask
    tried: Mask
    lost: Mask
    slot: Slots
    rung: Bytes
    correct: Bytes
    cost: Floats
    elapsed: NDArray[np.float32]


class Climber:
    """Replays blocks of rows through one document. Holds nothing of a block, so that threads can share it."""

    def __init__(self, columns: Columns, table: Verdicts, course: Codes) -> None:
        self.columns = columns
        self.table = table
        self.course = course
        self.kind: type[np.unsignedinteger[Any]] = np.uint8 if table.slots <= 255 else np.uint16
        document = table.compiled.courses.document
        timeouts = {model.name: model.timeout_s * 1000 for model in document.models}
        self.context = document.confidence.source == "context"
        self.missing = document.confidence.missing
        self.reported = columns.signals.get("confidence") if self.context else None
        self.foreign = self._foreign(document.confidence.source)
        self.maps = table.compiled.courses.maps
        self.rungs = [
            self._rung(number, name, accept_from, timeouts[name])
            for number, (name, accept_from) in enumerate(table.rungs, start=1)
        ]
        self.from_caller = judged_from_caller(columns, self.maps) if self.context and not self.rungs else None
        models = [rung.model for rung in self.rungs if rung.model]
        limits = table.thresholds
        cap, latency = limits.cost_per_task_usd, limits.latency_s
        self.cap = cap if cap is not None and sum(m.highest_cost for m in models) >= cap else None
        reach = sum(m.highest_latency for m in models) / 1000 + LEAST_TIME_S
        self.latency = latency if latency is not None and reach >= latency else None
        self.all_ask = bool(table.asks.all())
        self.late_starts = bool(table.first.any())

    def _rung(self, number: int, name: str, accept_from: float, timeout_ms: float) -> _Rung:
        model = self.columns.models.get(name)
        slower = timeout_ms if model is not None and model.highest_latency > timeout_ms else None
        line = self.maps.get(name)
        kept = judged(self.columns, name, line, context=self.context) if model is not None and line else None
        return _Rung(number, accept_from, model, slower, kept)

    def _foreign(self, source: str) -> Mask | None:
        """Return which recorded sources say nothing about this one; None where all do."""
        strange = [value not in (None, "missing", source) for value in self.columns.source.values]
        return np.array(strange, np.bool_) if any(strange) else None

    def climb(self, place: slice, cell: Codes, cost: Floats, latency: NDArray[np.float32]) -> None:
        """Replay one block into the arrays given."""
        course = self.course[place]
        rows = self._start(course, cost, latency)
        self._stop(place, course, rows)
        if not self.rungs:
            self._judge_reported(place, course, rows)
        asked = rows.asking.copy()
        first = self.table.first.take(course) if self.late_starts else None
        for rung in self.rungs:
            here = rows.asking if first is None else rows.asking & (first < rung.number)
            self._ask(rung, place, here.copy(), rows)
        nobody = asked & (rows.rung == 0)
        np.copyto(rows.slot, self.kind(self.table.unsure + 1), where=nobody)
        if rows.lost.any():
            rows.slot[rows.lost] = self.table.lost
            rows.correct[rows.lost] = NO_VERDICT
            rows.rung[rows.lost] = 0
            rows.cost[rows.lost] = 0
            rows.elapsed[rows.lost] = 0
        self._pack(course, rows, cell)

    def _start(self, course: Codes, cost: Floats, latency: NDArray[np.float32]) -> _Rows:
        count = len(course)
        cost[:] = 0
        latency[:] = 0
        asking = np.ones(count, np.bool_) if self.all_ask else self.table.asks.take(course)
        return _Rows(
            asking=asking,
            tried=np.zeros(count, np.bool_),
            lost=np.zeros(count, np.bool_),
            slot=np.full(count, self.table.unsure, self.kind),
            rung=np.zeros(count, np.uint8),
            correct=np.full(count, NO_VERDICT, np.uint8),
            cost=cost,
            elapsed=latency,
        )

    def _stop(self, place: slice, course: Codes, rows: _Rows) -> None:
        """Stop what a threshold forbids; the first of them counts."""
        live = self.table.compiled.courses
        held = self.table.compiled.held_out if self.table.held_out else None
        split = len(self.table.rules) + 1
        for name in reversed(STOPS):
            values = self.columns.signals.get(name)
            if values is None:
                continue
            for group, held_out in ((live, False), (held, True)):
                over = outside(name, group.document.thresholds, values[place]) if group else None
                if over is None:
                    continue
                if held is not None:
                    over &= (course >= split) == held_out
                rows.slot[over] = self.table.stop(name)
                rows.asking &= ~over

    def _judge_reported(self, place: slice, course: Codes, rows: _Rows) -> None:
        """Judge the caller's confidence where no model is asked at all: the caller has asked one itself."""
        if self.from_caller is None:
            return
        trusted = self.table.trusts.take(course) & (rows.slot == self.table.unsure)
        np.copyto(rows.slot, self._slots(self.from_caller[place]), where=trusted)

    def _ask(self, rung: _Rung, place: slice, here: Mask, rows: _Rows) -> None:
        """Ask one model in the rows that are here; `here` is used up."""
        left = self._left(here, rows)
        if self.cap is not None:
            over = here & rows.tried & (rows.cost >= self.cap)
            rows.asking &= ~over
            here &= ~over
        model = rung.model
        unknown = self._unknown(model, place, here)
        if unknown is not None:
            rows.lost |= unknown
            rows.asking &= ~unknown
            here &= ~unknown
        if model is None:
            return
        answered = self._pay(rung, model, place, here, left, rows)
        confidence = self._confidence(model, place) if rung.judged is None else rung.judged[place]
        keep = answered.view(np.uint8) * np.uint8(255)
        leave = ~keep
        rows.rung &= leave
        rows.rung |= keep & np.uint8(rung.number)
        slots = self._slots(confidence)
        if self.kind is np.uint8:
            rows.slot &= leave
            rows.slot |= keep & slots
        else:
            np.copyto(rows.slot, slots, where=answered)
        rows.correct &= leave
        rows.correct |= keep & (model.correct[place].view(np.uint8) & np.uint8(3))
        sure = confidence >= rung.accept_from
        if self.missing >= rung.accept_from:
            sure |= np.isnan(confidence)
        rows.asking &= ~(answered & sure)

    def _left(self, here: Mask, rows: _Rows) -> Floats | None:
        """Return the milliseconds left for each row, where time can run out; who has none stops asking."""
        if self.latency is None:
            return None
        left: Floats = self.latency - rows.elapsed.astype(np.float64) / 1000
        late = here & (left < LEAST_TIME_S)
        rows.asking &= ~late
        here &= ~late
        return left * 1000

    def _unknown(self, model: ModelColumn | None, place: slice, here: Mask) -> Mask | None:
        """Return the rows whose answer of this model nobody has; None where there are none."""
        unknown: Mask | None = None
        if model is None:
            unknown = here.copy()
        elif not model.always:
            unknown = here & (model.asked[place] == NEVER)
        if self.foreign is not None:
            strange = here & self.foreign.take(self.columns.source.codes[place])
            unknown = strange if unknown is None else unknown | strange
        return unknown

    def _pay(
        self, rung: _Rung, model: ModelColumn, place: slice, here: Mask, left: Floats | None, rows: _Rows
    ) -> Mask:
        """Add what the attempts cost and took; return where there is an answer. One cut off in time costs nothing."""
        cost, took = model.cost_usd[place], model.latency_ms[place]
        answered = here & (model.asked[place] == ANSWERED) if model.failed else here
        paid = here
        limit: Floats | float | None = left
        if rung.slower is not None:
            limit = rung.slower if left is None else np.minimum(left, rung.slower)
        if limit is not None:
            late = here & (took > limit)
            paid = here & ~late
            answered = answered & ~late
            took = np.minimum(took, limit).astype(np.float32)
        rows.cost += cost * paid if model.priced else np.where(paid, cost, 0)
        rows.elapsed += took * here if model.timed else np.where(here, took, np.float32(0))
        if self.cap is not None:
            rows.tried |= here
        return answered

    def _confidence(self, model: ModelColumn, place: slice) -> Floats:
        """Return what is judged: the caller's confidence where the document asks for it and it was sent."""
        if self.reported is None:
            return model.confidence[place]
        reported = self.reported[place]
        return np.where(np.isnan(reported), model.confidence[place], reported)

    def _slots(self, confidence: Floats) -> Slots:
        """Return the slot of each confidence: the number of edges above 0 that it reaches."""
        edges = self.table.edges[1:]
        if len(edges) > MANY_EDGES:
            slot: Slots = np.searchsorted(edges, confidence, "right").astype(self.kind)
        else:
            slot = np.zeros(len(confidence), self.kind)
            for edge in edges:
                slot += confidence >= edge
        np.copyto(slot, self.kind(self.table.unsure), where=np.isnan(confidence))
        return slot

    def _pack(self, course: Codes, rows: _Rows, cell: Codes) -> None:
        """Put course, slot, rung and verdict into one number."""
        np.multiply(course, self.table.slots, out=cell, dtype=cell.dtype, casting="unsafe")
        cell += rows.slot
        cell *= cell.dtype.type(len(self.rungs) + 1)
        cell += rows.rung
        cell *= cell.dtype.type(4)
        cell += rows.correct
