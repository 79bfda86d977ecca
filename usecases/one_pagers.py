"""What the one-pager of a use case asks, how much of it is answered, and what is wrong with an answer. Pure.

Answers are text by the key of their question: `answers` for the sheet, `dpia` for the data protection impact
assessment (GDPR 35), which is asked for where personal data is processed. What is not there is not answered yet.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from routing.engine.json_checks import json_faults
from usecases import fields

Answers = dict[str, str]
Sheet = dict[str, Answers]
Faults = list[dict[str, str]]

LONG: Final = 2000
SHORT: Final = 120
PARTS: Final = ("answers", "dpia")
_LARGE: Final = 10**15
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `kind`: text, line, number, date or choice; `brief`: what it is called where it is missing."""

    key: str
    words: str
    help: str = ""
    kind: str = "text"
    brief: str = ""
    needed: bool = True
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return self.brief or self.key.replace("_", " ")

    @property
    def limit(self) -> int:
        """The most characters of an answer."""
        return LONG if self.kind == "text" else SHORT


SHEET: Final = (
    Question("problem", "Problem", "What goes wrong, takes too long or costs too much today."),
    Question("users", "Users", "Who works with it, and whose requests it answers."),
    Question("kpi", "KPI", "The one number that says whether it is worth it.", "line", "KPI"),
    Question(
        "kpi_unit", "Unit", "Such as minutes, % or $ per task.", "line", "unit of the KPI", needed=False
    ),
    Question(
        "kpi_direction",
        "Better is",
        kind="choice",
        brief="direction of the KPI",
        choices=(("lower", "Lower"), ("higher", "Higher")),
    ),
    Question("kpi_baseline", "Baseline", "What it is today, as measured.", "number", "baseline of the KPI"),
    Question("kpi_target", "Target", "What it has to reach.", "number", "target of the KPI"),
    Question(
        "hypothesis", "Hypothesis", "If assistants do this, then that happens, because …; it can prove wrong."
    ),
    Question("time_box", "Time box", "When it is decided whether it stays.", "date", "time box"),
    Question(
        "guardrails",
        "Guardrails in words",
        "What it must never do, and what people always look at.",
        brief="guardrails in words",
    ),
    Question("data_sources", "Data sources", "What it reads, and who owns that.", brief="data sources"),
    Question("residency", "Residency", "Where data is kept and where models run."),
    Question("kill_criteria", "Kill criteria", "What has it stopped, without a debate.", brief="kill criteria"),
    Question("risk_why", "Why this risk tier", "What happens to whom when it is wrong.", brief="why this risk tier"),
    Question(
        "personal_data",
        "Personal data",
        "Does it read or write data about people who can be told apart?",
        "choice",
        "whether there is personal data",
        choices=(("yes", "Yes"), ("no", "No")),
    ),
)  # fmt: skip
DPIA: Final = (
    Question(
        "categories",
        "What personal data",
        "Name special categories too: health, beliefs, biometrics …",
        brief="what personal data",
    ),
    Question(
        "people",
        "Whose",
        "Customers, claimants, colleagues, children …",
        brief="whose data it is",
    ),
    Question(
        "lawful_basis",
        "Lawful basis",
        "GDPR 6(1)",
        "choice",
        "lawful basis",
        choices=(
            ("consent", "Consent"),
            ("contract", "Contract"),
            ("legal_obligation", "Legal obligation"),
            ("vital_interests", "Vital interests"),
            ("public_task", "Public task"),
            ("legitimate_interests", "Legitimate interests"),
        ),
    ),
    Question("necessity", "Necessity", "Why it cannot be done with less, and what is left out."),
    Question("retention", "Retention", "How long what is kept, and what deletes it."),
    Question("recipients", "Who sees it", "Desks, processors, model providers.", brief="who sees it"),
    Question("transfers", "Transfers", "Countries outside the EEA and on what ground; or none."),
    Question(
        "automated",
        "Decisions with legal effect",
        "Does it decide by itself, with legal or similarly significant effect? GDPR 22",
        "choice",
        "decisions with legal effect",
        choices=(("no", "No"), ("person", "A person decides"), ("yes", "Yes, by itself")),
    ),
    Question(
        "automated_rights",
        "How people contest it",
        "Who looks at it again, and how they are told.",
        brief="how people contest a decision",
        needed=False,
    ),
    Question("risks", "Risks to people", "What could go wrong for them, how likely, how bad.", brief="risks"),
    Question("measures", "Measures", "What is done about each risk, and what is left over."),
    Question(
        "consultation",
        "Consultation",
        "What the data protection officer, and those whose data it is, had to say.",
        needed=False,
    ),
)  # fmt: skip
QUESTIONS: Final = {"answers": SHEET, "dpia": DPIA}


BY_KEY: Final = {part: {question.key: question for question in asked} for part, asked in QUESTIONS.items()}


@dataclass(frozen=True, slots=True)
class State:
    """How much is answered of what is needed; `missing`: what is not, in words."""

    answered: int
    needed: int
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def told(self) -> str:
        """Say it in a few words."""
        return f"{self.answered} of {self.needed} answered"


def completeness(answers: Mapping[str, str], dpia: Mapping[str, str], risk: str) -> State:
    """Return how much is answered of what a use case of this risk needs."""
    needed = [(q, answers.get(q.key)) for q in SHEET if q.needed]
    needed += [(q, dpia.get(q.key)) for q in DPIA if dpia_needs(q, answers, dpia, risk)]
    missing = tuple(question.name for question, answer in needed if not answer)
    return State(len(needed) - len(missing), len(needed), missing)


def dpia_needs(question: Question, answers: Mapping[str, str], dpia: Mapping[str, str], risk: str) -> bool:
    """Say whether a question of the assessment has to be answered: none without personal data."""
    if answers.get("personal_data") != "yes":
        return False
    if question.key == "automated_rights":
        return dpia.get("automated") == "yes"
    return question.needed or (question.key == "consultation" and risk == "high")


NOTHING: Final = completeness({}, {}, "")


def read(given: Any) -> tuple[Sheet, Faults]:
    """Return `{answers, dpia}` as kept, and every fault of what came from outside with its path.

    Files may say numbers, dates and yes or no as such; they are kept as text. An empty answer is none.
    """
    sheet: Sheet = {part: {} for part in PARTS}
    if not isinstance(given, Mapping):
        return sheet, [_fault("", "has to be an object with “answers” and “dpia”.")]
    wrong = [
        _fault(str(key), "is not known here; use “answers” and “dpia”.") for key in given if key not in PARTS
    ]
    for part in PARTS:
        answers = {} if given.get(part) is None else given[part]
        if not isinstance(answers, Mapping):
            wrong.append(_fault(part, "has to be an object of answers by question."))
            continue
        for key, value in answers.items():
            question = BY_KEY[part].get(key)
            text = None if question is None else as_text(question, value)
            why = "is no question." if question is None else _wrong(question, value, text)
            if why:
                wrong.append(_fault(f"{part}.{key}", why, question.words if question else ""))
            elif text:
                sheet[part][key] = text
    # What has no one spelling could not be recorded.
    return sheet, wrong or [_fault(fault.path, fault.message) for fault in json_faults(sheet)]


def as_text(question: Question, value: Any) -> str | None:
    """Write an answer as it is kept; None for what is no answer at all."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return ("no", "yes")[value]
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value.isoformat()
    if fields.is_number(value):
        return fields.plain(value) if abs(value) < _LARGE else str(value)
    if not isinstance(value, str):
        return None
    text = value.replace("\r\n", "\n").strip()
    number = fields.number(text) if question.kind == "number" and text else text
    return fields.plain(number) if fields.is_number(number) else text


def _wrong(question: Question, value: Any, text: str | None) -> str:
    """Say what is wrong with one answer; empty where nothing is."""
    if text is None:
        return "has to be text."
    if not text:
        return ""
    if len(text) > question.limit:
        return f"has {len(text):,} characters; {question.limit:,} at most, it has to fit on a page."
    if question.kind == "number" and not fields.is_number(fields.number(text)):
        return "has to be a number, such as 4.5; its unit goes beside it."
    if question.kind == "date" and not _is_date(text):
        return "has to be a date, such as 2027-03-31."
    if question.choices and text not in dict(question.choices):
        return f"has to be one of {', '.join(key for key, _ in question.choices)}."
    if question.kind != "text" and "\n" in text:
        return "has to be one line."
    return ""


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _fault(path: str, words: str, name: str = "") -> dict[str, str]:
    where = ".".join(filter(None, ["one_pager", path]))
    return {"path": where, "message": f"“{name or path or 'one_pager'}” {words}"}


def warnings(answers: Mapping[str, str], today: date) -> list[str]:
    """Say what reads odd, though it may be meant: the time is over, the target is the worse number."""
    found = []
    ends = answers.get("time_box", "")
    if _is_date(ends) and date.fromisoformat(ends) < today:
        found.append("The time box is over: decide whether it stays, or set another one.")
    numbers = [fields.number(answers.get(key, "")) for key in ("kpi_baseline", "kpi_target")]
    if all(fields.is_number(number) for number in numbers) and answers.get("kpi_direction"):
        baseline, target = numbers
        if target == baseline or (target > baseline) != (answers["kpi_direction"] == "higher"):
            found.append("The target is no better than the baseline, as “Better is” says it.")
    return found


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Name the questions whose answers differ, in their order."""
    return [
        question.name
        for part in PARTS
        for question in QUESTIONS[part]
        if (old.get(part) or {}).get(question.key) != (new.get(part) or {}).get(question.key)
    ]


def listed(names: list[str], most: int = 5) -> str:
    """Name the first few."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def shown(question: Question, answers: Mapping[str, str]) -> str:
    """Write an answer as people read it."""
    answer = answers.get(question.key, "")
    if question.kind == "date" and _is_date(answer):
        return f"{date.fromisoformat(answer):%-d %b %Y}"
    return dict(question.choices).get(answer, answer)
