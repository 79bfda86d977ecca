"""An impact by segment as a page shows it: for each value of an attribute, live beside draft. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usecases.views.impact_words import BADGES, NOT_KNOWABLE, plural

Side = Mapping[str, Any]
KINDS = (("answered", "Answered"), ("reviewed", "Reviewed"), ("escalated", "Escalated"))


@dataclass(frozen=True, slots=True)
class Number:
    """One share on both sides, None where it cannot be known; `about` says what it rests on."""

    name: str
    live: float | None
    draft: float | None
    bound: float | None = None
    badge: str = ""
    about: str = ""

    @property
    def moved(self) -> bool:
        return self._rounded(self.live) != self._rounded(self.draft)

    @staticmethod
    def _rounded(share: float | None) -> str:
        return "" if share is None else f"{share:.3f}"


@dataclass(frozen=True, slots=True)
class Segment:
    """Decisions with one value of the attribute."""

    value: str
    decisions: int
    share: float
    numbers: tuple[Number, ...]


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
    rows = tuple(
        Segment(one["value"], one["decisions"], one["decisions"] / total, _numbers(one)) for one in found
    )
    words = "" if rows else "The decisions of this time carry no attributes."
    return Segments(tuple(names), chosen, rows, words)


def _numbers(one: Mapping[str, Any]) -> tuple[Number, ...]:
    live, draft, total = one["live"], one["draft"], one["decisions"]
    lost = max(live[NOT_KNOWABLE], draft[NOT_KNOWABLE]) / total
    about = f"{lost:.1%} cannot be replayed" if lost else ""
    shares = (
        Number(name, _share(live, key), _share(draft, key), about=about, badge=_known(live, draft))
        for key, name in KINDS
    )
    return *shares, _wrong(live, draft)


def _share(side: Side, key: str) -> float | None:
    known = sum(side[kind] for kind, _ in KINDS)
    return side[key] / known if known else None


def _known(*sides: Side) -> str:
    lost = any(side[NOT_KNOWABLE] for side in sides)
    known = all(any(side[kind] for kind, _ in KINDS) for side in sides)
    return BADGES["weighted" if lost else "measured"] if known else BADGES[NOT_KNOWABLE]


def _wrong(live: Side, draft: Side) -> Number:
    one, other = live["wrong_among_answered"], draft["wrong_among_answered"]
    badge = max((str(number["badge"]) for number in (one, other)), key=list(BADGES).index)
    about = plural(other["n"], "label")
    return Number("Wrong", one["value"], other["value"], draft.get("wrong_at_most"), BADGES[badge], about)
