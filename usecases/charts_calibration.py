"""The reliability diagram: rows in, Plotly figure out. Pure. Colours are names of the page's own tokens."""

from collections.abc import Mapping
from typing import Any

from usecases.calibrations import Bar, Signal

Line = Mapping[str, Any]


def reliability(signal: Signal) -> dict[str, Any]:
    """Return how often each stretch of confidence was right, its interval, the maps, and how many labels it has."""
    bars = [bar for bar in signal.bars if bar.labels and bar.right is not None]
    traces = [_diagonal(), *([_points(bars), _counts(bars)] if bars else [])]
    if signal.in_force:
        traces.append(_map(signal.in_force.map, "Map in force", "--ink-2", "dash"))
    if signal.proposed:
        traces.append(_map(signal.proposed.map, "Proposed map", "--live", "solid"))
    return {"data": traces, "layout": _layout()}


def in_words(signal: Signal) -> str:
    """Say in a sentence what the diagram shows."""
    bars = [bar for bar in signal.bars if bar.labels and bar.right is not None and bar.confidence is not None]
    if not bars:
        return "Nothing to draw yet."
    worst = max(bars, key=lambda bar: bar.labels * abs((bar.confidence or 0.0) - (bar.right or 0.0)))
    said, right = worst.confidence or 0.0, worst.right or 0.0
    words = "surer than it is right" if said > right else "less sure than it is right"
    if abs(said - right) < 0.02:
        return "On the whole it is right about as often as it says."
    return (
        f"It is {words}: where it says {said:.2f} on average, {right:.0%} of {worst.labels:,} labelled answers are "
        "right."
    )


def _diagonal() -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "As sure as right",
        "x": [0, 1],
        "y": [0, 1],
        "line": {"color": "token:--edge", "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _points(bars: list[Bar]) -> dict[str, Any]:
    right = [bar.right or 0.0 for bar in bars]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Right, with 95% interval",
        "x": [round(bar.confidence or 0.0, 4) for bar in bars],
        "y": [round(one, 4) for one in right],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [round(bar.right_high - one, 4) for bar, one in zip(bars, right, strict=True)],
            "arrayminus": [round(one - bar.right_low, 4) for bar, one in zip(bars, right, strict=True)],
            "color": "token:--accent",
            "thickness": 1.5,
            "width": 4,
        },
        "marker": {"color": "token:--accent", "size": 8},
        "customdata": [bar.labels for bar in bars],
        "hovertemplate": "says %{x:.2f} · right %{y:.0%} of %{customdata} labels<extra></extra>",
    }


def _counts(bars: list[Bar]) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": "Labels",
        "x": [round((bar.low + bar.high) / 2, 4) for bar in bars],
        "y": [bar.labels for bar in bars],
        "width": [round((bar.high - bar.low) * 0.9, 4) for bar in bars],
        "yaxis": "y2",
        "marker": {"color": "token:--line", "line": {"color": "token:--edge", "width": 1}},
        "hovertemplate": "%{y} labels<extra></extra>",
        "showlegend": False,
    }


def _map(line: Line, name: str, token: str, dash: str) -> dict[str, Any]:
    """Return a map as a line; past its ends it is flat."""
    given, counts = list(line["reported"]), list(line["calibrated"])
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [0, *given, 1],
        "y": [counts[0], *counts, counts[-1]],
        "line": {"color": f"token:{token}", "width": 2, "dash": dash},
        "hovertemplate": "%{x:.2f} counts %{y:.2f}<extra></extra>",
    }


def _layout() -> dict[str, Any]:
    axis = {"gridcolor": "token:--line", "zeroline": False}
    return {
        "height": 400,
        "margin": {"l": 56, "r": 8, "t": 8, "b": 40},
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
        "xaxis": axis | {"range": [-0.02, 1.02], "title": {"text": "what it says"}, "anchor": "y2"},
        "yaxis": axis
        | {
            "range": [-0.02, 1.02],
            "domain": [0.26, 1],
            "tickformat": ".0%",
            "title": {"text": "how often it is right"},
        },
        "yaxis2": axis
        | {"domain": [0, 0.2], "rangemode": "tozero", "nticks": 3, "title": {"text": "labels"}},
        "bargap": 0,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "token:--ink-2", "size": 12},
    }
