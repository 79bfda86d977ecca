"""The cheapest ladders that history allows: which models, in which order, accepting from where.

Every ladder of up to a few rungs, cheaper models first, is tried with accept levels from the quantiles of each model's
own confidence, on rows where all of its models answered and every verdict is known. What no other ladder beats in both
cost and error is the frontier.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.engine.calibration import Map
from routing.replay.columns import ANSWERED, Columns, Floats, Mask, select, throughout
from routing.replay.judging import judged

STEPS: Final = 16
MAX_RUNGS: Final = 3
# More rows would not move an accept level by what an owner sees, and every ladder is tried on all of them.
MAX_ROWS: Final = 4_000

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ladder:
    """A ladder with what it would have cost a task and how many standing answers would have been wrong."""

    rungs: tuple[tuple[str, float], ...]
    cost_usd: float
    wrong: float

    def as_part(self) -> list[dict[str, Any]]:
        """Return the ladder as a document has it."""
        return [{"model": model, "accept_from": accept_from} for model, accept_from in self.rungs]


@dataclass(frozen=True, eq=False)
class _Model:
    """One model on the rows tried: whether each level accepts a row, its costs, and where it is wrong."""

    name: str
    levels: Floats
    accepts: Matrix
    cost: Matrix
    wrong: Matrix


def comparable(columns: Columns, models: Sequence[str]) -> NDArray[np.intp]:
    """Return the rows where every one of these models answered, with a verdict and a price."""
    usable: Mask = np.ones(len(columns), np.bool_)
    for name in models:
        model = columns.models.get(name)
        if model is None:
            return np.zeros(0, np.intp)
        usable &= (model.asked == ANSWERED) & (model.correct >= 0) & ~np.isnan(model.cost_usd)
    return np.flatnonzero(usable)


def picked(columns: Columns, models: Sequence[str]) -> bool:
    """Tell whether the rows that are comparable are only some of those that every one of these models answered."""
    chosen = np.zeros(len(columns), np.bool_)
    chosen[comparable(columns, models)] = True
    among: Mask = np.ones(len(columns), np.bool_)
    for name in models:
        model = columns.models.get(name)
        among &= model is not None and (model.asked == ANSWERED) & ~np.isnan(model.cost_usd)
    return not throughout(chosen, among)


def frontier(
    columns: Columns,
    models: Sequence[str],
    *,
    maps: Mapping[str, Map] | None = None,
    max_rungs: int = MAX_RUNGS,
    steps: int = STEPS,
) -> list[Ladder]:
    """Return the ladders that no other beats, the most accurate first; none without comparable rows.

    Levels are of calibrated confidences for models that have one of the `maps`.
    """
    rows = comparable(columns, models)
    if not len(rows):
        return []
    # Evenly spaced rows: the same ones every time, from the whole of the window.
    spaced = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MAX_ROWS)).astype(np.intp))]
    rows_tried = select(columns, spaced)
    known = [_model(rows_tried, name, (maps or {}).get(name), steps) for name in models]
    known.sort(key=lambda model: float(model.cost.mean()))
    tried = [
        ladder
        for length in range(1, max_rungs + 1)
        for chain in combinations(known, length)
        for ladder in _tried(chain)
    ]
    return unbeaten(tried)


def unbeaten(ladders: Sequence[Ladder]) -> list[Ladder]:
    """Return what nothing beats in cost and error, the most accurate first; of equals the shortest."""
    kept: list[Ladder] = []
    for ladder in sorted(ladders, key=lambda one: (one.cost_usd, one.wrong, len(one.rungs), one.rungs)):
        if not kept or ladder.wrong < kept[-1].wrong:
            kept.append(ladder)
    return kept[::-1]


def _model(columns: Columns, name: str, line: Map | None, steps: int) -> _Model:
    column = columns.models[name]
    counts = judged(columns, name, line, context=False)
    confidence = np.where(np.isnan(counts), 0.0, counts)
    levels = np.unique(np.round(np.quantile(confidence, np.arange(1, steps) / steps), 4))
    return _Model(
        name,
        levels,
        (confidence[None, :] >= levels[:, None]).astype(np.float32),
        column.cost_usd.astype(np.float32),
        (column.correct == 0).astype(np.float32),
    )


def _tried(chain: Sequence[_Model]) -> Iterator[Ladder]:
    """Yield one chain of models with every choice of levels, as sums over rows."""
    *climbing, last = chain
    count = len(last.cost)
    # One line a choice so far: which rows are still climbing.
    climbs: Matrix = np.ones((1, count), np.float32)
    cost, wrong = np.zeros(1, np.float64), np.zeros(1, np.float64)
    for model in climbing:
        step = len(model.levels)
        cost = np.repeat(cost + climbs @ model.cost, step)
        wrong = np.repeat(wrong, step) + (climbs @ (model.accepts * model.wrong).T).ravel()
        climbs = (climbs[:, None, :] * (1 - model.accepts)[None, :, :]).reshape(-1, count)
    cost, wrong = (cost + climbs @ last.cost) / count, (wrong + climbs @ last.wrong) / count
    shape = tuple(len(model.levels) for model in climbing)
    for place in _worth(cost, wrong).tolist():
        levels = np.unravel_index(place, shape) if shape else ()
        rungs = [(m.name, float(m.levels[i])) for m, i in zip(climbing, levels, strict=True)]
        yield Ladder((*rungs, (last.name, 0.0)), float(cost[place]), float(wrong[place]))


def _worth(cost: Floats, wrong: Floats) -> NDArray[np.intp]:
    """Return the choices that no other choice of the same chain beats."""
    order = np.lexsort((wrong, cost))
    best = np.minimum.accumulate(wrong[order])
    first = np.concatenate([[True], best[1:] < best[:-1]])
    kept: NDArray[np.intp] = order[first]
    return kept
