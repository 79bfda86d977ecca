"""Calibration: how far confidence is from how often a model is right, and a map that mends it.

The map is isotonic (pool adjacent violators), fitted on uniformly sampled labels, and a proposal: it changes a document
only when its owner applies it. It keeps the order of confidences, so it never makes a worse answer look better than a
better one, and it lifts none that is below all labels: nothing is known there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import ndtri

from routing.engine.calibration import Map
from routing.engine.sampling import share
from routing.engine.schema import MAX_POINTS
from routing.replay.binomial import Interval, clopper_pearson
from routing.replay.columns import ANSWERED, AUDIT, CENSUS, DESK, Columns, Floats, Mask, throughout
from routing.replay.judging import mapped, reported

BINS: Final = 10
# With fewer, a map would follow chance.
LEAST_LABELS: Final = 100
LEAST_GROUP: Final = 20
FOLDS: Final = 5
# The newest of them; more would not move the line by what anybody sees.
MOST_LABELS: Final = 100_000
# Two points below all labels keep what is there from being lifted.
_TURNS: Final = MAX_POINTS - 2
_DECIMALS: Final = 6
_Z: Final = float(ndtri(0.95))


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of the reliability diagram: confidence from `low` to below `high` (the last one inclusive)."""

    low: float
    high: float
    labels: int
    confidence: float | None
    right: float | None
    interval: Interval


def reliability(confidence: Floats, right: Mask, bins: int = BINS) -> list[Bin]:
    """Return mean confidence beside the share that was right, bin by bin; unusable confidences are left out."""
    usable = ~np.isnan(confidence)
    confidence, right = confidence[usable], right[usable]
    # 0.575 · 40 is a hair below 23, and belongs to the stretch that begins there.
    place = np.minimum((confidence * bins + 1e-9).astype(np.intp), bins - 1)
    labels = np.bincount(place, minlength=bins).tolist()
    sums = np.bincount(place, confidence, bins).tolist()
    hits = np.bincount(place, right, bins).astype(np.int64).tolist()
    return [
        Bin(
            i / bins,
            (i + 1) / bins,
            n,
            sums[i] / n if n else None,
            hits[i] / n if n else None,
            clopper_pearson(hits[i], n),
        )
        for i, n in enumerate(labels)
    ]


def calibration_error(confidence: Floats, right: Mask, bins: int = BINS) -> float | None:
    """Return the mean distance between confidence and share right, weighted by labels; None without labels."""
    table = [bar for bar in reliability(confidence, right, bins) if bar.labels]
    total = sum(bar.labels for bar in table)
    if not total:
        return None
    return sum(b.labels * abs((b.confidence or 0.0) - (b.right or 0.0)) for b in table) / total


@dataclass(frozen=True, slots=True)
class CalibrationMap:
    """A rising line through points: a confidence on `reported` becomes the one on `calibrated`, flat past the ends."""

    reported: tuple[float, ...]
    calibrated: tuple[float, ...]

    def apply(self, confidence: Floats) -> Floats:
        """Return calibrated confidences; what was unusable stays so."""
        return mapped(self, confidence)

    def as_part(self) -> dict[str, Any]:
        """Return the map as the part of a document that a change would propose."""
        return {"reported": list(self.reported), "calibrated": list(self.calibrated)}


def fit(confidence: Floats, right: Mask) -> CalibrationMap | None:
    """Fit a map on labels; None without any. At most 50 points, each rounded to six decimals.

    Neighbours are put together to at least 20 labels first: a single lucky one must not make a confidence certain.
    """
    usable = ~np.isnan(confidence)
    if not usable.any():
        return None
    said, shares, weights = _grouped(confidence[usable], right[usable])
    fitted = np.asarray(isotonic_regression(shares, weights=weights).x)
    # Where the line turns: the first and the last point of each level step.
    turns = np.flatnonzero(np.diff(fitted)) + 1
    ends = np.unique(np.concatenate([[0, len(said) - 1], turns - 1, turns]))
    if len(ends) > _TURNS:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, _TURNS).round().astype(np.intp))]
    return _line({round(float(said[end]), _DECIMALS): round(float(fitted[end]), _DECIMALS) for end in ends})


def _grouped(confidence: Floats, right: Mask) -> tuple[Floats, Floats, Floats]:
    """Return mean confidence, share right and labels of groups of neighbours; equal confidences stay together."""
    values, place = np.unique(confidence, return_inverse=True)
    counts = np.bincount(place)
    group, start, size = np.zeros(len(values), np.intp), 0, 0
    for value, count in enumerate(counts.tolist()):
        group[value] = start
        size += count
        if size >= LEAST_GROUP:
            start, size = start + 1, 0
    # What is left over at the top is too few to stand alone.
    group = np.minimum(group, max(start - 1, 0)) if size else group
    labelled = group[place]
    weights = np.bincount(labelled).astype(np.float64)
    return (
        np.bincount(labelled, confidence) / weights,
        np.bincount(labelled, right) / weights,
        weights,
    )


def _line(points: dict[float, float]) -> CalibrationMap:
    """Return the map through points, none of which lifts what is below the first one."""
    first = min(points)
    points = dict(_below(first, points[first])) | points
    if len(points) == 1:
        points |= {1.0 - first: points[first]}
    given = sorted(points)
    counts = np.clip(np.maximum.accumulate([points[one] for one in given]), 0, 1)
    return CalibrationMap(tuple(given), tuple(counts.tolist()))


def _below(first: float, count: float) -> Iterator[tuple[float, float]]:
    """Yield the points below the first label: as reported, but never more than what that label counts."""
    yield 0.0, 0.0
    end = count if count < first else round(first - 10**-_DECIMALS, _DECIMALS)
    if 0 < end < first:
        yield end, end


@dataclass(frozen=True, eq=False)
class Labels:
    """Verdicts on one model's answers that were sampled without regard to what they say, in the order of time.

    `at` is in milliseconds since 1970, `fold` the part (by a hash of the request's id) that is judged by a map fitted
    on the other parts. `audit` and `census` are how many came about which way. Left out: `desk`, the verdicts on
    requests that went to people because they were doubtful, `picked`, those of a log in which only some answers have
    one, and `silent`, those of answers without a usable confidence.
    """

    confidence: Floats
    right: Mask
    at: NDArray[np.int64]
    fold: NDArray[np.uint8]
    audit: int
    census: int
    desk: int
    silent: int
    picked: int = 0

    def __len__(self) -> int:
        return len(self.at)

    def since(self, at: int) -> Mask:
        """Return which of them are of decisions made at a moment or later."""
        return self.at >= at


def labels(columns: Columns, model: str, source: str, *, alone: bool = False, since: int = 0) -> Labels:
    """Return one model's labels under one source of confidence; `alone` leaves out rows that name no source.

    `since` is in milliseconds since 1970. At most the newest 100,000 are returned.
    """
    column = columns.models[model]
    taken = (source,) if alone else (None, "missing", source)
    # Most decisions have no verdict: what follows looks at those that have one.
    answered = (column.asked == ANSWERED) & (columns.at >= since)
    judged = answered & (column.correct >= 0)
    given = np.flatnonzero(judged)
    named = np.array([value in taken for value in columns.source.values], np.bool_)
    given = given[named.take(columns.source.codes[given])]
    kinds = np.array([stratum.kind for stratum in columns.strata])[columns.stratum[given]]
    known = np.array([stratum.kind == CENSUS for stratum in columns.strata], np.bool_)
    whole = throughout(judged & known.take(columns.stratum), answered)
    uniform = np.isin(kinds, (AUDIT, CENSUS) if whole else (AUDIT,))
    rows, kinds_of = given[uniform], kinds[uniform]
    confidence = reported(columns, model, context=source == "context")[rows]
    usable = ~np.isnan(confidence)
    kept = np.flatnonzero(usable)[-MOST_LABELS:]
    rows, kinds_of, confidence = rows[kept], kinds_of[kept], confidence[kept]
    places = (int(share(columns.request_ids[row], "calibration") * FOLDS) for row in rows.tolist())
    return Labels(
        confidence=confidence,
        right=column.correct[rows] == 1,
        at=columns.at[rows],
        fold=np.fromiter(places, np.uint8, len(rows)),
        audit=int((kinds_of == AUDIT).sum()),
        census=int((kinds_of == CENSUS).sum()),
        desk=int((kinds == DESK).sum()),
        silent=int((~usable).sum()),
        picked=0 if whole else int((kinds == CENSUS).sum()),
    )


def sources(columns: Columns, model: str) -> list[str]:
    """Return the sources of confidence that verdicts on one model's answers name."""
    known = columns.models[model].correct >= 0
    counts = np.bincount(columns.source.codes[known], minlength=len(columns.source.values)).tolist()
    named = zip(columns.source.values, counts, strict=True)
    return [value for value, count in named if count and isinstance(value, str) and value != "missing"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A map fitted on all labels. `before` and `after` are the calibration error of what is in force, and of maps of
    which each is judged on a fifth of the labels and fitted on the others. `gain` is by how much the squared error of
    those is lower, at least (one-sided, 95%).
    """

    line: CalibrationMap
    labels: int
    before: float
    after: float
    gain: float

    @property
    def helps(self) -> bool:
        """Tell whether labels that the fit has not seen speak for it, by more than chance."""
        return self.gain > 0 and self.after < self.before


def propose(given: Labels, in_force: Map | None = None) -> Proposal | None:
    """Return the map that the labels propose, with what it is worth; None where they are too few."""
    line = fit(given.confidence, given.right) if len(given) >= LEAST_LABELS else None
    if line is None:
        return None
    now, then = counting(in_force, given.confidence), _unseen(given)
    gains = (now - given.right) ** 2 - (then - given.right) ** 2
    sure = _Z * float(gains.std(ddof=1)) / len(gains) ** 0.5
    before, after = (calibration_error(one, given.right) or 0.0 for one in (now, then))
    return Proposal(line, len(given), before, after, float(gains.mean()) - sure)


def _unseen(given: Labels) -> Floats:
    """Return what each confidence counts under a map that was fitted without its label."""
    counts = given.confidence.copy()
    for fold in range(FOLDS):
        out = given.fold == fold
        others = fit(given.confidence[~out], given.right[~out])
        if others is not None:
            counts[out] = others.apply(given.confidence[out])
    return counts


def counting(line: Map | None, confidence: Floats) -> Floats:
    """Return what confidences count under a map, or as they are without one."""
    return confidence if line is None else mapped(line, confidence)
