"""Calibration: how far confidence is from how often a model is right, and a map that mends it.

The map is isotonic (pool adjacent violators), fitted on labels, and a proposal: it changes a document only when its
owner applies it. It keeps the order of confidences, so it never makes a worse answer look better than a better one.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.optimize import isotonic_regression

from routing.replay.binomial import Interval, clopper_pearson
from routing.replay.columns import Columns, Floats, Mask

BINS: Final = 10
MAX_STEPS: Final = 50


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
    place = np.minimum((confidence * bins).astype(np.intp), bins - 1)
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
        mapped: Floats = np.interp(confidence, self.reported, self.calibrated)
        return mapped

    def as_part(self) -> dict[str, Any]:
        """Return the map as the part of a document that a change would propose."""
        return {"reported": list(self.reported), "calibrated": list(self.calibrated)}


def fit(confidence: Floats, right: Mask) -> CalibrationMap | None:
    """Fit a map on labels; None without any. At most 50 points, each rounded to six decimals."""
    usable = ~np.isnan(confidence)
    values, place = np.unique(confidence[usable], return_inverse=True)
    if not len(values):
        return None
    labels = np.bincount(place).astype(np.float64)
    share = np.bincount(place, right[usable]) / labels
    fitted = np.asarray(isotonic_regression(share, weights=labels).x)
    # Where the line turns: the first and the last point of each level step.
    turns = np.flatnonzero(np.diff(fitted)) + 1
    ends = np.unique(np.concatenate([[0, len(values) - 1], turns - 1, turns]))
    if len(ends) > MAX_STEPS:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, MAX_STEPS).round().astype(np.intp))]
    points = {round(float(values[end]), 6): round(float(fitted[end]), 6) for end in ends}
    return CalibrationMap(tuple(points), tuple(np.clip(list(points.values()), 0, 1).tolist()))


def labelled(columns: Columns, model: str) -> tuple[Floats, Mask]:
    """Return confidence and verdict of one model where a verdict was given: for fitting, not for error rates."""
    column = columns.models[model]
    known = column.correct >= 0
    return column.confidence[known], column.correct[known] == 1
