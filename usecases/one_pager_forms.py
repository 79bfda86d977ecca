"""The form of a one-pager: every question with what was typed or is kept, and what is wrong beside it. Never saves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from usecases import one_pagers
from usecases.one_pagers import DPIA, PARTS, SHEET, Question

GROUPS = (
    ("What for", ("problem", "users", "hypothesis", "time_box")),
    ("How it is measured", ("kpi", "kpi_unit", "kpi_direction", "kpi_baseline", "kpi_target")),
    ("Limits and data", ("guardrails", "kill_criteria", "data_sources", "residency")),
    ("Risk", ("risk_why", "personal_data")),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One question as a field. `errors`: what is wrong with what was typed."""

    part: str
    question: Question
    value: str
    needed: bool
    errors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.part}.{self.question.key}"

    @property
    def shown(self) -> str:
        """The answer as people read it."""
        return one_pagers.shown(self.question, {self.question.key: self.value})


class SheetForm:
    """What is kept, or what was typed; errors by the name of their field, the rest apart."""

    def __init__(self, held: Mapping[str, Any], risk: str, data: Mapping[str, str] | None = None) -> None:
        self.sheet = {part: dict(held[part]) for part in PARTS}
        if data is not None:
            self.sheet = {
                part: {q.key: data.get(f"{part}.{q.key}", "") for q in asked} for part, asked in _ASKED
            }
        self.risk = risk
        self.errors: dict[str, list[str]] = {}
        self.other_errors: list[str] = []

    def add_errors(self, errors: list[dict[str, str]], otherwise: str) -> None:
        """Sort a refusal's errors to their fields; what has none stands above them all."""
        for error in errors:
            name = error["path"].removeprefix("one_pager.")
            known = any(name == f"{part}.{q.key}" for part, asked in _ASKED for q in asked)
            (self.errors.setdefault(name, []) if known else self.other_errors).append(error["message"])
        if not errors:
            self.other_errors.append(otherwise)

    @property
    def faulty(self) -> bool:
        return bool(self.errors or self.other_errors)

    @property
    def wrong(self) -> list[Field]:
        """The fields with errors, to go to."""
        return [field for group in (*self.groups, ("", self.dpia)) for field in group[1] if field.errors]

    @property
    def groups(self) -> list[tuple[str, list[Field]]]:
        """The questions of the sheet, in groups."""
        fields = {question.key: self._field("answers", question) for question in SHEET}
        return [(words, [fields[key] for key in keys]) for words, keys in GROUPS]

    @property
    def by_key(self) -> dict[str, Field]:
        """The questions of the sheet by key, for the page that shows it."""
        return {question.key: self._field("answers", question) for question in SHEET}

    @property
    def dpia(self) -> list[Field]:
        return [self._field("dpia", question) for question in DPIA]

    @property
    def personal(self) -> bool:
        """There is personal data, so that the assessment is asked for."""
        return self.sheet["answers"].get("personal_data") == "yes"

    def _field(self, part: str, question: Question) -> Field:
        answers, dpia = self.sheet["answers"], self.sheet["dpia"]
        needed = (
            question.needed
            if part == "answers"
            else one_pagers.dpia_needs(question, answers, dpia, self.risk)
        )
        value = self.sheet[part].get(question.key, "")
        return Field(part, question, value, needed, tuple(self.errors.get(f"{part}.{question.key}", ())))


_ASKED = tuple((part, one_pagers.QUESTIONS[part]) for part in PARTS)
