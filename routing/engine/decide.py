"""`decide`: what happens with one request. Pure and total: no clock, no I/O, no exception for any request.

The order, first come first served:
1. The state. On baseline the baseline document decides, whatever the confidence.
2. The holdout: a random share of requests gets the baseline's decision.
3. The first enabled rule that matches. If it sends the request to a person, that is the decision.
4. Thresholds on what was reported: too sensitive, nothing to cite, budget spent. A person answers.
5. The error: no model answered. The lowest band, or a person where that one answers.
6. The rule's `answer`, else the bands by confidence; a rule's `answer_from` moves the answering band's lower edge.
   Callers report what the model said. Where the model that stands has a calibration map, the calibrated confidence is
   judged.
7. The audit: a random share of answers is copied to a person.

A document is compiled once (`compile_document`); the rules become one generated function (`conditions`), and each
possible decision is made once and shared.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from routing.engine.baseline import BUILT_IN
from routing.engine.calibration import calibrated
from routing.engine.courses import Course, Courses
from routing.engine.decision import Decision, Plan
from routing.engine.digest import canonical, digest
from routing.engine.outcomes import Stamp
from routing.engine.sampling import share
from routing.engine.schema import ConfigDocument
from routing.engine.states import effective
from routing.engine.validation import parse

__all__ = ["Compiled", "Decision", "Plan", "compile_document", "decide"]

Decide = Callable[[object, object], Decision]

_NOTHING: Mapping[str, object] = {}
_TEXTS = {
    "answer": None,
    "review": "A colleague will check the answer and come back to you.",
    "escalate": "A colleague will answer you personally.",
}


class Compiled:
    """A document made ready to decide. Never changes; swap the whole reference for a new version.

    `document` is the enforced one and `digest` its digest. `decide(context, signals)` and `plan(context, signals)`
    take anything; what is not a mapping counts as empty. `courses` are the ways through it, `held_out` those of
    held-out requests (None outside of `live`); replay judges with the same ones.
    """

    __slots__ = (
        "baseline",
        "courses",
        "decide",
        "digest",
        "document",
        "held_out",
        "plan",
        "state",
        "version",
    )

    def __init__(
        self,
        document: Mapping[str, Any],
        *,
        version: int,
        state: str,
        baseline: Mapping[str, Any],
        message: str,
    ) -> None:
        self.version = version
        self.state = state
        self.baseline = dict(baseline)
        self.document = effective(document, baseline, state, message)
        self.digest = digest(self.document)
        stamp = Stamp(version, self.digest, state)
        turned = _turned(document) if state == "review_all" else frozenset()
        self.courses = Courses(_read(self.document), stamp, turned)
        self.held_out: Courses | None = None
        if state == "live":
            self.held_out = Courses(_read(baseline), Stamp(version, self.digest, "holdout"))
        self.decide: Decide
        self.plan: Callable[[object, object], Plan]
        self.decide, self.plan = _functions(self.courses, self.held_out)

    def judged(self, model: object, confidence: float | None) -> float | None:
        """Return the confidence that rungs and bands judge where this model stands; None where it reported none."""
        line = self.courses.maps.get(model) if isinstance(model, str) else None
        return confidence if confidence is None or line is None else calibrated(line, confidence)

    def text(self, decision: Decision) -> str | None:
        """Return what the customer reads in place of a model's answer; None for an `answer` without curated text."""
        source = self.baseline if decision.holdout else self.document
        written = (source.get("messages") or {}).get(decision.action)
        return written or _TEXTS[decision.action]


def compile_document(
    document: Mapping[str, Any],
    *,
    version: int = 0,
    state: str = "live",
    baseline: Mapping[str, Any] | None = None,
    message: str = "",
) -> Compiled:
    """Make a document ready to decide.

    Without a baseline the built-in one counts. Raises `InvalidDocument` for a faulty document or baseline, and
    `ValueError` for an unknown state.
    """
    given = BUILT_IN if baseline is None else baseline
    parse(document)
    parse(given, baseline=True)
    return Compiled(document, version=version, state=state, baseline=given, message=message)


def decide(
    document: Mapping[str, Any],
    context: object,
    signals: object,
    *,
    version: int = 0,
    state: str = "live",
    baseline: Mapping[str, Any] | None = None,
    message: str = "",
) -> Decision:
    """Decide one request. Raises what `compile_document` raises, and nothing for any context and signals.

    The last documents are kept compiled; who decides often holds a `Compiled` and saves finding it again.
    """
    try:
        known = canonical([document, baseline])
    except (ValueError, RecursionError):
        parse(document)
        parse(BUILT_IN if baseline is None else baseline, baseline=True)
        raise
    return _compiled(known, version, state, message).decide(context, signals)


@lru_cache(maxsize=64)
def _compiled(known: bytes, version: int, state: str, message: str) -> Compiled:
    document, baseline = json.loads(known)
    return compile_document(document, version=version, state=state, baseline=baseline, message=message)


def _read(document: Mapping[str, Any]) -> ConfigDocument:
    """Read an enforced document, whose parts were checked before."""
    return ConfigDocument.model_validate(document)


def _turned(document: Mapping[str, Any]) -> frozenset[str]:
    """Name the bands and rules that answer in the live document: `band <name>`, `rule <id>`."""
    bands = (f"band {band['name']}" for band in document["bands"] if band["action"] == "answer")
    rules = (f"rule {r['id']}" for r in document.get("rules", []) if r["then"].get("action") == "answer")
    return frozenset([*bands, *rules])


def _functions(courses: Courses, held_out: Courses | None) -> tuple[Decide, Callable[[object, object], Plan]]:
    """Return `decide` and `plan` as closures: a name in a closure is read faster than an attribute."""
    ways, match = courses.all, courses.match
    others, match_others = (held_out or courses).all, (held_out or courses).match
    split = courses.holdout_share if held_out else 0.0

    def find(context: object) -> tuple[Course, object]:
        given: Mapping[str, object] = context if type(context) is dict else _mapping(context)
        request_id = given.get("request_id")
        if split and type(request_id) is str and request_id and share(request_id, "holdout") < split:
            return others[match_others(given)], request_id
        return ways[match(given)], request_id

    def decide_one(context: object, signals: object) -> Decision:
        course, request_id = find(context)
        return course.judge(signals if type(signals) is dict else _mapping(signals), request_id)

    def plan_one(context: object, signals: object) -> Plan:
        course, request_id = find(context)
        given = _mapping(signals)
        if course.asking is None or (course.stops and course.stops(given)):
            return Plan(course.judge(given, request_id))
        return course.asking

    return decide_one, plan_one


def _mapping(value: object) -> Mapping[str, object]:
    """Return what can be looked into; anything else is empty."""
    return value if isinstance(value, Mapping) else _NOTHING
