"""The form of guardrails: one row a knob, lane, limit and step as numbers, and why. Never saves.

A shared lane has no document: its rows are the knobs that every use case has, those it bounds, and one more by path.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from routing.engine import knobs as engine_knobs
from usecases import fields, lanes, step_gates, strictest
from usecases.actions import guardrails as actions
from usecases.fields import THRESHOLDS
from usecases.models import Guardrail, Lane
from usecases.term_forms import TermForm

ENDS = ("lane-low", "lane-high", "limit-low", "limit-high", "step-most", "step-hours")
USUAL_HOURS = 24.0
SIGNS = {"usd": "$", "seconds": "s", "share": "%"}
COMMON = ("bands.answer.from", "bands.review.from", *(f"thresholds.{key}" for key in THRESHOLDS))


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
    step: str = ""
    said: list[str] = field(default_factory=list)
    set_by: str = ""
    set_at: datetime | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[dict[str, str]]:
        words = ("lane from", "lane to", "limit from", "limit to", "step at most", "step in hours")
        names = (f"{self.path}:{end}" for end in ENDS)
        return [
            {
                "name": name,
                "value": self.typed[end],
                "label": f"{self.label}, {word}",
                "group": word.partition(" ")[0],
            }
            for name, end, word in zip(names, ENDS, words, strict=True)
        ]

    @property
    def bounded(self) -> bool:
        return bool(self.lane or self.limit or self.step)


class Limits:
    """What was typed, read into the mapping that the action takes; every fault stays beside its row."""

    def __init__(
        self, document: dict[str, Any] | None, bounds: dict[str, Any], data: Mapping[str, str] | None
    ) -> None:
        self.data = data
        self.document = document
        held = bounds["knobs"]
        known = {path: engine_knobs.label(path) for path in COMMON}
        if document is not None:
            known = {knob.path: knob.label for knob in engine_knobs.knobs(document)}
        paths = dict.fromkeys([*known, *held, *self._typed_paths()])
        self.rows = [self._row(path, known.get(path, engine_knobs.label(path)), held) for path in paths]
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
        return bool(self.other_errors or self.faulty_rows)

    @property
    def faulty_rows(self) -> list[Any]:
        return [row for row in self.rows if row.errors]

    def is_valid(self) -> bool:
        """Read every cell; knobs left empty are not bounded."""
        for row in self.rows:
            bound: dict[str, Any] = {key: self._range(row, key) for key in ("lane", "limit")}
            step = self._step(row)
            bound |= {"step": step} if step else {}
            if row.reason or any(bound.values()):
                self.knobs[row.path] = {**bound, "reason": row.reason}
        return not self.faulty

    def add_errors(self, errors: Iterable[Mapping[str, str]]) -> None:
        """Put what the action refused beside the row it is about; a row that cannot be read has its fault already."""
        told = self.faulty_rows
        for error in errors:
            path = error["path"].removeprefix("guardrails.").removeprefix("knobs.")
            row = next(
                (row for row in self.rows if path == row.path or path.startswith(f"{row.path}.")), None
            )
            if row not in told:
                (row.errors if row else self.other_errors).append(error["message"])

    def _typed_paths(self) -> list[str]:
        """Return the knobs that a form of a shared lane sent, and the one that it asks for besides."""
        if self.document is not None or self.data is None:
            return []
        tail = f":{ENDS[0]}"
        paths = [key.removesuffix(tail) for key in self.data if key.endswith(tail)]
        return [*paths, *([more] if (more := str(self.data.get("more", "")).strip()) else [])]

    def _row(self, path: str, label: str, held: dict[str, Any]) -> Row:
        bound = held.get(path) or {}
        ends = [*(bound.get("lane") or ("", "")), *(bound.get("limit") or ("", ""))]
        step = bound.get("step") or {}
        ends += [step.get("at_most", ""), step.get("hours", "")]
        typed = {end: _plain(value) for end, value in zip(ENDS, ends, strict=True)}
        reason = str(bound.get("reason", ""))
        if self.data is not None:
            typed = {end: str(self.data.get(f"{path}:{end}", "")).strip() for end in ENDS}
            reason = str(self.data.get(f"{path}:reason", "")).replace("\r\n", "\n").strip()
        live = ""
        if self.document is not None:
            live = engine_knobs.written(path, engine_knobs.value_at(self.document, path))
        lane, limit = (_range_words(path, bound.get(key)) for key in ("lane", "limit"))
        said = "; ".join(step_gates.words(path, one) for one in strictest.steps_of(bound))
        return Row(path, label, live, engine_knobs.unit(path), typed, reason, lane, limit, said)

    def _step(self, row: Row) -> dict[str, float] | None:
        most, hours = row.typed["step-most"], row.typed["step-hours"]
        if not most:
            return None
        numbers = [_number(most, row.unit), _number(hours) if hours else USUAL_HOURS]
        if None in numbers:
            row.errors.append("The step has to be a number, and in how many hours.")
            return None
        return {"at_most": float(numbers[0] or 0), "hours": float(numbers[1] or 0)}

    def _range(self, row: Row, key: str) -> list[float] | None:
        low, high = (row.typed[f"{key}-{end}"] for end in ("low", "high"))
        if not low and not high:
            return None
        numbers = [_number(text, row.unit) for text in (low, high)]
        if None in numbers:
            row.errors.append(f"The {key} has to be two numbers, the lower first.")
        return [number for number in numbers if number is not None]


def read(form: Limits, terms: TermForm) -> dict[str, Any] | None:
    """Read both halves of what was typed; with something wrong say all of it at once, what the action minds too."""
    said = terms.values
    if not form.is_valid() or terms.faults:
        told = actions.check_limits({"knobs": form.knobs, "models": form.models, **(said or {})})
        form.add_errors(terms.add_errors(told))
    return said


def tell_who(rows: list[Row], guardrail: Guardrail | Lane) -> None:
    """Write beside each row who set it as it stands, and when."""
    entries = lanes.set_as_it_stands(guardrail)
    for row in rows:
        if row.path in entries:
            row.set_by, row.set_at = entries[row.path].set_by, entries[row.path].history_date


def _number(text: str, unit: str = "") -> float | None:
    """Read a number as its knob writes it: “5%” is 0.05, “$0.05” and “8 s” are what they say."""
    sign = SIGNS.get(unit, "")
    value = fields.number(text, sign)
    if not fields.is_number(value):
        return None
    return round(value / 100, 10) if sign == "%" and sign in text else float(value)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _range_words(path: str, bound: Any) -> str:
    return (
        f"{engine_knobs.written(path, bound[0])} to {engine_knobs.written(path, bound[1])}" if bound else ""
    )
