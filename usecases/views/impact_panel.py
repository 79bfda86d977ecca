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
from usecases.views.impact_words import (
    BADGES,
    MEASURED,
    NOT_KNOWABLE,
    WEIGHTED,
    dollars,
    plural,
    rounded,
    title,
)

DAY_MS: Final = 86_400_000
# Past this share that cannot be replayed, a count over the rest would mislead: the same limit as for estimates.
MOST_UNKNOWN: Final = 0.10
HEADS: Final = ("live", "draft")
SIGNALS: Final = {
    "retrieval_score": ("retrieval_score", "the passage match"),
    "sensitivity": ("sensitivity", "the sensitivity"),
    "daily_budget_usd": ("spent_today_usd", "the daily budget"),
}
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
Links = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One number on both sides, None where it cannot be known; `better` is None where that is not clear.

    `unit` says how numbers are written: share, day, usd or ms; empty before there are any. `bounds` are one-sided and
    stand below the numbers. `about` says what they rest on, after the badge.
    """

    key: str
    name: str
    unit: str = ""
    live: float | None = None
    draft: float | None = None
    about: str = ""
    badge: str = ""
    bounds: tuple[float | None, float | None] = (None, None)
    better: bool | None = None

    @property
    def moved(self) -> bool:
        return rounded(self.unit, self.live) != rounded(self.unit, self.draft)

    @property
    def badge_words(self) -> str:
        return BADGES.get(self.badge, "")


@dataclass(frozen=True, slots=True)
class Cell:
    """Decisions in one band under one document and in another, or the same, under the other."""

    count: int | None
    stays: bool
    href: str = ""
    words: str = ""


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

    `fault` says why there are no new numbers. While a history is being read, `again` is true and `reading` tells how
    many decisions of how many are there.
    """

    heads: tuple[str, str] = HEADS
    replayed: int = 0
    took_ms: float = 0.0
    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    matrix: tuple[tuple[str, tuple[Cell, ...]], ...] = ()
    sentence: str = ""
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
    columns, matrix = _matrix(live, draft, found["matrix"], links)
    rows = _rows(found)
    return Panel(
        heads=heads,
        replayed=found["decisions"],
        took_ms=found.get("took_ms", 0.0),
        rows=rows,
        columns=columns,
        matrix=matrix,
        sentence=_sentence(live, draft, found["matrix"], heads),
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
    columns, matrix = _matrix(live, draft, None, None)
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
    one, other = (
        of(side) if _known(side) and side[NOT_KNOWABLE] <= MOST_UNKNOWN * total else None
        for side in (live, draft)
    )
    lost = max(live[NOT_KNOWABLE], draft[NOT_KNOWABLE]) / total if total else 0.0
    badge = NOT_KNOWABLE if one is None or other is None else WEIGHTED if lost else MEASURED
    about = row.about or f"from {'all' if not lost else f'{1 - lost:.1%} of'} decisions"
    if badge == NOT_KNOWABLE:
        about = f"{lost:.1%} cannot be replayed"
    return Row(row.key, row.name, row.unit, one, other, about, badge)


def _wrong(live: Side, draft: Side) -> Row:
    """Return the error among answers with its upper bounds. Better or worse only where the labels say so."""
    one, other = live["wrong_among_answered"], draft["wrong_among_answered"]
    about, better = _labels(one["n"], other["n"]), None
    if one["value"] is None or other["value"] is None:
        number, side = (other, draft) if other["value"] is None else (one, live)
        about = _too_few(number["n"], side["answered"])
    else:
        better = _clearly(one, other)
        answers = max(draft["answered"], 1)
        about += f", {min(other['n'] / answers, 1.0):.1%} of answers"
    bounds = (live.get("wrong_at_most"), draft.get("wrong_at_most"))
    name = dict(NAMES)["wrong"]
    badge = _badge(one, other)
    return Row("wrong", name, "share", one["value"], other["value"], about, badge, bounds, better)


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
    if one is None or other is None:
        about = _recorded(min(number["n"] for number in models), found["decisions"], "a price")
        return Row("cost", name, "usd", one, other, about, NOT_KNOWABLE)
    row = Row("cost", name, "usd", one, other, about, _badge(*models))
    better = other < one if row.moved else None
    return Row("cost", name, "usd", one, other, about, row.badge, better=better)


def _wait(live: Side, draft: Side, total: int) -> Row:
    one, other = live["latency_ms_p95"], draft["latency_ms_p95"]
    about = "until the models have answered"
    if one["value"] is None or other["value"] is None:
        about = _recorded(min(one["n"], other["n"]), total, "a time")
    return Row("wait", dict(NAMES)["wait"], "ms", one["value"], other["value"], about, _badge(one, other))


def _recorded(known: int, total: int, what: str) -> str:
    return f"{known / max(total, 1):.1%} of decisions have {what}"


def _badge(*numbers: Mapping[str, Any]) -> str:
    """Return the weakest badge of the two sides."""
    ranks = list(BADGES)
    return max((str(number["badge"]) for number in numbers), key=ranks.index)


def _fired(found: Mapping[str, Any]) -> tuple[Fired, ...]:
    total = max(found["decisions"], 1)
    return tuple(
        Fired(rule["name"], rule["live"], rule["draft"], rule["live"] / total, rule["draft"] / total)
        for rule in found.get("rules", ())
    )


# The matrix ----------------------------------------------------------------------------------------------------------


def _matrix(
    live: Document, draft: Document, cells: Sequence[Mapping[str, Any]] | None, links: Links | None
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[Cell, ...]], ...]]:
    """Return the matrix's heads and rows: everything that either document can come to, whether it holds decisions."""
    known = {(cell["live"], cell["draft"]): cell for cell in cells or ()}
    lines = _ordered([*_labels_of(live), *(one for one, _ in known)])
    heads = _ordered([*_labels_of(draft), *(other for _, other in known)])

    def made(line: str, head: str) -> Cell:
        if cells is None:
            return Cell(None, line == head)
        cell = known.get((line, head))
        if cell is None:
            return Cell(0, line == head)
        return Cell(cell["count"], line == head, links(line, head) if links else "", _told(cell))

    return tuple(map(title, heads)), tuple(
        (title(line), tuple(made(line, head) for head in heads)) for line in lines
    )


def _ordered(names: Sequence[str]) -> list[str]:
    """Return each name once; what is not knowable always has a place, the last."""
    return [*(name for name in dict.fromkeys(names) if name != NOT_KNOWABLE), NOT_KNOWABLE]


def _labels_of(document: Document) -> list[str]:
    """Return the names of bands, the highest first, then what rules and thresholds decide without one."""
    bands = [band for band in _listed(document, "bands") if isinstance(band.get("name"), str)]
    edges = {band["name"]: band.get("from") for band in bands}
    found = sorted(edges, key=lambda name: -edge if isinstance(edge := edges[name], int | float) else 1.0)
    for rule in _listed(document, "rules"):
        then = rule.get("then")
        action = then.get("action") if isinstance(then, Mapping) else None
        if rule.get("enabled", True) and isinstance(action, str):
            found.append(action)
    limits = document.get("thresholds")
    if isinstance(limits, Mapping) and any(limits.get(key) is not None for key in SIGNALS):
        found.append("escalate")
    return found


def _listed(document: Document, part: str) -> list[Mapping[str, Any]]:
    items = document.get(part)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _told(cell: Mapping[str, Any]) -> str:
    """Say what a cell's decisions cost on both sides, and how many of their answers are wrong."""
    words = [f"{cell['share']:.1%} of decisions"] if "share" in cell else []
    one, other = cell.get("live_cost_per_task_usd"), cell.get("draft_cost_per_task_usd")
    if one is not None and other is not None:
        words.append(f"models {dollars(one)} → {dollars(other)} a task")
    wrong = cell.get("wrong") or {}
    if wrong.get("value") is not None:
        words.append(f"wrong {wrong['value']:.1%} ({wrong['low']:.1%} to {wrong['high']:.1%})")
    return "; ".join(words)


# Words ---------------------------------------------------------------------------------------------------------------


def _sentence(
    live: Document, draft: Document, cells: Sequence[Mapping[str, Any]], heads: tuple[str, str]
) -> str:
    """Say which decisions would move, the most first."""
    if draft == live:
        same = "The draft is what is live" if heads == HEADS else f"{title(heads[1])} is as {heads[0]}"
        return f"{same}: nothing moves."
    moves = sorted((cell for cell in cells if cell["live"] != cell["draft"]), key=lambda cell: -cell["count"])
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
