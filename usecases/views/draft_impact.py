"""What a draft would have done to past decisions, as the panel beside every tab shows it: live beside draft, in words.

The page carries the panel without numbers, so that neither it nor an edit waits for a replay; the numbers come by an
address of their own. Only there is NumPy imported.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from routing.models import Decision
from usecases import what_if
from usecases.views.draft_bands import WINDOWS
from usecases.views.draft_work import Document, Work, listed

DAY_MS: Final = 86_400_000
# Past this share that cannot be replayed, a count over the rest would mislead: the same limit as for estimates.
MOST_UNKNOWN: Final = 0.10
NOT_KNOWABLE: Final = "not_knowable"
UNRECORDED: Final = {
    "retrieval_score": "the passage match",
    "sensitivity": "the sensitivity",
    "daily_budget_usd": "the daily budget",
}
BADGES: Final = {"measured": "measured", "weighted": "weighted", NOT_KNOWABLE: "not knowable"}
FAULTY: Final = "Put the faults right first."
AUDITED: Final = "random audits included"
NO_HISTORY: Final = "Past decisions will stand here once assistants have made some."

Side = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One number on both sides, None where it cannot be known; `better` is None where that is not clear.

    `unit` says how numbers are written: share, day, usd or ms; empty before there are any. `bounds` stand below them.
    """

    key: str
    name: str
    unit: str = ""
    live: float | None = None
    draft: float | None = None
    fine: str = ""
    badge: str = ""
    bounds: tuple[float | None, float | None] = (None, None)
    better: bool | None = None
    why: str = ""

    @property
    def moved(self) -> bool:
        return _rounded(self.unit, self.live) != _rounded(self.unit, self.draft)


@dataclass(frozen=True, slots=True)
class Cell:
    """Decisions in one band under live and in another, or the same, under the draft."""

    count: int | None
    stays: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel. Without `rows` it is a message only; `waiting` has all its places and no numbers yet."""

    replayed: int = 0
    took_ms: float = 0.0
    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    matrix: tuple[tuple[str, tuple[Cell, ...]], ...] = ()
    sentence: str = ""
    notes: tuple[str, ...] = ()
    waiting: bool = False
    again: bool = False

    @property
    def telling(self) -> tuple[Row, ...]:
        """The rows that a screen reader hears once the numbers have settled."""
        return tuple(row for row in self.rows if row.moved and row.key in ("answered", "wrong", "review"))


def waiting_panel(work: Work) -> Panel:
    """Return the panel as a page carries it: every place is there, so that nothing moves when numbers come."""
    if not Decision.objects.filter(use_case=work.use_case.slug).exists():
        return Panel(sentence=NO_HISTORY)
    return _blank(work, "", waiting=True)


def panel_for(work: Work, window: str) -> Panel:
    """Return the panel with its numbers, or why there are none."""
    if work.faults:
        return _blank(work, FAULTY)
    span = WINDOWS[window][1]
    try:
        found = what_if.ask(
            use_case=work.use_case,
            document=work.document,
            by=work.by,
            window="all" if span is None else {"days": span.total_seconds() / 86_400},
        )
    except what_if.Loading as loading:
        return _blank(work, str(loading), again=True)
    if not found["decisions"]:
        earlier = Decision.objects.filter(use_case=work.use_case.slug).exists()
        return Panel(sentence=f"No decisions {WINDOWS[window][0]}." if earlier else NO_HISTORY)
    columns, matrix = _matrix(work, found["matrix"])
    return Panel(
        replayed=found["decisions"],
        took_ms=found["took_ms"],
        rows=_rows(found),
        columns=columns,
        matrix=matrix,
        sentence=_sentence(work, found["matrix"]),
        notes=(*_unrecorded(work), *_notes(found)),
    )


def _blank(work: Work, sentence: str, *, waiting: bool = False, again: bool = False) -> Panel:
    names = (
        ("answered", "Answered without a person"),
        ("wrong", "Wrong among those"),
        ("review", "To review per day"),
        ("escalated", "Escalated per day"),
        ("cost", "Cost per task"),
        ("wait", "Slowest 5% wait"),
    )
    columns, matrix = _matrix(work, None)
    rows = tuple(Row(key, name) for key, name in names)
    return Panel(rows=rows, columns=columns, matrix=matrix, sentence=sentence, waiting=waiting, again=again)


def _rows(found: Mapping[str, Any]) -> tuple[Row, ...]:
    live, draft, total = found["live"], found["draft"], found["decisions"]
    days = max((found["last_at_ms"] - found["first_at_ms"]) / DAY_MS, 1.0)
    counts = (
        ("answered", "Answered without a person", "share", "", lambda s: s["answered"] / _known(s)),
        ("review", "To review per day", "day", AUDITED, lambda s: (s["reviewed"] + s["audited"]) / days),
        ("escalated", "Escalated per day", "day", "", lambda s: s["escalated"] / days),
    )
    answered, review, escalated = (_counted(live, draft, total, *count) for count in counts)
    return (
        answered,
        _wrong(live, draft),
        review,
        escalated,
        _cost(live, draft, total),
        _wait(live, draft, total),
    )


def _known(side: Side) -> int:
    known: int = side["answered"] + side["reviewed"] + side["escalated"]
    return known


def _counted(
    live: Side,
    draft: Side,
    total: int,
    key: str,
    name: str,
    unit: str,
    fine: str,
    of: Callable[[Side], float],
) -> Row:
    """Return a row of a count; no number where too much of the history cannot be replayed for it."""
    one, other = (
        of(side) if _known(side) and side[NOT_KNOWABLE] <= MOST_UNKNOWN * total else None
        for side in (live, draft)
    )
    if None not in (one, other):
        return Row(key, name, unit, one, other, fine)
    why = f"{max(live[NOT_KNOWABLE], draft[NOT_KNOWABLE]) / total:.1%} cannot be replayed"
    return Row(key, name, unit, one, other, why, BADGES[NOT_KNOWABLE])


def _wrong(live: Side, draft: Side) -> Row:
    """Return the error among answers with its upper bounds. Better or worse only where the intervals say so."""
    one, other = live["wrong_among_answered"], draft["wrong_among_answered"]
    fine, better = f"at most, 95%; from {_labels(one['n'], other['n'])}", None
    if one["value"] is None or other["value"] is None:
        number, side = (other, draft) if other["value"] is None else (one, live)
        fine = _too_few(number["n"], side["answered"])
    elif one["value"] != other["value"]:
        better = True if other["high"] <= one["value"] else False if other["low"] >= one["value"] else None
    return Row(
        "wrong",
        "Wrong among those",
        "share",
        one["value"],
        other["value"],
        fine,
        _badge(one, other),
        (one["high"], other["high"]),
        better,
    )


def _labels(live: int, draft: int) -> str:
    return f"{live:,} label{'s' * (live != 1)}" if live == draft else f"{live:,} → {draft:,} labels"


def _too_few(labels: int, answers: int) -> str:
    """Say in words why an error cannot be known."""
    if not answers:
        return "Nothing is answered, so nothing is wrong."
    return f"from history: {labels:,} label{'s' * (labels != 1)} for {answers:,} answer{'s' * (answers != 1)}"


def _cost(live: Side, draft: Side, total: int) -> Row:
    from routing.replay.impact import People

    people = People()
    one, other = (side["people"]["cost_per_task_with_models_usd"] for side in (live, draft))
    models = live["cost_per_task_usd"], draft["cost_per_task_usd"]
    fine = f"people included: ${people.review_usd:g} a review, ${people.escalation_usd:g} an escalation"
    row = Row("cost", "Cost per task", "usd", one, other, fine, _badge(*models))
    if one is None or other is None:
        return replace(row, fine=_recorded(min(number["n"] for number in models), total, "a price"))
    return replace(row, better=other < one) if row.moved else row


def _wait(live: Side, draft: Side, total: int) -> Row:
    one, other = live["latency_ms_p95"], draft["latency_ms_p95"]
    fine = "until the models have answered"
    if one["value"] is None or other["value"] is None:
        fine = _recorded(min(one["n"], other["n"]), total, "a time")
    return Row("wait", "Slowest 5% wait", "ms", one["value"], other["value"], fine, _badge(one, other))


def _recorded(known: int, total: int, what: str) -> str:
    return f"{known / total:.1%} of decisions have {what} that is known"


def _badge(*numbers: Mapping[str, Any]) -> str:
    """Return the weakest badge of the two sides."""
    ranks = list(BADGES)
    return BADGES[max((number["badge"] for number in numbers), key=ranks.index)]


def _matrix(
    work: Work, cells: Sequence[Mapping[str, Any]] | None
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[Cell, ...]], ...]]:
    """Return the matrix's heads and rows: every band of either document, and what else holds decisions."""
    counts = {(cell["live"], cell["draft"]): cell["count"] for cell in cells or ()}
    lines = list(dict.fromkeys([*_bands(work.live), *(live for live, _ in counts)]))
    heads = list(dict.fromkeys([*_bands(work.document), *(draft for _, draft in counts)]))
    rows = tuple(
        (
            _title(line),
            tuple(
                Cell(None if cells is None else counts.get((line, head), 0), line == head) for head in heads
            ),
        )
        for line in lines
    )
    return tuple(map(_title, heads)), rows


def _bands(document: Document) -> list[str]:
    """Return the names of bands, the highest first."""
    bands = [band for band in listed(document, "bands") if isinstance(band.get("name"), str)]
    edges = {band["name"]: band.get("from") for band in bands}
    return sorted(edges, key=lambda name: -edge if isinstance(edge := edges[name], int | float) else 1.0)


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _sentence(work: Work, cells: Sequence[Mapping[str, Any]]) -> str:
    """Say which decisions would move, the most first."""
    if work.document == work.live:
        return "The draft is what is live: nothing moves."
    moves = sorted((cell for cell in cells if cell["live"] != cell["draft"]), key=lambda cell: -cell["count"])
    if not moves:
        return "Every decision would stay in its band."
    first, *others = moves[:2]
    words = f"{first['count']:,} decision{'s' * (first['count'] != 1)} would move {_way(first)}"
    return "; ".join([words, *(f"{cell['count']:,} {_way(cell)}" for cell in others)]) + "."


def _way(cell: Mapping[str, Any]) -> str:
    return f"from {cell['live']} to {cell['draft']}".replace("_", " ")


def _unrecorded(work: Work) -> tuple[str, ...]:
    """Say which changed thresholds the numbers cannot show: what they judge is not recorded with decisions."""
    live, draft = (part.get("thresholds") or {} for part in (work.live, work.document))
    moved = [words for key, words in UNRECORDED.items() if live.get(key) != draft.get(key)]
    return (f"The change of {' and '.join(moved)} cannot be known from history.",) if moved else ()


def _notes(found: Mapping[str, Any]) -> tuple[str, ...]:
    lost = max(found[side][NOT_KNOWABLE] for side in ("live", "draft"))
    notes = []
    if lost:
        share = lost / found["decisions"]
        notes.append(
            f"{share:.1%} cannot be known from history: a model that was not asked then would decide."
        )
    if not found["complete"]:
        notes.append("Only the newest decisions of this time were replayed: memory did not hold all.")
    return tuple(notes)


def _rounded(unit: str, value: float | None) -> str:
    """Return a number as coarse as it is shown: what reads the same has not moved."""
    if value is None or not unit:
        return ""
    if unit == "usd":
        return f"{value:.2f}" if value >= 1 else f"{value:.3f}" if value >= 0.01 else f"{value:.1e}"
    if unit == "ms":
        return f"{value:.0f}" if value < 1000 else f"{value / 1000:.1f} s"
    return f"{value:.3f}" if unit == "share" else f"{value:.{0 if value >= 10 else 1}f}"
