"""Rows in, Plotly figure out. Pure. Colours are names of the page's own tokens; the chart's script fills them in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

ACTIONS = (
    ("answer", "Answered", "--band-auto"),
    ("review", "To review", "--band-review"),
    ("escalate", "Escalated", "--band-escalate"),
)


def decisions_over_time(hours: Sequence[tuple[datetime, dict[str, int]]]) -> dict[str, Any]:
    """Return a stacked bar chart: one bar an hour, one part an action."""
    times = [hour.strftime("%Y-%m-%d %H:%M") for hour, _ in hours]
    bars = [
        {
            "type": "bar",
            "name": label,
            "x": times,
            "y": [counts.get(action, 0) for _, counts in hours],
            "marker": {"color": f"token:{token}"},
            "hovertemplate": f"%{{x|%H:%M}} · %{{y}} {label.lower()}<extra></extra>",
        }
        for action, label, token in ACTIONS
    ]
    layout = {
        "barmode": "stack",
        "bargap": 0.25,
        "height": 260,
        "margin": {"l": 40, "r": 8, "t": 8, "b": 32},
        "legend": {"orientation": "h", "y": 1.12, "x": 0, "traceorder": "normal"},
        "xaxis": {"type": "date", "tickformat": "%H:%M", "showgrid": False},
        "yaxis": {"rangemode": "tozero", "gridcolor": "token:--line", "zeroline": False},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "token:--ink-2", "size": 12},
    }
    return {"data": bars, "layout": layout}


def decisions_in_words(hours: Sequence[tuple[datetime, dict[str, int]]]) -> str:
    """Say in a sentence what the chart shows."""
    sums = {action: sum(counts.get(action, 0) for _, counts in hours) for action, _, _ in ACTIONS}
    total = sum(sums.values())
    if not total:
        return "No decisions in these hours."
    parts = ", ".join(f"{sums[action]:,} {label.lower()}" for action, label, _ in ACTIONS)
    busiest, counts = max(hours, key=lambda row: sum(row[1].values()))
    most = f"Busiest hour: {busiest:%H:%M}, {sum(counts.values()):,} decisions."
    return f"{total:,} decisions since {hours[0][0]:%H:%M} yesterday: {parts}. {most}"
