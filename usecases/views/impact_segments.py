"""An impact by segment as a page shows it: for each value of an attribute, live beside draft. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usecases.views.impact_words import MEASURED, NOT_KNOWABLE, WEIGHTED, marks, plural, rounded

Side = Mapping[str, Any]
KINDS = (("answered", "Answered"), ("reviewed", "Reviewed"), ("escalated", "Escalated"))


@dataclass(frozen=True, slots=True)
class Number:
    """One share on both sides, None where it cannot be known."""

    name: str
    live: float | None
    draft: float | None

    @property
    def moved(self) -> bool:
        return rounded("share", self.live) != rounded("share", self.draft)


@dataclass(frozen=True, slots=True)
class Ground:
    """What numbers rest on: how they are known on both sides, a bound of the draft's, and words."""

    badges: tuple[str, str]
    about: str = ""
    bound: float | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        """The badges in words: one, or each side's where they are not known alike."""
        return marks(self.badges)


@dataclass(frozen=True, slots=True)
class Segment:
    """Decisions with one value of the attribute; what its counts and its error rest on."""

    value: str
    decisions: int
    share: float
    numbers: tuple[Number, ...]
    counted: Ground
    wrong: Ground


@dataclass(frozen=True, slots=True)
class Segments:
    """All segments of one attribute, among all attributes; `sentence` instead of them where there are none."""

    attributes: tuple[str, ...] = ()
    chosen: str = ""
    segments: tuple[Segment, ...] = ()
    sentence: str = ""


def segments_of(names: Sequence[str], chosen: str, found: Sequence[Mapping[str, Any]]) -> Segments:
    """Return what `usecases.segments` found, in words."""
    total = sum(one["decisions"] for one in found)
    rows = tuple(_segment(one, total) for one in found)
    words = "" if rows else "The decisions of this time carry no attributes."
    return Segments(tuple(names), chosen, rows, words)


def _segment(one: Mapping[str, Any], total: int) -> Segment:
    live, draft, count = one["live"], one["draft"], one["decisions"]
    shares = (Number(name, _share(live, key), _share(draft, key)) for key, name in KINDS)
    errors = live["wrong_among_answered"], draft["wrong_among_answered"]
    wrong = Number("Wrong", errors[0]["value"], errors[1]["value"])
    lost = max(live[NOT_KNOWABLE], draft[NOT_KNOWABLE]) / count
    return Segment(
        one["value"],
        count,
        count / total,
        (*shares, wrong),
        Ground((_known(live), _known(draft)), f"{lost:.1%} cannot be replayed" if lost else ""),
        Ground(
            (errors[0]["badge"], errors[1]["badge"]),
            plural(errors[1]["n"], "label"),
            draft.get("wrong_at_most"),
        ),
    )


def _share(side: Side, key: str) -> float | None:
    known = sum(side[kind] for kind, _ in KINDS)
    return side[key] / known if known else None


def _known(side: Side) -> str:
    if not any(side[kind] for kind, _ in KINDS):
        return NOT_KNOWABLE
    return WEIGHTED if side[NOT_KNOWABLE] else MEASURED
