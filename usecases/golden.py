"""How a document does on a golden set: cases with their recorded signals, and what has to come out. Pure.

A case is decided as the assistants would: the ladder is climbed over the recorded answers. No model is called, so a
score is known only for the prompt, index, source of confidence and models that the signals were recorded under.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from routing.engine.decide import compile_document
from routing.engine.digest import digest
from routing.engine.validation import InvalidDocument
from routing.imports.deciding import Decider, Judged
from routing.imports.records import Answer, Recorded

Case = Mapping[str, Any]

ACTIONS: Final = ("answer", "review", "escalate")
EXPECTED: Final = ("action", "queue", "rule", "model")
SOURCE: Final = "confidence.source"
_USUAL_SOURCE: Final = "context"  # as the engine's, where a document says none
_NOW: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_FAILING: Final = 50
_SPACED: Final = str.maketrans("_.", "  ")


@dataclass(frozen=True, slots=True)
class Failing:
    """A case that did not come out as expected, and why it came out as it did."""

    case: str
    expected: str
    got: str
    why: str

    def as_dict(self) -> dict[str, str]:
        return {"case": self.case, "expected": self.expected, "got": self.got, "why": self.why}


@dataclass(frozen=True, slots=True)
class Score:
    """How many cases came out as expected. `gap`: why that is not knowable; empty where it is."""

    cases: int
    right: int
    failing: tuple[Failing, ...] = ()
    gap: str = ""

    @property
    def share(self) -> float:
        return self.right / self.cases if self.cases else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return what is frozen into a change; of what fails the first fifty."""
        failing = [one.as_dict() for one in self.failing[:_MOST_FAILING]]
        return {"cases": self.cases, "right": self.right, "gap": self.gap, "failing": failing}

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> "Score":
        """Read a score as it was frozen."""
        failing = tuple(Failing(**one) for one in held["failing"])
        return cls(held["cases"], held["right"], failing, held["gap"])


def content(cases: Sequence[Case], pins: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of a golden set."""
    return digest([list(cases), dict(pins), list(models)])


def recorded_under(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return pins and models of a document, as a golden set keeps them; among the pins where confidence comes from."""
    models = [
        {"name": model["name"], "litellm": model["litellm"], "api_base": model.get("api_base")}
        for model in document.get("models") or []
    ]
    held = document.get("confidence")
    source = (held.get("source") if isinstance(held, Mapping) else None) or _USUAL_SOURCE
    pins = {key: value for key, value in (document.get("pins") or {}).items() if value}
    return {**pins, SOURCE: source}, models


def score(
    document: Mapping[str, Any],
    cases: Sequence[Case],
    pins: Mapping[str, Any],
    models: Sequence[Mapping[str, Any]],
) -> Score:
    """Return how a document does on a golden set. A document with faults cannot be scored: `gap` says so."""
    gap = _gap(document, pins, models)
    if gap:
        return Score(len(cases), 0, gap=gap)
    try:
        decider = Decider(compile_document(document), use_case="", now=_NOW)
    except InvalidDocument:
        return Score(len(cases), 0, gap="The document has faults.")
    right, failing = 0, []
    for place, case in enumerate(cases):
        judged = decider.judge(_recorded(place, case, decider.source))
        missing = [one.model for one in judged.climbed.tried if one.error == "not recorded"]
        if missing:
            gap = f"Case {case['id']} asks “{missing[0]}”, of which it records nothing."
            return Score(len(cases), 0, gap=gap)
        found = _failing(case, judged)
        failing += [found] if found else []
        right += not found
    return Score(len(cases), right, tuple(failing))


def _gap(document: Mapping[str, Any], pins: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> str:
    """Say what the signals were recorded under that is another one in the document; empty where nothing is."""
    mine, asked = recorded_under({**document, "models": _models(document)})
    for key in sorted({*mine, *pins}):
        if mine.get(key) != pins.get(key):
            was, now = (f"“{held.get(key)}”" if held.get(key) else "none" for held in (pins, mine))
            return f"Its signals were recorded under {key.translate(_SPACED)} {was}; here it is {now}."
    known = {one.get("name"): one for one in models}
    for model in asked:
        held = known.get(model["name"])
        if held is None:
            return f"Nothing was recorded of the model “{model['name']}”."
        if (held.get("litellm"), held.get("api_base")) != (model["litellm"], model["api_base"]):
            return f"Its signals were recorded of another model than “{model['name']}” is here."
    return ""


def _models(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the models that a document asks: those on its ladder, all where it has none."""
    rungs = {rung.get("model") for rung in _entries(document, "ladder")}
    return [
        model
        for model in _entries(document, "models")
        if {"name", "litellm"} <= model.keys() and (not rungs or model["name"] in rungs)
    ]


def _entries(document: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    items = document.get(part)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _recorded(place: int, case: Case, source: str) -> Recorded:
    """Return a case as the log of one request. Without a request id it is in no random share."""
    signals = dict(case.get("signals") or {})
    answers = {name: _answer(name, held) for name, held in (signals.pop("models", None) or {}).items()}
    model, confidence = signals.pop("model", None), signals.get("confidence")
    if isinstance(model, str):
        answers.setdefault(model, Answer(model, confidence=confidence))
    if source == "context" and confidence is not None:
        for answer in answers.values():
            answer.confidence = confidence
    return Recorded(
        line=place,
        request_id="",
        answers=answers,
        attributes=dict(case.get("attributes") or {}),
        signals=signals,
    )


def _answer(name: str, held: Mapping[str, Any]) -> Answer:
    return Answer(
        name,
        confidence=held.get("confidence"),
        cost_usd=held.get("cost_usd"),
        latency_ms=held.get("latency_ms"),
        error=str(held.get("error") or ""),
    )


def _failing(case: Case, judged: Judged) -> Failing | None:
    decision, expected = judged.decision, case["expected"]
    got = {key: getattr(decision, key) for key in EXPECTED}
    wrong = [key for key in EXPECTED if key in expected and expected[key] != got[key]]
    if not wrong:
        return None
    return Failing(str(case["id"]), _words(expected, wrong), _words(got, wrong), decision.detail)


def _words(outcome: Mapping[str, Any], wrong: Sequence[str]) -> str:
    """Say an outcome: the action, and what else is not as expected."""
    more = [f"{key} {outcome[key] or 'none'}" for key in wrong if key != "action"]
    return ", ".join([str(outcome["action"]), *more])
