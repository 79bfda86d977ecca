"""What the bands judge: of each row the confidence and the verdict of the answer that stands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.replay.columns import AUDIT, CENSUS, Columns, Floats, Mask
from routing.replay.judging import judged
from routing.replay.replay import Replayed


@dataclass(frozen=True, eq=False)
class Standing:
    """Row by row. `free` are the rows whose confidence the bands judge, with no word of a rule or a threshold;
    `verdict` is 1 right, 0 wrong, 3 unknown. `uniform` are the free rows that were labelled without regard to
    confidence, `ground` all rows they were drawn from.
    """

    confidence: Floats
    verdict: NDArray[np.uint8]
    free: Mask
    uniform: Mask
    ground: Mask


def standing(replayed: Replayed) -> Standing:
    """Return what the bands of a replayed document judge."""
    columns, table = replayed.columns, replayed.table
    confidence = np.zeros(len(columns))
    courses = table.compiled.courses
    context = courses.document.confidence.source == "context"
    for number, (name, _) in enumerate(table.rungs, start=1):
        if name in columns.models:
            counts = judged(columns, name, courses.maps.get(name), context=context)
            np.copyto(confidence, counts, where=replayed.standing == number)
    confidence = np.where(np.isnan(confidence), 0.0, confidence)
    verdict = (replayed.cell % 4).astype(np.uint8)
    own = [rule.then.answer_from is None and rule.then.action is None for rule in table.rules]
    plain = np.array([*own, True, *[False] * (len(table.asks) - len(own) - 1)], np.bool_)
    slot, course = replayed.decision % table.slots, replayed.decision // table.slots
    free = (replayed.standing > 0) & (slot <= table.unsure) & plain[course]
    ground = _ground(columns, free & (verdict < 2))
    return Standing(confidence, verdict, free, free & ground & (verdict < 2), free & ground)


def _ground(columns: Columns, labelled: Mask) -> Mask:
    """Return the rows of the one stratum that certificates are bought from: the one with most uniform labels.

    The exact binomial does not hold on a mix of audit shares, so there is one only.
    """
    counts = np.bincount(columns.stratum[labelled], minlength=len(columns.strata))
    uniform = [
        n if s.kind in (CENSUS, AUDIT) else -1 for s, n in zip(columns.strata, counts.tolist(), strict=True)
    ]
    best = int(np.argmax(uniform)) if uniform else 0
    if not uniform or uniform[best] < 0:
        return np.zeros(len(columns), np.bool_)
    found: Mask = columns.stratum == best
    return found
