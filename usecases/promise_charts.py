"""The figures of the Promise tab: numbers in, Plotly figure out. Pure. Colours are names of the page's tokens."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

Point = Mapping[str, Any]

MARKS: Final = (
    ("live", "Live", {"symbol": "circle-open", "size": 12, "color": "token:--ink-2", "line": {"width": 2}}),
    ("draft", "Your draft", {"symbol": "circle", "size": 11, "color": "token:--accent"}),
    ("recommended", "Recommended", {"symbol": "star", "size": 15, "color": "token:--live"}),
)


def risk_coverage(found: Mapping[str, Any], *, drafted: bool) -> dict[str, Any]:
    """Return share wrong over share answered: live dashed, the draft solid with its interval, the target dotted."""
    line = _known(found["draft"])
    data = [
        _trace(line, "high", mode="lines", line={"width": 0}, showlegend=False, hoverinfo="skip"),
        _trace(
            line,
            "low",
            mode="lines",
            line={"width": 0},
            fill="tonexty",
            fillcolor="token:--accent-soft",
            name="95% interval",
            hoverinfo="skip",
        ),
    ]
    if drafted:
        data.append(_curve(_known(found["live"]), "Live, any threshold", "token:--ink-3", dash="dash"))
    data.append(_curve(line, "Draft, any threshold" if drafted else "Any threshold", "token:--accent"))
    data.append(_target([point["coverage"] for point in line], found["target"]))
    for name, label, marker in MARKS:
        point = found["points"].get(name)
        if point and point["wrong"] is not None and (name != "draft" or drafted):
            data.append(_mark(label, marker, point["coverage"], point["wrong"], _hover(point)))
    return {
        "data": data,
        "layout": _layout("Answered without a person", "Wrong among those", x={"tickformat": ".0%"}),
    }


def frontier(found: Mapping[str, Any], *, drafted: bool) -> dict[str, Any]:
    """Return share wrong over cost a task: every setting that no other beats, and where live and draft stand."""
    line = found["frontier"]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "No ladder is better",
            "x": [point["cost_usd"] for point in line],
            "y": [point["wrong"] for point in line],
            "line": {"color": "token:--accent", "shape": "hv", "width": 1.5},
            "marker": {"color": "token:--accent", "size": 5},
            "text": [_as_text(setting_words(point)) for point in line],
            "hovertemplate": "%{text}<br>$%{x:.3f} a task · %{y:.2%} wrong<extra></extra>",
        },
        _target([point["cost_usd"] for point in line], found["target"]),
    ]
    for name, label, marker in MARKS:
        point = found["points"].get(name)
        if point and (name != "draft" or drafted):
            data.append(_mark(label, marker, point["cost_usd"], point["wrong"], setting_words(point)))
    return {
        "data": data,
        "layout": _layout("Cost per task, people included", "Wrong among answered", x={"tickprefix": "$"}),
    }


def setting_words(point: Point) -> str:
    """Say a ladder in a line: small (accept from 0.80) → large, answer from 0.90."""
    rungs = [
        model if place == len(point["rungs"]) - 1 else f"{model} (accept from {accept:.2f})"
        for place, (model, accept) in enumerate(point["rungs"])
    ]
    return f"{' → '.join(rungs)}, answer from {point['answer_from']:.2f}"


def _as_text(words: str) -> str:
    """Return words as Plotly shows them: it reads markup and links in texts, and a model may be named anything."""
    return escape(words, quote=False)


def _known(line: Sequence[Point]) -> list[Point]:
    """Return the points whose error is known, each share answered once: the strictest threshold of those that tie."""
    found: list[Point] = []
    for point in line:
        if point["wrong"] is not None and (not found or point["coverage"] != found[-1]["coverage"]):
            found.append(point)
    return found


def _trace(points: Sequence[Point], key: str, **more: Any) -> dict[str, Any]:
    x, y = [point["coverage"] for point in points], [point[key] for point in points]
    return {"type": "scatter", "x": x, "y": y, **more}


def _curve(line: Sequence[Point], name: str, color: str, dash: str = "solid") -> dict[str, Any]:
    return _trace(
        line,
        "wrong",
        mode="lines",
        name=name,
        line={"color": color, "dash": dash, "width": 2},
        text=[_hover(point) for point in line],
        hovertemplate="%{text}<extra></extra>",
    )


def _hover(point: Point) -> str:
    return (
        f"Answer from {point['answer_from']:.2f}: {point['coverage']:.1%} answered, {point['wrong']:.2%} wrong "
        f"({point['low']:.2%} to {point['high']:.2%}, {point['n']:,} labels)"
    )


def _target(x: Sequence[float], target: float) -> dict[str, Any]:
    ends = [min(x), max(x)] if x else [0, 1]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Promised, at most",
        "x": ends,
        "y": [target, target],
        "line": {"color": "token:--stop", "dash": "dot", "width": 1.5},
        "hovertemplate": "promised: at most %{y:.2%}<extra></extra>",
    }


def _mark(name: str, marker: Mapping[str, Any], x: float, y: float, words: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [x],
        "y": [y],
        "marker": dict(marker),
        "text": [_as_text(words)],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _layout(x_title: str, y_title: str, x: Mapping[str, Any]) -> dict[str, Any]:
    axis = {"gridcolor": "token:--line", "zeroline": False, "rangemode": "tozero"}
    return {
        "height": 320,
        "margin": {"l": 56, "r": 8, "t": 8, "b": 44},
        # Held to the figure's edge, it takes its room from the plot: on a phone it has as many lines as entries.
        "legend": {
            "orientation": "h",
            "yref": "container",
            "y": 1,
            "yanchor": "top",
            "x": 0,
            "traceorder": "normal",
        },
        "xaxis": {**axis, "title": {"text": x_title}, **x},
        "yaxis": {**axis, "title": {"text": y_title}, "tickformat": ".1%"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "token:--ink-2", "size": 12},
        "hovermode": "closest",
    }
