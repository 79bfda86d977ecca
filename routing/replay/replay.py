"""Replay: what a document would have done with each stored decision.

The order is `decide`'s, and the ladder is climbed as an assistant climbs it (`routing/runtime/climbing.py`), over
blocks of rows instead of one request. What a draft needs and the log does not hold, such as the answer of a model that
was not called, is not knowable: such a row gets no decision and no model is guessed.

Off in a replay: the day's budget, unless the spending was recorded. Times and prices are those recorded.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.engine.decide import Compiled, Decision, compile_document
from routing.replay.climbing import Climber
from routing.replay.columns import Codes, Columns, Floats, Mask
from routing.replay.encoding import compact
from routing.replay.matching import courses
from routing.replay.verdicts import Verdicts, verdicts

# A block's arrays stay in the processor's cache from one step to the next.
BLOCK: Final = 1 << 15
# From here on a second thread is worth starting; NumPy lets go of the interpreter while it works.
MANY: Final = 4 * BLOCK
_THREADS: Final = min(2, os.cpu_count() or 1)


@dataclass(frozen=True, eq=False)
class Replayed:
    """What a document would have done, row by row.

    `cell` holds course, slot, rung that stands (0: none) and verdict in one number, see `parts`. `cost_usd` and
    `latency_ms` are sums over the models tried; NaN where one of them was not recorded.
    """

    columns: Columns
    table: Verdicts
    cell: Codes
    cost_usd: Floats
    latency_ms: NDArray[np.float32]

    @property
    def width(self) -> int:
        """Return how many cells one decision of the table is split into."""
        return 4 * (len(self.table.rungs) + 1)

    @property
    def size(self) -> int:
        """Return how many cells there can be."""
        return len(self.table.decisions) * self.width

    @cached_property
    def decision(self) -> NDArray[np.intp]:
        """Return each row's place in the table of decisions."""
        return (self.cell // self.width).astype(np.intp)

    @cached_property
    def standing(self) -> NDArray[np.intp]:
        """Return the rung whose answer stands, from 1; 0 where no model's does."""
        return (self.cell // 4 % (len(self.table.rungs) + 1)).astype(np.intp)

    def knowable(self) -> Mask:
        """Return which rows have a decision."""
        known = np.array([decision is not None for decision in self.table.decisions], np.bool_)
        return known[self.decision]

    def answered(self) -> Mask:
        """Return which rows are answered without a person."""
        acts = np.array([d is not None and d.action == "answer" for d in self.table.decisions], np.bool_)
        return acts[self.decision]

    def audited(self) -> Mask:
        """Return which answers a person would have read at random."""
        shares = np.repeat(self.table.audit_share, self.table.slots)
        if not shares.any():
            return np.zeros(len(self.columns), np.bool_)
        return self.answered() & (self.columns.audit_place < shares[self.decision])

    def row(self, place: int) -> Decision | None:
        """Return the decision of one row as `decide` would have given it; None where it is not knowable."""
        which = int(self.cell[place]) // self.width
        decision = self.table.decisions[which]
        if decision is None:
            return None
        rung = int(self.cell[place]) // 4 % (len(self.table.rungs) + 1)
        decision = replace(decision, model=self.table.rungs[rung - 1][0] if rung else None)
        share = float(self.table.audit_share[which // self.table.slots])
        drawn = float(self.columns.audit_place[place]) if share else float("nan")
        if decision.action != "answer" or not share or drawn != drawn:
            return decision
        return replace(decision, audit_share=share, audited=drawn < share)


def replay(
    columns: Columns,
    document: Mapping[str, Any] | Compiled,
    *,
    state: str = "live",
    baseline: Mapping[str, Any] | None = None,
) -> Replayed:
    """Replay every decision through a document.

    Raises `InvalidDocument` for a faulty one, and `NotLoaded` where a rule reads an attribute that was left out.
    """
    compiled = document
    if not isinstance(compiled, Compiled):
        compiled = compile_document(compiled, state=state, baseline=baseline)
    table = verdicts(compiled)
    course = _courses(columns, table)
    size = len(table.decisions) * 4 * (len(table.rungs) + 1)
    made = Replayed(
        columns,
        table,
        cell=np.empty(len(columns), _kind(size)),
        cost_usd=np.empty(len(columns)),
        latency_ms=np.empty(len(columns), np.float32),
    )
    climber = Climber(columns, table, course)

    def block(rows: slice) -> None:
        climber.climb(rows, made.cell[rows], made.cost_usd[rows], made.latency_ms[rows])

    each_block(len(columns), block)
    return made


def each_block(count: int, work: Callable[[slice], Any], size: int = BLOCK) -> list[Any]:
    """Do the work for every block of rows, by two threads where there are many; return the results in order."""
    blocks = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    if count < MANY or _THREADS == 1:
        return [work(rows) for rows in blocks]
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(work, blocks))


def _kind(size: int) -> Any:
    return np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.uint32


def _courses(columns: Columns, table: Verdicts) -> Codes:
    """Return each decision's course, kept for as long as the rules and the held-out share stay the same."""
    split = table.compiled.courses.holdout_share if table.compiled.held_out else 0.0
    whens = tuple(rule.when.model_dump_json() for rule in (*table.rules, *table.held_rules))
    return columns.memory.get(
        "course", (whens, len(table.rules), split), lambda: _found(columns, table, split)
    )


def _found(columns: Columns, table: Verdicts, split: float) -> Codes:
    found = courses(columns, table.rules)
    if not split:
        return found
    base = len(table.rules) + 1
    others = courses(columns, table.held_rules).astype(np.uint32) + base
    both = np.where(columns.holdout_place < split, others, found)
    return compact(both, base + len(table.held_rules) + 1)
