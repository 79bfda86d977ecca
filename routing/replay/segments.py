"""An impact by segment: the same counts for each value of an attribute, or for each quarter of a number's range.

A guarantee on the average is none for a segment; this is where one that fares worse is found.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.engine.decide import Decision, compile_document
from routing.replay.columns import Columns, Numeric
from routing.replay.encoding import plain
from routing.replay.impact import live_side, wrong, wrong_at_most
from routing.replay.matching import NotLoaded
from routing.replay.replay import Replayed, replay
from routing.replay.tally import Tally, tally

TOP: Final = 10
OTHERS: Final = "others"

Groups = tuple[list[str], NDArray[np.uint8]]


def segments(
    columns: Columns,
    draft: Mapping[str, Any],
    attribute: str,
    *,
    live: Mapping[str, Any],
    live_state: str = "live",
    baseline: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return `{value, decisions, live, draft}` for each segment, the largest first.

    At most ten values have a segment of their own. Raises `NotLoaded` for an attribute that these columns lack.
    """
    if attribute not in columns.attributes:
        raise NotLoaded(attribute)
    names, groups = _groups(columns, attribute)
    before = live_side(columns, live, live_state, baseline).replayed
    after = replay(columns, compile_document(draft, baseline=baseline))
    counted = [_counted(one, groups, len(names)) for one in (before, after)]
    found = []
    for place, name in enumerate(names):
        decisions = int(counted[0].rows[:, place].sum())
        if decisions:
            sides = {key: _side(one, place) for key, one in zip(("live", "draft"), counted, strict=True)}
            found.append({"value": name, "decisions": decisions} | sides)
    return sorted(found, key=lambda one: (one["value"] == OTHERS, -one["decisions"], one["value"]))


def _counted(replayed: Replayed, groups: NDArray[np.uint8], count: int) -> Tally:
    return tally(replayed, groups, count, None)


def _side(counted: Tally, place: int) -> dict[str, Any]:
    """Return one document's numbers for one segment."""

    def rows(action: str | None) -> int:
        return int(counted.rows[counted.where(lambda one: _action(one) == action), place].sum())

    answers = counted.where(lambda one: _action(one) == "answer")
    lost = rows(None)
    return {
        "answered": rows("answer"),
        "reviewed": rows("review"),
        "escalated": rows("escalate"),
        "not_knowable": lost,
        "wrong_among_answered": wrong(counted, answers, lost, other=place).as_dict(),
        "wrong_at_most": wrong_at_most(counted, answers, lost, other=place),
    }


def _action(decision: Decision | None) -> str | None:
    return decision.action if decision else None


def _groups(columns: Columns, attribute: str) -> Groups:
    """Return the names of the segments, and each decision's place among them."""
    column = columns.attributes[attribute]
    if isinstance(column, Numeric):
        return _quarters(column.values)
    if len(column.values) > TOP + 1 and plain(column.values):
        table = np.array([np.nan if value is None else value for value in column.values], np.float64)
        return _quarters(table[column.codes])
    counts = np.bincount(column.codes, minlength=len(column.values))
    largest = [place for place in np.argsort(-counts, kind="stable").tolist() if counts[place]][:TOP]
    places = np.full(len(column.values), len(largest), np.uint8)
    places[largest] = np.arange(len(largest), dtype=np.uint8)
    return [*(_name(column.values[place]) for place in largest), OTHERS], places.take(column.codes)


def _quarters(values: NDArray[np.float64]) -> Groups:
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75])) if len(known) else np.zeros(0)
    bounds = [f"{edge:g}" for edge in edges]
    names = [f"{low} to below {high}" for low, high in pairwise(bounds)]
    ends = [f"below {bounds[0]}", *names, f"{bounds[-1]} and more"] if bounds else ["all"]
    groups = np.searchsorted(edges, values, "right").astype(np.uint8)
    groups[np.isnan(values)] = len(ends)
    return [*ends, _name(None)], groups


def _name(value: object) -> str:
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)
