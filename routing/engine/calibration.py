"""Calibration: what a model's reported confidence is worth, as a line through the points of its map.

This is the one definition. Assistants climb by it, `decide` judges by it, and replay does the same to whole columns
(`routing/replay/climbing.py`), bit for bit.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol


class Map(Protocol):
    """A rising line through points: `reported` strictly rising, `calibrated` as long and never falling."""

    @property
    def reported(self) -> Sequence[float]:
        """What the model says, point by point."""

    @property
    def calibrated(self) -> Sequence[float]:
        """What counts there."""


def calibrated(line: Map, confidence: float) -> float:
    """Return what a reported confidence counts: on the line between two points, flat past the first and the last.

    What is no confidence (NaN, outside of 0 to 1) stays what it was, so that it still falls into the lowest band.
    """
    if not 0.0 <= confidence <= 1.0:
        return confidence
    given, counts = line.reported, line.calibrated
    after = bisect_right(given, confidence)
    if after == 0:
        return counts[0]
    if after == len(given):
        return counts[-1]
    low, high = counts[after - 1], counts[after]
    further = (confidence - given[after - 1]) / (given[after] - given[after - 1])
    # Rounding may end a hair above the next point, and a worse answer must never look better than a better one.
    return min(low + (high - low) * further, high)


def reached_from(line: Map | None, edge: float) -> float | None:
    """Return the lowest reported confidence that counts as `edge` or more; None where none does."""
    if line is None:
        return edge
    given, counts = line.reported, line.calibrated
    after = next((place for place, count in enumerate(counts) if count >= edge), None)
    if after is None:
        return None
    if after == 0:
        return 0.0
    low, high = counts[after - 1], counts[after]
    return given[after - 1] + (given[after] - given[after - 1]) * ((edge - low) / (high - low))
