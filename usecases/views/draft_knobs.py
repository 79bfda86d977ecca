"""The card of the thresholds: each knob with slider and number, live mark, lane and limit, on and off."""

from dataclasses import dataclass
from typing import Any

from routing.engine import knobs
from usecases import step_gates
from usecases.editing import DEFAULTS
from usecases.fields import THRESHOLDS, is_number, show
from usecases.strictest import steps_of
from usecases.views.draft_bands import Range
from usecases.views.draft_work import Shown, Work, anchor, mapped

# More of the same: the slider ends well above what stands there.
ROOM = 1.5


@dataclass(frozen=True, slots=True)
class KnobRow:
    """One threshold. Positions are per cent of the slider."""

    key: str
    label: str
    hint: str
    field: Shown
    on: bool
    switchable: bool
    low: float
    high: float
    step: float
    value: float
    was: float | None
    lane: Range | None
    bounds: str
    said: list[str]
    unit: str

    @property
    def slider_id(self) -> str:
        return anchor(f"slide.{self.field.path}")


def knobs_card(work: Work) -> dict[str, Any]:
    """Return a row for each threshold of the document schema."""
    return {
        "rows": [_row(work, key) for key in THRESHOLDS],
        "faults": work.fault_map.get("thresholds", ()),
        "guarded": any(path.startswith("thresholds.") for path in work.bounds.get("knobs") or {}),
    }


def _row(work: Work, key: str) -> KnobRow:
    path = f"thresholds.{key}"
    share = key not in DEFAULTS
    value, live = (mapped(document, "thresholds").get(key) for document in (work.document, work.compared))
    value, live = (0.0 if share and v is None else v for v in (value, live))
    bound = work.bound(path)
    knob = next(k for k in knobs.knobs({"bands": [], "thresholds": {}}) if k.path == path)
    low, high = _reach(knob, bound, value, live)
    at = float(value) if is_number(value) else float(live) if is_number(live) else DEFAULTS.get(key, 0.0)
    return KnobRow(
        key=key,
        label=knob.label,
        hint=knob.hint,
        field=work.shown(path, value, live),
        on=value is not None,
        switchable=not share,
        low=low,
        high=high,
        step=knob.step,
        value=min(max(at, low), high),
        was=_place(float(live), low, high) if is_number(live) else None,
        lane=_lane(bound.get("lane"), low, high),
        bounds=_bounds(path, bound),
        said=work.said(path),
        unit={"usd": "$", "seconds": "s", "share": "%"}.get(knob.unit, ""),
    )


def _reach(knob: knobs.Knob, bound: dict[str, Any], *values: Any) -> tuple[float, float]:
    """Return the ends of a slider: the hard limit where there is one; it always holds what stands there now."""
    low, high = bound.get("limit") or (knob.low, knob.high)
    low, high = min(low, high), max(low, high)
    numbers = [float(v) for v in (*values, *(bound.get("lane") or ())) if is_number(v)]
    ceiling = 1.0 if knob.unit in ("share", "confidence") else float("inf")
    if numbers and max(numbers) > high:
        high = min(max(numbers) * (1 if bound.get("limit") else ROOM), max(ceiling, max(numbers)))
    return float(min([low, *numbers])), float(high)


def _place(value: float, low: float, high: float) -> float:
    return round(100 * (value - low) / (high - low), 3) if high > low else 0.0


def _lane(lane: list[float] | None, low: float, high: float) -> Range | None:
    if not lane or lane[0] > lane[1]:
        return None
    start, end = _place(max(lane[0], low), low, high), _place(min(lane[1], high), low, high)
    return Range(start, round(end - start, 3))


def _bounds(path: str, bound: dict[str, Any]) -> str:
    """Say the guardrail of a knob in words, for those who do not see the shading."""
    words = []
    for key, said in (("lane", "without approval"), ("limit", "at all")):
        if bound.get(key):
            low, high = (show(path, edge) for edge in bound[key])
            words.append(f"{low} to {high} {said}")
    told = [f"May be set from {'; '.join(words)}."] if words else []
    told += [f"Loosened by {step_gates.words(path, step)}." for step in steps_of(bound)]
    return " ".join(told)
