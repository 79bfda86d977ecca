"""All that a document can come to, as a table: the decision for each course and each slot.

A slot is what `decide` makes a difference for: the stretch of confidence between two edges of the document, a
confidence that cannot be used, no answer at all, one of the three thresholds. The decisions are the engine's own: each
course is asked to judge one request of each slot. One more slot is for rows of which nothing can be known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.engine.courses import Course, Courses
from routing.engine.decide import Compiled, Decision
from routing.engine.schema import Rule, Thresholds
from routing.replay.columns import Floats, Mask

STOPS: Final = ("sensitivity", "retrieval_score", "spent_today_usd")
_NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Verdicts:
    """A document's decisions by course and slot, and what a replay must know of each course.

    Courses are those of the document (one a rule, one for no rule), then those of held-out requests. `decisions` has
    `slots` entries a course; None is "not knowable". `asks` tells which courses ask a model, `first` from which rung
    on, `trusts` which of them believe a reported confidence.
    """

    compiled: Compiled
    rules: tuple[Rule, ...]
    held_rules: tuple[Rule, ...]
    edges: Floats
    decisions: tuple[Decision | None, ...]
    asks: Mask
    first: NDArray[np.uint8]
    trusts: Mask
    audit_share: Floats

    @property
    def held_out(self) -> bool:
        """Tell whether there are courses of held-out requests."""
        return len(self.asks) > len(self.rules) + 1

    @property
    def slots(self) -> int:
        """Return how many slots each course has."""
        return len(self.edges) + 3 + len(STOPS)

    @property
    def unsure(self) -> int:
        """Return the slot of a confidence that cannot be used; after it comes the one of no answer at all."""
        return len(self.edges)

    def stop(self, name: str) -> int:
        """Return the slot of a threshold."""
        return len(self.edges) + 2 + STOPS.index(name)

    @property
    def lost(self) -> int:
        """Return the slot of what cannot be known."""
        return self.slots - 1

    @property
    def rungs(self) -> tuple[tuple[str, float], ...]:
        """Return the whole ladder."""
        ladder = self.compiled.courses.document.ladder
        return tuple((rung.model, rung.accept_from) for rung in ladder)

    @property
    def thresholds(self) -> Thresholds:
        """Return the enforced document's limits."""
        return self.compiled.courses.document.thresholds


def verdicts(compiled: Compiled) -> Verdicts:
    """Ask the engine for everything that a document can come to."""
    held = compiled.held_out if compiled.held_out and compiled.courses.holdout_share else None
    groups = [compiled.courses, *([held] if held else [])]
    edges = _edges(compiled.courses)
    ways = [(group, course) for group in groups for course in group.all]
    rungs = len(compiled.courses.document.ladder)
    asking = [course.asking for _, course in ways]
    return Verdicts(
        compiled=compiled,
        rules=_enabled(compiled.courses),
        held_rules=_enabled(held) if held else (),
        edges=edges,
        decisions=tuple(decision for group, course in ways for decision in _judged(group, course, edges)),
        asks=np.array([plan is not None for plan in asking], np.bool_),
        first=np.array([rungs - len(plan.rungs) if plan else 0 for plan in asking], np.uint8),
        trusts=np.array([group.trusts for group, _ in ways], np.bool_),
        audit_share=np.array([group.outcomes.audit_share for group, _ in ways], np.float64),
    )


def _enabled(courses: Courses) -> tuple[Rule, ...]:
    return tuple(rule for rule in courses.document.rules if rule.enabled)


def _edges(courses: Courses) -> Floats:
    """Return every confidence at which any course may change its mind, 0 first."""
    moved = (rule.then.answer_from for rule in courses.document.rules if rule.enabled)
    floors = [band.floor for band in courses.document.bands]
    return np.unique(np.array([0.0, *floors, *(edge for edge in moved if edge is not None)], np.float64))


def _judged(group: Courses, course: Course, edges: Floats) -> Iterator[Decision | None]:
    """Yield one course's decisions, slot by slot. Without a request id no audit is drawn."""
    for edge in edges.tolist():
        yield course.judge({"confidence": edge}, None)
    unsure = course.judge({"confidence": None}, None)
    yield unsure
    yield course.judge({"error": "no answer"}, None)
    for name in STOPS:
        yield course.judge({name: _NAN}, None)
    # What a course decides whatever is reported needs no model, so nothing about it is unknown.
    yield unsure if course.asking is None and course.stops is None else None


def outside(name: str, limits: Thresholds, values: Floats) -> Mask | None:
    """Return where a threshold stops the request; None where the check is off. NaN is outside of everything."""
    if name == "sensitivity" and limits.sensitivity is not None:
        return ~((values > -np.inf) & (values <= limits.sensitivity))
    if name == "retrieval_score" and limits.retrieval_score is not None:
        return ~((values >= limits.retrieval_score) & (values < np.inf))
    if name == "spent_today_usd" and limits.daily_budget_usd is not None:
        return ~((values > -np.inf) & (values < limits.daily_budget_usd))
    return None


def labels(table: Verdicts) -> Mapping[str, int]:
    """Return the names of what decisions fall into, numbered: a band's, else the action, else not knowable."""
    names = dict.fromkeys(label(decision) for decision in table.decisions)
    return {name: place for place, name in enumerate(names)}


def label(decision: Decision | None) -> str:
    """Name what one decision falls into."""
    return "not_knowable" if decision is None else decision.band or decision.action
