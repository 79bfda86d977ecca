"""The decisions behind one cell of the matrix: which they are, what each document makes of them, and their verdict.

Places are kept, never lists of decisions: a cell may hold a million of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.engine.decide import Decision
from routing.replay.impact import Side, matrix
from routing.replay.tally import row_labels

Places = NDArray[np.intp]

# What a cell of a replay says of the answer that stands, see `routing.replay.tally`.
VERDICTS: Final[Mapping[str, int]] = {"wrong": 0, "right": 1, "none": 3}
NO_RULE: Final = "-"


@dataclass(frozen=True, slots=True)
class Way:
    """What one document makes of a request. Costs and times are of all models tried; None where not recorded."""

    decision: Decision
    cost_usd: float | None
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class Pick:
    """One decision of a cell: its id, both ways (None: not knowable), the verdict and which kind of label it is."""

    id: str
    live: Way | None
    draft: Way | None
    correct: bool | None
    label: str


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of the matrix, its decisions as places, the newest first."""

    before: Side
    after: Side
    live: str
    draft: str
    places: Places

    def __len__(self) -> int:
        return len(self.places)

    def summary(self) -> dict[str, Any] | None:
        """Return the cell as the matrix has it; None where it holds nothing."""
        cells = matrix(self.before, self.after, 0)
        return next((c for c in cells if (c["live"], c["draft"]) == (self.live, self.draft)), None)

    def verdicts(self) -> dict[str, int]:
        """Return how many of its decisions have which verdict on the answer that stands in the draft."""
        found = np.bincount(self.after.replayed.cell[self.places] % 4, minlength=4)
        return {word: int(found[code]) for word, code in VERDICTS.items()}

    def rules(self) -> dict[str, int]:
        """Return how many of its decisions each rule decides, under either document; `NO_RULE` under neither."""
        decided = [_rules(side, self.places) for side in (self.before, self.after)]
        names = list(dict.fromkeys(name for _, known in decided for name in known))
        counts = {
            name: int(np.count_nonzero(np.any([_is(one, name) for one in decided], 0)))
            for name in names
            if name
        }
        none = int(np.count_nonzero(np.all([_is(one, None) for one in decided], 0)))
        found = {name: count for name, count in counts.items() if count}
        return found | ({NO_RULE: none} if none and found else {})

    def only(self, *, verdict: str = "", rule: str = "") -> "Cell":
        """Return the cell narrowed to a verdict on the answer that stands in the draft, or to a rule of either side."""
        places = self.places
        if verdict:
            places = places[self.after.replayed.cell[places] % 4 == VERDICTS[verdict]]
        if rule:
            decided = [_rules(side, places) for side in (self.before, self.after)]
            masks = [_is(one, None if rule == NO_RULE else rule) for one in decided]
            places = places[np.all(masks, 0) if rule == NO_RULE else np.any(masks, 0)]
        return Cell(self.before, self.after, self.live, self.draft, places)

    def among(self, numbers: list[int]) -> "Cell":
        """Return the cell with only these of its decisions, counted from the newest."""
        places = self.places[np.array(numbers, np.intp)]
        return Cell(self.before, self.after, self.live, self.draft, places)

    def ids(self, skip: int, limit: int) -> list[str]:
        """Return ids of its decisions, the newest first."""
        ids = self.after.replayed.columns.ids
        return [ids[int(place)] for place in self.places[skip : skip + limit]]

    def picks(self, skip: int, limit: int) -> list[Pick]:
        """Return its decisions, the newest first."""
        return [self._pick(int(place)) for place in self.places[skip : skip + limit]]

    def _pick(self, place: int) -> Pick:
        columns = self.after.replayed.columns
        verdict = int(self.after.replayed.cell[place]) % 4
        return Pick(
            columns.ids[place],
            _way(self.before, place),
            _way(self.after, place),
            bool(verdict) if verdict < 2 else None,
            columns.strata[int(columns.stratum[place])].kind,
        )


def cell(before: Side, after: Side, live: str, draft: str) -> Cell:
    """Return one cell of the matrix; an empty one where either document knows no such name."""
    places = np.zeros(0, np.intp)
    if live in before.names and draft in after.names:
        old, new = before.names.index(live), after.names.index(draft)
        inside = (before.labels == old) & (row_labels(after.replayed) == new)
        places = np.flatnonzero(inside)[::-1]
    return Cell(before, after, live, draft, places)


def _way(side: Side, place: int) -> Way | None:
    replayed = side.replayed
    decision = replayed.row(place)
    if decision is None:
        return None
    cost, latency = float(replayed.cost_usd[place]), float(replayed.latency_ms[place])
    return Way(decision, None if np.isnan(cost) else cost, None if np.isnan(latency) else latency)


def _rules(side: Side, places: Places) -> tuple[NDArray[Any], list[str | None]]:
    """Return for each place which rule decides it, as a place among the rules that there are."""
    decided = [decision.rule if decision else None for decision in side.replayed.table.decisions]
    names = list(dict.fromkeys([None, *decided]))
    table = np.array([names.index(rule) for rule in decided], np.uint16)
    return table[(side.replayed.cell[places] // side.replayed.width).astype(np.intp)], names


def _is(decided: tuple[NDArray[Any], list[str | None]], rule: str | None) -> NDArray[np.bool_]:
    codes, names = decided
    return codes == names.index(rule) if rule in names else np.zeros(len(codes), np.bool_)
