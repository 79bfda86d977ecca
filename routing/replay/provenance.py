"""What a result was computed from, as digests: the same inputs give the same numbers again."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from routing.replay.columns import UNKNOWN, Columns, select


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts among decisions: their digest, how many decisions have one, how many verdicts are wrong answers."""

    digest: str
    decisions: int
    wrong: int


def verdicts(columns: Columns) -> Verdicts:
    """Return the verdicts that a replay counts. Models without any do not matter: they come and go with the window."""
    digest = sha256(str(len(columns)).encode())
    judged = np.zeros(len(columns), np.bool_)
    wrong = 0
    for name in sorted(columns.models):
        correct = columns.models[name].correct
        known = correct != UNKNOWN
        if known.any():
            digest.update(name.encode("utf-8", "surrogatepass") + b"\0" + correct.astype(np.int8).tobytes())
            judged |= known
            wrong += int(np.count_nonzero(correct == 0))
    return Verdicts(digest.hexdigest(), int(np.count_nonzero(judged)), wrong)


def without(columns: Columns, late: Mapping[str, int]) -> Columns:
    """Return the decisions without some, given by id and time in milliseconds; the same object where none is there."""
    times = np.array(sorted(set(late.values())), np.int64)
    maybe = np.flatnonzero(np.isin(columns.at, times)).tolist()
    gone = [place for place in maybe if columns.ids[place] in late]
    return select(columns, np.delete(np.arange(len(columns)), gone)) if gone else columns
