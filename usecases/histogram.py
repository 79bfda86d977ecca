"""The confidence axis as a drawing: past decisions above, bands below, on one scale. Pure: numbers in, geometry out.

Drawn as SVG on the server, not by Plotly: the bars have to stand exactly above the handles of the bands, follow the
page's colours in light and dark, and be there before, or without, any script. Across, all is in per cent of the axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 88.0
GAP = 0.1  # of a bar's width
LEAST = 1.5  # a single decision still shows


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of confidence: `x` and `width` in per cent, heights in pixels above the bands."""

    x: float
    width: float
    height: float
    wrong_height: float
    title: str

    @property
    def y(self) -> float:
        return round(HEIGHT - self.height, 1)

    @property
    def wrong_y(self) -> float:
        return round(HEIGHT - self.wrong_height, 1)


@dataclass(frozen=True, slots=True)
class Histogram:
    """The bars, and how many decisions they stand for, and how many that are known to be wrong."""

    bars: tuple[Bar, ...]
    total: int
    wrong: int


def histogram(counts: Sequence[tuple[int, int]]) -> Histogram:
    """Draw `(decisions, known wrong ones)` of equal stretches of confidence; those stand inside their bar."""
    most = max((total for total, _ in counts), default=0)
    step = 100 / len(counts) if counts else 0.0
    bars = tuple(
        _bar(index, step, total, wrong, most) for index, (total, wrong) in enumerate(counts) if total
    )
    return Histogram(bars, sum(total for total, _ in counts), sum(wrong for _, wrong in counts))


def _bar(index: int, step: float, total: int, wrong: int, most: int) -> Bar:
    low, high = index * step / 100, (index + 1) * step / 100
    return Bar(
        x=round(index * step + step * GAP / 2, 3),
        width=round(step * (1 - GAP), 3),
        height=_height(total, most),
        wrong_height=_height(wrong, most),
        title=f"{low:.2f} to {high:.2f}: {total:,} decision{'s' * (total != 1)}, {wrong:,} known to be wrong",
    )


def _height(count: int, most: int) -> float:
    return round(max(LEAST, count / most * HEIGHT), 1) if count else 0.0
