"""The card of the confidence bands: one axis with past decisions, bands, handles, live marks and the guardrail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from routing import traffic
from routing.engine.knobs import label as knob_label
from usecases.fields import CONFIDENCE, is_number
from usecases.histogram import Histogram, histogram
from usecases.views.draft_work import Shown, Work, anchor, by_key, listed

ANSWER = "bands.answer.from"
WINDOWS: dict[str, tuple[str, timedelta | None]] = {
    "24h": ("in the last 24 hours", timedelta(hours=24)),
    "7d": ("in the last 7 days", timedelta(days=7)),
    "30d": ("in the last 30 days", timedelta(days=30)),
    "all": ("ever recorded", None),
}
WINDOW = "7d"
SHORT = {"24h": "24 h", "7d": "7 days", "30d": "30 days", "all": "All"}
ACTIONS = (
    ("answer", "Answer"),
    ("review", "A person reviews"),
    ("escalate", "A person answers"),
)
_LABELS = {"answer": "Answer", "review": "Review", "escalate": "Escalate to a person"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One band on the axis, in per cent."""

    key: str
    label: str
    action: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Handle:
    """The lower edge of one band: a slider over the whole axis that stops at `low` and `high`."""

    path: str
    band: int
    name: str
    value: float
    text: str
    low: float
    high: float
    described: str

    @property
    def id(self) -> str:
        return anchor(f"handle.{self.path}")


@dataclass(frozen=True, slots=True)
class BandRow:
    """One band as its row in the editor."""

    index: int
    name: Shown
    edge: Shown
    action: Shown
    queue: Shown
    lowest: bool


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of the axis or of a slider, in per cent."""

    x: float
    width: float


def since(window: str) -> datetime | None:
    """Return when a window begins; None for all."""
    span = WINDOWS[window][1]
    return timezone.now() - span if span else None


def bands_card(work: Work, window: str, *, with_traffic: bool) -> dict[str, Any]:
    """Return everything the card shows. Without traffic the page keeps the histogram that it has."""
    bands = listed(work.document, "bands")
    placed = sorted(
        ((i, band) for i, band in enumerate(bands) if _edge(band) is not None),
        key=lambda pair: -pair[1]["from"],
    )
    return {
        "stretches": _stretches(placed),
        "handles": _handles(work, placed),
        "rows": _rows(work),
        "live_marks": _live_marks(work),
        "lane": _lane(work.bound(ANSWER)),
        "sentence": _sentence(work, placed),
        "guardrail": guardrail_words(work.bound(ANSWER)),
        "said": [f"{knob_label(path)}: {words}" for path in _band_paths(work) for words in work.said(path)],
        "actions": ACTIONS,
        "window": window,
        "window_words": WINDOWS[window][0],
        "windows": SHORT.items(),
        "histogram": _histogram(work, window) if with_traffic else None,
        "faults": work.fault_map.get("bands", ()),
        "open": any(path.startswith("bands") for path in work.fault_map),
    }


def _histogram(work: Work, window: str) -> Histogram:
    return histogram(traffic.confidence_counts(work.use_case.slug, since(window)))


def _edge(band: Mapping[str, Any]) -> float | None:
    edge = band.get("from")
    return float(edge) if is_number(edge) and 0 <= edge <= 1 else None


def label(band: Mapping[str, Any]) -> str:
    """Name a band as people do: by what happens in it where its name says no more."""
    name = str(band.get("name") or "")
    return _LABELS.get(name, "") if name == band.get("action") else name[:1].upper() + name[1:]


def _stretches(placed: list[tuple[int, dict[str, Any]]]) -> list[Stretch]:
    found, top = [], 1.0
    for index, band in placed:
        edge = float(band["from"])
        action = str(band.get("action"))
        found.append(Stretch(str(index), label(band), action, _per_cent(edge), _per_cent(top - edge)))
        top = edge
    return found


def _handles(work: Work, placed: list[tuple[int, dict[str, Any]]]) -> list[Handle]:
    """Return a handle for every edge but the lowest, which is 0 by rule; the surest band last, as on the axis."""
    knobs = work.bounds.get("knobs") or {}
    answers = [band for _, band in placed if band.get("action") == "answer"]
    found = []
    for index, band in [pair for pair in placed if pair[1]["from"] > 0]:
        bound = knobs.get(f"bands.{band.get('name')}.from") or {}
        if answers and band is answers[-1]:
            bound = knobs.get(ANSWER) or bound
        low, high = bound.get("limit") or (0.0, 1.0)
        edge = float(band["from"])
        found.append(
            Handle(
                path=f"bands.{index}.from",
                band=index,
                name=label(band),
                value=edge,
                text=CONFIDENCE.show(edge),
                low=min(max(low, 0.0), edge),
                high=max(min(high, 1.0), edge),
                described=f"Limit {low:.2f} to {high:.2f}" if bound.get("limit") else "",
            )
        )
    return found[::-1]


def _rows(work: Work) -> list[BandRow]:
    live = by_key(work.compared, "bands")
    bands = listed(work.document, "bands")
    order = sorted(range(len(bands)), key=lambda i: -(_edge(bands[i]) or 0.0))
    rows = []
    for index in order:
        band = bands[index]
        was = live.get(band.get("name"), {})
        shown = {
            key: work.shown(f"bands.{index}.{key}", band.get(key), was.get(key), known=bool(was))
            for key in ("name", "from", "action", "queue")
        }
        lowest = band.get("from") == 0
        rows.append(BandRow(index, shown["name"], shown["from"], shown["action"], shown["queue"], lowest))
    return rows


def _live_marks(work: Work) -> list[float]:
    return [_per_cent(b["from"]) for b in listed(work.live, "bands") if (_edge(b) or 0) > 0]


def _band_paths(work: Work) -> list[str]:
    """Return the edges of bands that anybody bounds, the answering one first."""
    named = (f"bands.{band.get('name')}.from" for band in listed(work.document, "bands"))
    return list(dict.fromkeys([ANSWER, *named]))


def _lane(bound: Mapping[str, Any]) -> Range | None:
    lane = bound.get("lane")
    if not lane or lane[0] > lane[1]:
        return None
    return Range(_per_cent(lane[0]), _per_cent(min(lane[1], 1.0) - lane[0]))


def _sentence(work: Work, placed: list[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    live = by_key(work.compared, "bands")
    parts = []
    for index, band in placed:
        if band["from"] == 0 and len(placed) > 1:
            continue
        was = live.get(band.get("name"), {}).get("from")
        name = str(band.get("name") or "")
        parts.append(
            {
                "path": f"bands.{index}.from",
                "name": name[:1].upper() + name[1:],
                "value": CONFIDENCE.show(band["from"]),
                "was": CONFIDENCE.show(was) if was is not None and was != band["from"] else "",
                "live": CONFIDENCE.show(was),
            }
        )
    return parts


def guardrail_words(bound: Mapping[str, Any]) -> str:
    """Say how far answering may be loosened; empty where nobody bounds it. Who said so stands beside it."""
    lane, limit = bound.get("lane"), bound.get("limit")
    if not (lane or limit):
        return ""
    words = []
    if lane:
        words.append(_between(lane, "without approval" if not limit or limit[0] < lane[0] else ""))
    if limit and (not lane or limit[0] < lane[0]):
        words.append(f"never lower than {limit[0]:.2f}" if lane else _between(limit, ""))
    return f"Guardrail: answer {', '.join(words)}."


def _between(pair: list[float], tail: str) -> str:
    upper = f" and no higher than {pair[1]:.2f}" if pair[1] < 1 else ""
    return f"no lower than {pair[0]:.2f}{upper} {tail}".strip()


def _per_cent(share: float) -> float:
    return round(share * 100, 3)


def queue_names(work: Work) -> list[str]:
    """Return the names of the draft's queues."""
    return [str(queue.get("name")) for queue in listed(work.document, "queues")]


def model_labels(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what people call each model."""
    return {
        str(model.get("name")): str(model.get("label") or model.get("name"))
        for model in listed(document, "models")
    }


def spoken(name: str) -> str:
    """Write a technical name as words: `legal-desk` is “Legal desk”."""
    words = name.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
