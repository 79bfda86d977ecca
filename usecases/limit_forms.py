"""The form of a use case's guardrails: one row a knob, lane and limit as four numbers, and why. Never saves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from routing.engine import knobs as engine_knobs
from usecases.models import Guardrail

ENDS = ("lane-low", "lane-high", "limit-low", "limit-high")
HISTORY = 200


@dataclass(slots=True)
class Row:
    """One knob: its live value, what was typed into its cells, and what is wrong with them."""

    path: str
    label: str
    live: str
    unit: str
    typed: dict[str, str]
    reason: str
    lane: str = ""
    limit: str = ""
    set_by: str = ""
    set_at: datetime | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[dict[str, str]]:
        words = ("lane from", "lane to", "limit from", "limit to")
        names = (f"{self.path}:{end}" for end in ENDS)
        return [
            {"name": name, "value": self.typed[end], "label": f"{self.label}, {word}"}
            for name, end, word in zip(names, ENDS, words, strict=True)
        ]

    @property
    def bounded(self) -> bool:
        return bool(self.lane or self.limit)


class Limits:
    """What was typed, read into the mapping that the action takes; every fault stays beside its row."""

    def __init__(
        self, document: dict[str, Any], bounds: dict[str, Any], data: Mapping[str, str] | None
    ) -> None:
        self.data = data
        held = bounds["knobs"]
        known = {knob.path: knob.label for knob in engine_knobs.knobs(document)}
        paths = [*known, *(path for path in held if path not in known)]
        self.rows = [
            self._row(path, known.get(path, engine_knobs.label(path)), document, held) for path in paths
        ]
        self.models_text = "\n".join(bounds["models"]) if data is None else str(data.get("models", ""))
        self.reason = "" if data is None else str(data.get("reason", "")).strip()
        self.other_errors: list[str] = []
        self.knobs: dict[str, Any] = {}

    @property
    def models(self) -> list[str]:
        """Return the approved models: one a line, blank lines left out, none twice."""
        return list(dict.fromkeys(line.strip() for line in self.models_text.splitlines() if line.strip()))

    @property
    def faulty(self) -> bool:
        return bool(self.other_errors or any(row.errors for row in self.rows))

    def is_valid(self) -> bool:
        """Read every cell; knobs left empty are not bounded."""
        for row in self.rows:
            bound = {key: self._range(row, key) for key in ("lane", "limit")}
            if row.reason or any(bound.values()):
                self.knobs[row.path] = {**bound, "reason": row.reason}
        return not self.faulty

    def add_errors(self, errors: list[dict[str, str]]) -> None:
        """Put what the action refused beside the row it is about."""
        for error in errors:
            path = error["path"].removeprefix("guardrails.").removeprefix("knobs.")
            row = next(
                (row for row in self.rows if path == row.path or path.startswith(f"{row.path}.")), None
            )
            (row.errors if row else self.other_errors).append(error["message"])

    def _row(self, path: str, label: str, document: dict[str, Any], held: dict[str, Any]) -> Row:
        bound = held.get(path) or {}
        ends = [*(bound.get("lane") or ("", "")), *(bound.get("limit") or ("", ""))]
        typed = {end: _plain(value) for end, value in zip(ENDS, ends, strict=True)}
        reason = str(bound.get("reason", ""))
        if self.data is not None:
            typed = {end: str(self.data.get(f"{path}:{end}", "")).strip() for end in ENDS}
            reason = str(self.data.get(f"{path}:reason", "")).strip()
        live = engine_knobs.written(path, engine_knobs.value_at(document, path))
        lane, limit = (_range_words(path, bound.get(key)) for key in ("lane", "limit"))
        return Row(path, label, live, engine_knobs.unit(path), typed, reason, lane, limit)

    def _range(self, row: Row, key: str) -> list[float] | None:
        low, high = (row.typed[f"{key}-{end}"] for end in ("low", "high"))
        if not low and not high:
            return None
        numbers = [_number(text) for text in (low, high)]
        if None in numbers:
            row.errors.append(f"The {key} has to be two numbers, the lower first.")
        return [number for number in numbers if number is not None]


def tell_who(rows: list[Row], guardrail: Guardrail) -> None:
    """Write beside each row who set it as it stands, and when: the oldest of the newest entries that agree."""
    history = list(guardrail.history.order_by("-history_date")[:HISTORY])
    for row in rows:
        now = guardrail.knobs.get(row.path)
        for entry in history:
            if not now or entry.knobs.get(row.path) != now:
                break
            row.set_by, row.set_at = entry.set_by, entry.history_date


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _range_words(path: str, bound: Any) -> str:
    return (
        f"{engine_knobs.written(path, bound[0])} to {engine_knobs.written(path, bound[1])}" if bound else ""
    )
