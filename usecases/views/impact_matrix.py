"""The matrix of an impact: what comes to what under one document and under the other, cell by cell. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from usecases.views.impact_words import BADGES, NOT_KNOWABLE, dollars, title

Document = Mapping[str, Any]
Links = Callable[[str, str], str]
SIGNALS: Final = {
    "retrieval_score": ("retrieval_score", "the passage match"),
    "sensitivity": ("sensitivity", "the sensitivity"),
    "daily_budget_usd": ("spent_today_usd", "the daily budget"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """Decisions in one band under one document and in another, or the same, under the other."""

    count: int | None
    stays: bool
    href: str = ""
    words: str = ""


def matrix_of(
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
    """Say what a cell's decisions cost on both sides, how many are wrong, and how that is known."""
    words = [f"{cell['share']:.1%} of decisions"] if "share" in cell else []
    one, other = cell.get("live_cost_per_task_usd"), cell.get("draft_cost_per_task_usd")
    if one is not None and other is not None:
        words.append(f"models {dollars(one)} → {dollars(other)} a task")
    one, other = cell.get("live_reviewer_hours"), cell.get("draft_reviewer_hours")
    if one is not None and other is not None:
        words.append(f"people {_hours(one)} → {_hours(other)}")
    wrong = cell.get("wrong") or {}
    if wrong.get("value") is not None:
        badge = BADGES[wrong["badge"]]
        words.append(f"wrong {wrong['value']:.1%} ({wrong['low']:.1%} to {wrong['high']:.1%}, {badge})")
    elif wrong:
        words.append(f"wrong: {BADGES[NOT_KNOWABLE]}")
    return "; ".join(words)


def _hours(hours: float) -> str:
    return f"{hours:,.0f} h" if hours >= 10 or hours == 0 else f"{hours:.2g} h"
