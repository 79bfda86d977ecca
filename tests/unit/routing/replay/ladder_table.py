"""Recommended ladders beside the published grid search of llm_cascades, at equal error on the later rows."""

from typing import NamedTuple

import numpy as np

from routing.replay.impact import impact
from routing.replay.ladders import frontier
from tests.unit.routing.replay import real


class Line(NamedTuple):
    """One error level: the error reached later, and what both cost in dollars a million queries."""

    level: float
    error: float
    ours: float
    theirs: float
    ladder: str


def ladder_table(benchmark: str) -> list[Line]:
    """Return ten error levels, each beside the cheapest of all published cascades; none without the real logs."""
    if not real.there("llm_cascades/decisions.csv.gz"):
        return []
    columns = real.decisions("llm_cascades", "dataset", "split")
    earlier = real.where(columns, dataset=benchmark, split="train")
    later = real.where(columns, dataset=benchmark, split="test")
    points = [
        (1 - float(point["correct_rate"]), float(point["cost_usd_per_million_queries"]))
        for point in real.published("llm_cascades/published_replay_points.csv.gz")
        if (point["dataset"], point["method"]) == (benchmark, "gridsearch")
    ]
    found = frontier(earlier, list(earlier.names))
    errors = [error for error, _ in points]
    lines = []
    for level in np.linspace(min(errors), max(errors), 12)[1:-1].tolist():
        ladder = min((one for one in found if one.wrong <= level), key=lambda one: one.cost_usd)
        document = real.cascade(*ladder.rungs)
        told = impact(later, document, live=document)["draft"]
        error, ours = 1 - told["correct"]["value"], told["cost_per_task_usd"]["value"] * 1e6
        theirs = min((cost for known, cost in points if known <= error), default=float("inf"))
        lines.append(Line(level, error, ours, theirs, " > ".join(name for name, _ in ladder.rungs)))
    return lines
