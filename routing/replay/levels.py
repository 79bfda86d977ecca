"""What every answer threshold would come to, counted once for all of them: answers, labels, wrong ones, people.

Moving the answer threshold changes nothing that happens before it, so one replay serves all thresholds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.replay.columns import AUDIT, CENSUS, Columns, Floats, Mask
from routing.replay.replay import Replayed
from routing.replay.standing import Standing, standing

# Verdicts of a standing answer: wrong, right, unknown.
_VERDICTS: Final = 3

Json = Mapping[str, Any]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Kind:
    """Rows whose labels came about alike, of one labelled model: how many are at or above each threshold.

    `labelled` are all labels, those below every threshold too.
    """

    stratum: int
    kind: str
    labelled: int
    rows: Whole
    labels: Whole
    wrong: Whole


@dataclass(frozen=True, eq=False)
class Levels:
    """Counts at or above each threshold `at`, strict to loose.

    `labels` and `wrong` are of the `ground`: the one stratum that certificates are bought from (None: there is none);
    `strange` are answers from elsewhere. `lost` are rows that cannot be replayed and were left out for what they ask.
    `reviews` and `escalations` are shares of all tasks that can be replayed; `models_usd` is what those cost.
    """

    at: Floats
    count: int
    above: Whole
    kinds: tuple[Kind, ...]
    ground: int | None
    labels: Whole
    wrong: Whole
    strange: Whole
    lost: int
    reviews: Floats
    escalations: Floats
    answers: Floats
    models_usd: float

    def place(self, threshold: float) -> int | None:
        """Return where a threshold stands among these; None where it does not."""
        found = np.flatnonzero(self.at == threshold)
        return int(found[0]) if len(found) else None

    def cost_usd(self, review_usd: float, escalation_usd: float) -> Floats:
        """Return what a task costs at each threshold, people included."""
        cost: Floats = self.models_usd + review_usd * self.reviews + escalation_usd * self.escalations
        return cost


def levels(replayed: Replayed, at: Sequence[float], excused: Mask | None = None) -> Levels:
    """Count for each threshold; `excused` are rows whose loss says nothing about what they ask."""
    judged = standing(replayed)
    columns = replayed.columns
    rising = np.unique(np.array(at, np.float64))
    place = np.searchsorted(rising, judged.confidence, "right")
    kinds = _kinds(replayed, judged, place, len(rising))
    ground = _ground(columns, kinds)
    inside = [kind for kind in kinds if kind.stratum == ground]
    nothing = np.zeros(len(rising), np.int64)
    above = sum((kind.rows for kind in kinds), nothing)
    known = replayed.knowable()
    lost = ~known if excused is None else ~known & ~excused
    reviews, escalations, answers = _people(replayed, judged, place, rising, known)
    tasks = max(int(known.sum()), 1)
    return Levels(
        at=rising[::-1],
        count=len(columns),
        above=above,
        kinds=kinds,
        ground=ground,
        labels=sum((kind.labels for kind in inside), nothing),
        wrong=sum((kind.wrong for kind in inside), nothing),
        strange=above - sum((kind.rows for kind in inside), nothing),
        lost=int(lost.sum()),
        reviews=reviews / tasks,
        escalations=escalations / tasks,
        answers=answers / tasks,
        models_usd=_mean(replayed.cost_usd[known]),
    )


def _mean(values: Floats) -> float:
    priced = values[~np.isnan(values)]
    return float(priced.mean()) if len(priced) else 0.0


def _kinds(replayed: Replayed, judged: Standing, place: NDArray[np.intp], size: int) -> tuple[Kind, ...]:
    """Count the rows that the bands judge, by how their labels came about and which model was labelled."""
    columns = replayed.columns
    names = {name: number for number, name in enumerate(columns.names, start=1)}
    labelled = np.array([0, *(names.get(name, 0) for name, _ in replayed.table.rungs)])
    same = labelled[replayed.standing] == columns.recorded
    free = judged.free
    code = columns.stratum[free].astype(np.int64)
    code = (code * 2 + same[free]) * _VERDICTS + np.minimum(judged.verdict[free], 2)
    code = code * (size + 1) + place[free]
    shape = (len(columns.strata), 2, _VERDICTS, size + 1)
    counted = np.bincount(code, minlength=int(np.prod(shape))).reshape(shape)
    found = _at_or_above(counted)
    return tuple(
        Kind(
            number,
            stratum.kind,
            int(counted[number, one, :2].sum()),
            rows=found[number, one].sum(axis=0),
            labels=found[number, one, :2].sum(axis=0),
            wrong=found[number, one, 0],
        )
        for number, stratum in enumerate(columns.strata)
        for one in (1, 0)
        if counted[number, one].any()
    )


def _at_or_above(counted: NDArray[Any]) -> NDArray[Any]:
    """Return counts by stretch of confidence, loose to strict, as counts at or above each threshold, strict to loose.

    The first stretch is below all thresholds.
    """
    found: NDArray[Any] = np.cumsum(counted[..., ::-1], axis=-1)[..., :-1]
    return found


def _ground(columns: Columns, kinds: Sequence[Kind]) -> int | None:
    """Return the stratum with most uniform labels: the exact binomial does not hold on a mix of audit shares."""
    labels: dict[int, int] = {}
    for kind in kinds:
        if columns.strata[kind.stratum].kind in (CENSUS, AUDIT):
            labels[kind.stratum] = labels.get(kind.stratum, 0) + kind.labelled
    most = max(labels, key=lambda stratum: labels[stratum], default=None)
    return most if most is not None and labels[most] else None


def _people(
    replayed: Replayed, judged: Standing, place: NDArray[np.intp], rising: Floats, known: Mask
) -> tuple[Floats, Floats, Floats]:
    """Return reviews (audits included), escalations and answers at each threshold, strict to loose.

    Below the threshold a row falls into the highest band that does not answer; what rules, thresholds and the baseline
    decide stays what it is.
    """
    document = replayed.table.compiled.courses.document
    share = document.thresholds.audit_share or 0.0
    bands = sorted((b.floor, b.action) for b in document.bands if b.action != "answer")
    floors = np.array([floor for floor, _ in bands], np.float64)
    below = np.searchsorted(floors, judged.confidence[judged.free], "right") - 1
    where = place[judged.free]
    size = len(rising)

    def fixed(action: str) -> int:
        acts = np.array([d is not None and d.action == action for d in replayed.table.decisions], np.bool_)
        return int(np.count_nonzero(acts[replayed.decision] & known & ~judged.free))

    def falling(action: str) -> Floats:
        chosen = np.array([act == action for _, act in bands] + [False], np.bool_)[below]
        counted = np.bincount(where[chosen], minlength=size + 1)
        fallen: Floats = counted.sum() - _at_or_above(counted) + float(fixed(action))
        return fallen

    answers = _at_or_above(np.bincount(where, minlength=size + 1)).astype(np.float64) + fixed("answer")
    return falling("review") + share * answers, falling("escalate"), answers


def remembered(columns: Columns, key: object, made: Callable[[], Levels]) -> Levels:
    """Return counts that are kept with the columns: thresholds are moved more often than anything else."""
    return columns.memory.get("levels", str(key), made)
