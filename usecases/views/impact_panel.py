"""An impact as a page shows it: one document beside another, in words. Pure: an impact and two documents in, rows out.

`panel_of` is what a draft's panel, a version's page and a kept result are made from; `blank` is the same panel without
numbers, in which everything already has its place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from math import sqrt
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from usecases.views.impact_desks import Desk, desks
from usecases.views.impact_matrix import SIGNALS, Cell, Links, matrix_of
from usecases.views.impact_words import (
    MEASURED,
    NOT_KNOWABLE,
    WEIGHTED,
    dollars,
    marks,
    plural,
    rounded,
    title,
)

DAY_MS: Final = 86_400_000
# Past this share that cannot be replayed, a count over the rest would mislead: the same limit as for estimates.
MOST_UNKNOWN: Final = 0.10
HEADS: Final = ("live", "draft")
NAMES: Final = (
    ("answered", "Answered without a person"),
    ("wrong", "Wrong among those"),
    ("review", "To review per day"),
    ("escalated", "Escalated per day"),
    ("cost", "Cost per task"),
    ("wait", "Slowest 5% wait"),
)

Document = Mapping[str, Any]
Side = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One number on both sides, None where it cannot be known; `better` is None where that is not clear.

    `unit` says how numbers are written: share, day, usd or ms; empty before there are any. `bounds` are one-sided and
    stand below the numbers. `badges` say how each number is known, `about` what they rest on.
    """

    key: str
    name: str
    unit: str = ""
    live: float | None = None
    draft: float | None = None
    about: str = ""
    badges: tuple[str, str] = ("", "")
    bounds: tuple[float | None, float | None] = (None, None)
    better: bool | None = None

    @property
    def moved(self) -> bool:
        return rounded(self.unit, self.live) != rounded(self.unit, self.draft)

    @property
    def marks(self) -> tuple[str, ...]:
        """The badges in words: one for both numbers, or each one's where they are not known alike."""
        return marks(self.badges)


@dataclass(frozen=True, slots=True)
class Fired:
    """How often one rule fires under each document, and whether that differs."""

    name: str
    live: int
    draft: int
    live_share: float
    draft_share: float

    @property
    def moved(self) -> bool:
        return self.live != self.draft


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel. Without `rows` it is a message only; a `waiting` one has all its places and no numbers yet.

    `cases` is the address of those decisions that move the most, `cases_words` says which they are. `fault` says why
    there are no new numbers. While a history is being read, `again` is true and `reading` tells how many decisions of
    how many are there.
    """

    heads: tuple[str, str] = HEADS
    replayed: int = 0
    took_ms: float = 0.0
    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    matrix: tuple[tuple[str, tuple[Cell, ...]], ...] = ()
    sentence: str = ""
    cases: str = ""
    cases_words: str = ""
    notes: tuple[str, ...] = ()
    rules: tuple[Fired, ...] = ()
    desks: tuple[Desk, ...] = ()
    fault: str = ""
    waiting: bool = False
    again: bool = False
    reading: tuple[int, int] = (0, 0)
    points: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def telling(self) -> tuple[Row, ...]:
        """The rows that a screen reader hears once the numbers have settled."""
        return tuple(row for row in self.rows if row.moved and row.key in ("answered", "wrong", "review"))


def panel_of(
    found: Mapping[str, Any],
    *,
    live: Document,
    draft: Document,
    heads: tuple[str, str] = HEADS,
    zone: tzinfo | None = None,
    links: Links | None = None,
) -> Panel:
    """Return the panel of an impact, as `usecases.what_if.ask` gives it and as it was kept.

    `heads` name the two documents. Desks are shown by the hours of `zone`. `links` gives the address of the decisions
    of one cell of the matrix, by its two names; see `case_links`.
    """
    columns, matrix = matrix_of(live, draft, found["matrix"], links)
    rows = _rows(found)
    moves = _moves(live, draft, found["matrix"])
    most = moves[0] if moves and links else None
    return Panel(
        heads=heads,
        replayed=found["decisions"],
        took_ms=found.get("took_ms", 0.0),
        rows=rows,
        columns=columns,
        matrix=matrix,
        sentence=_sentence(live, draft, moves, heads),
        cases=links(most["live"], most["draft"]) if links and most else "",
        cases_words=f"{most['count']:,} {_way(most)}" if most else "",
        notes=(*_unrecorded(live, draft, found), *_notes(found)),
        rules=_fired(found),
        desks=desks(found, zone),
        points={"live": rows[0].live, "draft": rows[0].draft},
    )


def blank(
    live: Document,
    draft: Document,
    *,
    heads: tuple[str, str] = HEADS,
    sentence: str = "",
    fault: str = "",
    waiting: bool = False,
    again: bool = False,
    reading: tuple[int, int] = (0, 0),
) -> Panel:
    """Return the panel without numbers: every place is there, so that nothing moves when they come."""
    columns, matrix = matrix_of(live, draft, None, None)
    return Panel(
        heads=heads,
        rows=tuple(Row(key, name) for key, name in NAMES),
        columns=columns,
        matrix=matrix,
        sentence=sentence,
        fault=fault,
        waiting=waiting,
        again=again,
        reading=reading,
    )


def case_links(slug: str, **query: str) -> Links | None:
    """Return what gives the address of the decisions of one cell; `query` says which documents and which window."""
    try:
        base = reverse("cases", args=[slug])
    except NoReverseMatch:
        return None
    return lambda live, draft: f"{base}?{urlencode({'live': live, 'draft': draft, **query})}"


# Rows ----------------------------------------------------------------------------------------------------------------


def _rows(found: Mapping[str, Any]) -> tuple[Row, ...]:
    live, draft, total = found["live"], found["draft"], found["decisions"]
    days = max(((found["last_at_ms"] or 0) - (found["first_at_ms"] or 0)) / DAY_MS, 1.0)
    per_day = total / days
    names = dict(NAMES)
    counts = (
        ("answered", "share", "", lambda side: side["answered"] / _known(side)),
        (
            "review",
            "day",
            "random audits included",
            lambda side: per_day * (side["reviewed"] + side["audited"]) / _known(side),
        ),
        ("escalated", "day", "", lambda side: per_day * side["escalated"] / _known(side)),
    )
    answered, review, escalated = (
        _counted(live, draft, total, Row(key, names[key], unit, about=about), of)
        for key, unit, about, of in counts
    )
    cost, wait = _cost(live, draft, found), _wait(live, draft, total)
    return answered, _wrong(live, draft), review, escalated, cost, wait


def _known(side: Side) -> int:
    known: int = side["answered"] + side["reviewed"] + side["escalated"]
    return known


def _counted(live: Side, draft: Side, total: int, row: Row, of: Callable[[Side], float]) -> Row:
    """Return a row of a count: no number where too much of the history cannot be replayed for it.

    Where some of it cannot, those that can speak for all.
    """
    sides = live, draft
    one, other = (
        of(side) if _known(side) and side[NOT_KNOWABLE] <= MOST_UNKNOWN * total else None for side in sides
    )
    lost = max(side[NOT_KNOWABLE] for side in sides) / total if total else 0.0
    badges = tuple(
        NOT_KNOWABLE if value is None else WEIGHTED if side[NOT_KNOWABLE] else MEASURED
        for value, side in zip((one, other), sides, strict=True)
    )
    about = row.about or f"from {'all' if not lost else f'{1 - lost:.1%} of'} decisions"
    if NOT_KNOWABLE in badges:
        about = f"{lost:.1%} cannot be replayed"
    return Row(row.key, row.name, row.unit, one, other, about, (badges[0], badges[1]))


def _wrong(live: Side, draft: Side) -> Row:
    """Return the error among answers with its upper bounds. Better or worse only where the labels say so."""
    one, other = live["wrong_among_answered"], draft["wrong_among_answered"]
    about, better = _labels(one["n"], other["n"]), None
    if one["value"] is None and other["value"] is None:
        about = _too_few(other["n"], draft["answered"])
    elif one["value"] is not None and other["value"] is not None:
        better = _clearly(one, other)
        answers = max(draft["answered"], 1)
        about += f", {min(other['n'] / answers, 1.0):.1%} of answers"
    bounds = (live.get("wrong_at_most"), draft.get("wrong_at_most"))
    name = dict(NAMES)["wrong"]
    return Row(
        "wrong", name, "share", one["value"], other["value"], about, _badges(one, other), bounds, better
    )


def _clearly(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool | None:
    """Tell whether the second share is lower than the first (or higher), None where their labels leave both open.

    The interval of a difference, put together from both intervals (method of variance estimates recovery). Most labels
    count on both sides, which makes it wider than it need be: it is never said too early.
    """
    gap = other["value"] - one["value"]
    if gap + sqrt((other["high"] - other["value"]) ** 2 + (one["value"] - one["low"]) ** 2) < 0:
        return True
    if gap - sqrt((other["value"] - other["low"]) ** 2 + (one["high"] - one["value"]) ** 2) > 0:
        return False
    return None


def _labels(live: int, draft: int) -> str:
    return f"from {plural(live, 'label')}" if live == draft else f"from {live:,} → {draft:,} labels"


def _too_few(labels: int, answers: int) -> str:
    """Say in words why an error cannot be known."""
    if not answers:
        return "nothing is answered"
    return f"{plural(labels, 'label')} for {plural(answers, 'answer')}"


def _cost(live: Side, draft: Side, found: Mapping[str, Any]) -> Row:
    prices = found.get("people") or {}
    one, other = (side["people"]["cost_per_task_with_models_usd"] for side in (live, draft))
    models = live["cost_per_task_usd"], draft["cost_per_task_usd"]
    about = "people included"
    if prices:
        review, escalation = dollars(prices["review_usd"]), dollars(prices["escalation_usd"])
        about = f"people: {review} a review, {escalation} an escalation"
    name = dict(NAMES)["cost"]
    badges = _badges(
        *({**number, "value": whole} for number, whole in zip(models, (one, other), strict=True))
    )
    if one is None or other is None:
        about = _recorded(min(number["n"] for number in models), found["decisions"], "a price")
    row = Row("cost", name, "usd", one, other, about, badges)
    better = other < one if one is not None and other is not None and row.moved else None
    return Row("cost", name, "usd", one, other, about, badges, better=better)


def _wait(live: Side, draft: Side, total: int) -> Row:
    one, other = live["latency_ms_p95"], draft["latency_ms_p95"]
    about = "until the models have answered"
    if one["value"] is None or other["value"] is None:
        about = _recorded(min(one["n"], other["n"]), total, "a time")
    return Row("wait", dict(NAMES)["wait"], "ms", one["value"], other["value"], about, _badges(one, other))


def _recorded(known: int, total: int, what: str) -> str:
    return f"{known / max(total, 1):.1%} of decisions have {what}"


def _badges(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, str]:
    """Return how each side's number is known: not at all, where there is none."""
    found = [NOT_KNOWABLE if side["value"] is None else str(side["badge"]) for side in (one, other)]
    return found[0], found[1]


def _fired(found: Mapping[str, Any]) -> tuple[Fired, ...]:
    total = max(found["decisions"], 1)
    return tuple(
        Fired(rule["name"], rule["live"], rule["draft"], rule["live"] / total, rule["draft"] / total)
        for rule in found.get("rules", ())
    )


# Words ---------------------------------------------------------------------------------------------------------------


def _moves(live: Document, draft: Document, cells: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the cells of decisions that would move, the largest first."""
    moved = [] if draft == live else [cell for cell in cells if cell["live"] != cell["draft"]]
    return sorted(moved, key=lambda cell: -cell["count"])


def _sentence(
    live: Document, draft: Document, moves: Sequence[Mapping[str, Any]], heads: tuple[str, str]
) -> str:
    """Say which decisions would move, the most first."""
    if draft == live:
        same = "The draft is what is live" if heads == HEADS else f"{title(heads[1])} is as {heads[0]}"
        return f"{same}: nothing moves."
    if not moves:
        return "Every decision would stay in its band."
    first, *others = moves[:2]
    words = f"{plural(first['count'], 'decision')} would move {_way(first)}"
    return "; ".join([words, *(f"{cell['count']:,} {_way(cell)}" for cell in others)]) + "."


def _way(cell: Mapping[str, Any]) -> str:
    return f"from {cell['live']} to {cell['draft']}".replace("_", " ")


def _unrecorded(live: Document, draft: Document, found: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which changed thresholds the numbers cannot show, or not for all decisions: their signal was not recorded."""
    limits = [part.get("thresholds") or {} for part in (live, draft)]
    shares = found.get("signals") or {}
    moved = [key for key in SIGNALS if limits[0].get(key) != limits[1].get(key)]
    never = [SIGNALS[key][1] for key in moved if not shares.get(SIGNALS[key][0])]
    notes = [f"The change of {' and '.join(never)} cannot be known from history."] if never else []
    for key in moved:
        signal, words = SIGNALS[key]
        if 0 < shares.get(signal, 0.0) < 1:
            rest = f"{1 - shares[signal]:.1%} of decisions do not say {words}"
            notes.append(f"{rest.capitalize()}: they are replayed as if it were harmless.")
    return tuple(notes)


def _notes(found: Mapping[str, Any]) -> tuple[str, ...]:
    lost = max(found[side][NOT_KNOWABLE] for side in ("live", "draft"))
    notes = []
    if lost:
        share = lost / found["decisions"]
        notes.append(
            f"{share:.1%} cannot be known from history: a model that was not asked then would decide."
        )
    if not found.get("complete", True):
        notes.append("Only the newest decisions of this time were replayed: memory did not hold all.")
    return tuple(notes)
