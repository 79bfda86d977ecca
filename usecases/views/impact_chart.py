"""The risk–coverage curve beside a draft: what is answered without a person against what is wrong of it. Pure.

Rows in, Plotly figure and words out. Colours are names of the page's own tokens; the chart's script fills them in, and
moves the draft's point while a handle moves (`meta` says which traces are the draft's).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from usecases.views.impact_words import BADGES

HEIGHT: Final = 190
DRAFT_LINE: Final = 2
DRAFT_POINT: Final = 4
# A line of so many rows tells a reader who hears it what the curve looks like; more would not.
HEARD: Final = 8
# Names of points closer than this share of answers would lie on each other.
NEAR: Final = 0.2

Point = Mapping[str, Any]
Curve = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """One line of the table that stands for the chart."""

    name: str
    answer_from: float
    coverage: float
    wrong: float | None
    low: float | None
    high: float | None
    labels: int
    badge: str


def drawable(curve: Curve) -> bool:
    """Tell whether there is a line to draw: at least two points whose error is known."""
    return len(_known(curve["draft"])) > 1 or len(_known(curve["live"])) > 1


def figure(curve: Curve, recommended: float | None) -> dict[str, Any]:
    """Return the chart: live dashed, draft solid with its interval, the target, and where each of them stands."""
    live, draft = _known(curve["live"]), _known(curve["draft"])
    points = curve["points"]
    chosen = points.get("recommended")
    side = _side(chosen, (points.get("live"), points.get("draft")), curve["target"]) if chosen else ""
    data = [
        _band(draft),
        _line(live, "live", "--ink-3", "dash"),
        _line(draft, "draft", "--accent", "solid"),
        _mark(points.get("live"), "live", "--surface", "--ink-2", "top left", "circle"),
        _mark(points.get("draft"), "draft", "--accent", "--accent", "top right", "circle"),
        _mark(chosen, f"use {recommended:.2f}" if chosen else "", "--live", "--live", side, "diamond"),
    ]
    return {"data": data, "layout": _layout(curve["target"], [*live, *draft])}


def _side(chosen: Point, others: Sequence[Point | None], target: float) -> str:
    """Return where the advised point's name stands: below it, unless that is on the axis and there is room above."""
    near = any(one and abs(one["coverage"] - chosen["coverage"]) < NEAR for one in others)
    low = chosen["wrong"] is not None and chosen["wrong"] < target / 2
    return "top center" if low and not near else "bottom center"


def heard(curve: Curve) -> tuple[Heard, ...]:
    """Return the chart as lines of a table: the marked points, then some of the draft's curve."""
    points = curve["points"]
    draft = list(curve["draft"])
    chosen = points.get("recommended")
    marked = [("live", points.get("live")), ("draft", points.get("draft")), ("recommended", chosen)]
    step = max(1, len(draft) // HEARD)
    rest = [("", point) for point in draft[::step]]
    return tuple(_heard(name, point) for name, point in [*marked, *rest] if point is not None)


def _heard(name: str, point: Point) -> Heard:
    return Heard(
        name,
        point["answer_from"],
        point["coverage"],
        point["wrong"],
        point["low"],
        point["high"],
        point["n"],
        BADGES.get(point.get("badge", ""), ""),
    )


def _known(points: Sequence[Point]) -> list[Point]:
    """Return the points with a known error, by what is answered; of those that answer alike the first."""
    by_coverage = {point["coverage"]: point for point in reversed(points) if point["wrong"] is not None}
    return [by_coverage[coverage] for coverage in sorted(by_coverage)]


def _line(points: Sequence[Point], name: str, token: str, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [point["coverage"] for point in points],
        "y": [point["wrong"] for point in points],
        "customdata": [[point["answer_from"], point["low"], point["high"], point["n"]] for point in points],
        "line": {"color": f"token:{token}", "dash": dash, "width": 2 if dash == "solid" else 1.5},
        "hovertemplate": f"{name}, answer from %{{customdata[0]:.2f}}: %{{x:.1%}} answered, %{{y:.1%}} wrong"
        "<br>%{customdata[1]:.1%} to %{customdata[2]:.1%}, %{customdata[3]:,} labels<extra></extra>",
    }


def _band(points: Sequence[Point]) -> dict[str, Any]:
    """Return the 95% interval around the draft's line, as one closed shape."""
    there, back = list(points), list(reversed(points))
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [point["coverage"] for point in (*there, *back)],
        "y": [*(point["low"] for point in there), *(point["high"] for point in back)],
        "fill": "toself",
        "fillcolor": "token:--accent-soft",
        "opacity": 0.6,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _mark(point: Point | None, name: str, fill: str, edge: str, side: str, symbol: str) -> dict[str, Any]:
    known = point is not None and point["wrong"] is not None
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [point["coverage"]] if known and point else [],
        "y": [point["wrong"]] if known and point else [],
        "text": [f"{name} {point['coverage']:.0%}" if not name.startswith("use") else name]
        if known and point
        else [],
        "textposition": side,
        "textfont": {"color": f"token:{'--ink-2' if name == 'live' else edge}", "size": 11},
        "marker": {
            "size": 10,
            "symbol": symbol,
            "color": f"token:{fill}",
            "line": {"color": f"token:{edge}", "width": 2},
        },
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _layout(target: float, points: Sequence[Point]) -> dict[str, Any]:
    top = max([2.5 * target, *(1.15 * point["wrong"] for point in points)])
    words = f"target: at most {target * 100:g}% wrong"
    return {
        "height": HEIGHT,
        "margin": {"l": 38, "r": 10, "t": 8, "b": 36},
        "showlegend": False,
        "xaxis": {
            "range": [0, 1.02],
            "tickformat": ".0%",
            "tickvals": [0, 0.5, 1],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "linecolor": "token:--line",
            "title": {"text": "answered without a person", "standoff": 4, "font": {"size": 11}},
        },
        "yaxis": {
            "range": [0, min(top, 1.0)],
            "tickformat": ".0%" if top > 0.08 else ".1%",
            "nticks": 4,
            "gridcolor": "token:--line",
            "zeroline": False,
            "fixedrange": True,
        },
        "shapes": [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": target,
                "y1": target,
                "line": {"color": "token:--stop", "width": 1.5, "dash": "dash"},
            }
        ],
        "annotations": [
            {
                "xref": "paper",
                "x": 0.01,
                "y": target,
                "yanchor": "bottom",
                "xanchor": "left",
                "text": words,
                "showarrow": False,
                "font": {"color": "token:--stop", "size": 11},
            }
        ],
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "token:--ink-2", "size": 11},
        "meta": {"draftLine": DRAFT_LINE, "draftPoint": DRAFT_POINT},
    }
