"""What comes to each desk by hour of the day, against what it can take and what it promises. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from usecases.views.impact_words import title

# Days until a desk that can catch up has the same backlog every day.
_DAYS: Final = 3
HEIGHT: Final = 56.0
NO_DESK: Final = "People without a queue"


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the day: what comes on both sides, and where its bars stand (per cent, pixels)."""

    label: str
    live: float
    draft: float
    x: float
    live_y: float
    draft_y: float
    over: bool

    @property
    def live_height(self) -> float:
        return HEIGHT - self.live_y

    @property
    def draft_height(self) -> float:
        return HEIGHT - self.draft_y


@dataclass(frozen=True, slots=True)
class Desk:
    """One desk. `line` is where its capacity stands, None where it has none. `live` and `draft` say how it fares."""

    name: str
    capacity: float | None
    promise: str
    hours: tuple[Hour, ...]
    line: float | None
    live: str
    draft: str
    strained: bool


def desks(found: Mapping[str, Any], zone: tzinfo | None) -> tuple[Desk, ...]:
    """Return every desk of either document, its hours in the reader's zone as its clocks stood at the last decision."""
    last = datetime.fromtimestamp((found.get("last_at_ms") or 0) / 1000, UTC)
    shift = (zone.utcoffset(last.replace(tzinfo=None)) if zone else None) or timedelta()
    return tuple(_desk(queue, shift) for queue in found.get("queues", ()))


def _desk(queue: Mapping[str, Any], shift: timedelta) -> Desk:
    capacity, sla = queue["capacity_per_hour"], queue["sla_minutes"]
    # Hours are counted in UTC; where a zone is half an hour off, they begin at the half hour.
    starts = [(timedelta(hours=hour) + shift) % timedelta(days=1) for hour in range(24)]
    order = sorted(range(24), key=starts.__getitem__)
    labels = [_clock(starts[hour]) for hour in order]
    live, draft = ([float(queue[side][hour]) for hour in order] for side in ("live", "draft"))
    top = max([*live, *draft, capacity or 0.0]) or 1.0
    hours = tuple(
        Hour(
            label,
            one,
            other,
            round(100 * place / 24, 3),
            _y(one, top),
            _y(other, top),
            capacity is not None and other > capacity,
        )
        for place, (label, one, other) in enumerate(zip(labels, live, draft, strict=True))
    )
    words = [_fares(side, labels, capacity, sla) for side in (live, draft)]
    return Desk(
        name=title(queue["queue"]) if queue["queue"] else NO_DESK,
        capacity=capacity,
        promise=f"{capacity:g} an hour, promised within {sla:g} min" if capacity is not None else "no limit",
        hours=hours,
        line=None if capacity is None else _y(capacity, top),
        live=words[0],
        draft=words[1],
        strained=any(hour.over for hour in hours),
    )


def _y(count: float, top: float) -> float:
    return round(HEIGHT * (1 - count / top), 2)


def _clock(start: timedelta) -> str:
    minutes = int(start.total_seconds()) // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _fares(load: Sequence[float], labels: Sequence[str], capacity: float | None, sla: float | None) -> str:
    """Say when more comes than the desk can take, and how long the last one then waits."""
    if capacity is None:
        return f"{sum(load):,.1f} a day"
    over = [hour for hour, count in enumerate(load) if count > capacity]
    if not over:
        return f"at most {max(load):,.1f} an hour: it carries that"
    said = f"over at {_spans(over, labels)}"
    if sum(load) > 24 * capacity:
        return f"{said}; more comes in a day than it can take, so it never catches up"
    wait, hour = _longest_wait(load, capacity)
    kept = "the promise is kept" if sla is None or wait <= sla else f"not the promised {sla:g}"
    return f"{said}; up to {wait:,.0f} min of waiting at {labels[hour]}, {kept}"


def _longest_wait(load: Sequence[float], capacity: float) -> tuple[float, int]:
    """Return the longest wait in minutes, and after which hour: what was not done is left for the next hour."""
    backlog, longest, at = 0.0, 0.0, 0
    for hour in [*range(24)] * _DAYS:
        backlog = max(0.0, backlog + load[hour] - capacity)
        if backlog > longest:
            longest, at = backlog, hour
    return longest / capacity * 60, at


def _spans(hours: Sequence[int], labels: Sequence[str]) -> str:
    """Join hours that follow each other, midnight or not: 09:00–11:00, 23:00–01:00."""
    if len(hours) == len(labels):
        return "all hours"
    spans: list[list[int]] = []
    for hour in hours:
        if spans and spans[-1][-1] == hour - 1:
            spans[-1].append(hour)
        else:
            spans.append([hour])
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][-1] == len(labels) - 1:
        spans[0] = [*spans.pop(), *spans[0]]
    return ", ".join(f"{labels[span[0]]}–{labels[(span[-1] + 1) % len(labels)]}" for span in spans)
