"""Numbers with their uncertainty and their badge: measured, weighted, or not knowable from history.

A label counts for what it is. Where every row has one, the share is counted. Where answers were audited at random, the
audited ones speak for all answered under the same share. What people reviewed speaks for itself alone. What nobody
labelled could be anything: it widens the interval by its whole share, and past a tenth no number is shown.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, Final, Literal

from scipy.special import ndtri

from routing.replay.binomial import LEVEL, clopper_pearson, upper_bound
from routing.replay.columns import AUDIT

Badge = Literal["measured", "weighted", "not_knowable"]

# With more than this share unlabelled, even the honest interval says nothing that helps.
MOST_UNKNOWN: Final = 0.10
_Z: Final = float(ndtri(0.5 + LEVEL / 2))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its 95% interval, how many decisions it rests on. All None where it cannot be known."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    badge: Badge

    def as_dict(self) -> dict[str, Any]:
        """Return the number as JSON takes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows whose labels came about in one way: how many, how many of them labelled, how many labels are hits."""

    kind: str
    rows: int
    labels: int
    hits: int


def unknown(n: int = 0) -> Estimate:
    """Return what is shown in place of a number that nobody can know."""
    return Estimate(None, None, None, n, "not_knowable")


def share(groups: Sequence[Group], lost: int = 0) -> Estimate:
    """Estimate the share of hits among all rows of the groups; `lost` rows may belong to them, or not.

    1. Groups with a label on every row are counted as one, with the exact interval.
    2. Audited groups are weighted by their rows (each label stands for 1 / audit share of them: Hájek, stratified),
       the intervals put together by the method of variance estimates recovery, each side for itself.
    3. Rows without a label, and lost ones, count as all misses at the low end and as all hits at the high end.
    """
    parts, covered, missing = _parts(groups, lost)
    labels = sum(part.labels for part in parts)
    if not _enough(covered, missing):
        return unknown(labels)
    value, low, high = _together(parts, covered)
    gone = missing / (covered + missing)
    plain = len(parts) == 1 and not missing
    return Estimate(
        value, low * (1 - gone), high * (1 - gone) + gone, labels, "measured" if plain else "weighted"
    )


def at_most(groups: Sequence[Group], lost: int = 0) -> float | None:
    """Return the one-sided 95% upper bound of a share: it is above it in at most 5 of 100 samples.

    The same rows count as in `share`; the bound is lower than the upper end of its interval, which leaves out 2.5%.
    """
    parts, covered, missing = _parts(groups, lost)
    if not _enough(covered, missing):
        return None
    value = above = 0.0
    for part in parts:
        weight, rate = part.rows / covered, part.hits / part.labels
        value += weight * rate
        above += (weight * (upper_bound(part.hits, part.labels, 1 - LEVEL) - rate)) ** 2
    gone = missing / (covered + missing)
    return min(1.0, value + sqrt(above)) * (1 - gone) + gone


def _parts(groups: Sequence[Group], lost: int) -> tuple[list[Group], int, int]:
    """Return the groups that labels speak for, their rows, and how many rows nobody can tell about."""
    complete = [g for g in groups if g.rows and g.labels == g.rows]
    sampled = [g for g in groups if g.labels < g.rows and g.kind == AUDIT and g.labels]
    partial = [g for g in groups if g.labels < g.rows and not (g.kind == AUDIT and g.labels)]
    rows, labels, hits = (sum(getattr(g, name) for g in complete) for name in ("rows", "labels", "hits"))
    parts = [*([Group("known", rows, labels, hits)] if complete else []), *sampled]
    return parts, sum(g.rows for g in parts), sum(g.rows for g in partial) + lost


def _enough(covered: int, missing: int) -> bool:
    return bool(covered) and missing <= MOST_UNKNOWN * (covered + missing)


def _together(parts: Sequence[Group], rows: int) -> tuple[float, float, float]:
    """Return the weighted share and its interval."""
    value = below = above = 0.0
    for part in parts:
        weight = part.rows / rows
        rate = part.hits / part.labels
        interval = clopper_pearson(part.hits, part.labels)
        value += weight * rate
        below += (weight * (rate - interval.low)) ** 2
        above += (weight * (interval.high - rate)) ** 2
    return value, max(0.0, value - sqrt(below)), min(1.0, value + sqrt(above))


def mean(total: float, squares: float, n: int, missing: int) -> Estimate:
    """Estimate a mean from the sum and the sum of squares of `n` known values; `missing` ones are not known."""
    if not n or missing > MOST_UNKNOWN * (n + missing):
        return unknown(n)
    value = total / n
    spread = _Z * sqrt(max(0.0, squares / n - value * value) / n)
    return Estimate(value, max(0.0, value - spread), value + spread, n, "weighted" if missing else "measured")


def quantile_places(n: int, quantile: float) -> tuple[int, int, int, float]:
    """Return the order statistics of a quantile: low end, the one below it, high end, and how far above that it is."""
    exact = quantile * (n - 1)
    spread = _Z * sqrt(n * quantile * (1 - quantile))
    low = max(0, int(n * quantile - spread) - 1)
    high = min(n - 1, int(n * quantile + spread) + 1)
    return low, int(exact), high, exact - int(exact)
