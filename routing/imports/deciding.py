"""What a use case's document would have decided about a recorded request, as the row that is stored.

The ladder is climbed by the assistants' own `climb`, over recorded answers instead of models: an answer that took
longer than its model's time limit would have been cut off, a rung that was not recorded gives no answer.
"""

import json
import math
import re
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID, uuid5

from routing.engine.decide import Compiled, Decision
from routing.imports.cells import MOST_TOKENS
from routing.imports.faults import BadRow
from routing.imports.records import INSTANCE, Answer, Recorded
from routing.runtime.climbing import Climb, climb
from routing.runtime.completion import Attempt
from routing.runtime.masking import masked, masked_mapping, masked_value, shortened, storable

MAX_TEXT: Final = 300
MAX_ANSWER: Final = 2_000
MAX_ATTRIBUTE: Final = 1_000
NAMESPACE: Final = UUID("6f0f4f7e-0a34-5b0e-9a55-6d1f3f1f2a10")
# Texts without any of these hold no personal data that masking would find, and are short: most attributes.
_SUSPECT: Final = re.compile(r"[@\d\0\ud800-\udfff]")
_NOTHING: Final = Climb((), None)


@dataclass(frozen=True, slots=True)
class Imported:
    """One row to store: the decision's columns, and whether its standing answer was right (None: not known)."""

    line: int
    decision: dict[str, Any]
    correct: bool | None
    corrected_answer: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What a document makes of a recorded request: the decision, what it was made from, which models were asked."""

    decision: Decision
    signals: dict[str, Any]
    climbed: Climb


class Decider:
    """Decides recorded requests under one document. `now` is the time of rows that carry none."""

    def __init__(self, compiled: Compiled, *, use_case: str, now: datetime) -> None:
        document = compiled.document
        self.compiled = compiled
        self.use_case = use_case
        self.now = now.isoformat()
        self.source = str((document.get("confidence") or {}).get("source") or "context")
        self.missing = float((document.get("confidence") or {}).get("missing") or 0.0)
        self.timeouts = {m["name"]: float(m.get("timeout_s") or 30.0) for m in document.get("models") or []}
        self.order = {name: place for place, name in enumerate(self.timeouts)}
        limits = document.get("thresholds") or {}
        self.cost_cap_usd = limits.get("cost_per_task_usd")
        self.latency_s = limits.get("latency_s")
        self.has_ladder = bool(document.get("ladder"))

    def row(self, recorded: Recorded) -> Imported:
        """Return the row of a recorded request. Raises `BadRow` for sums that no column holds."""
        decided = self._kept(recorded) if recorded.past else self._decided(recorded)
        standing = recorded.answers.get(decided["model"])
        correct = standing.correct if standing else None
        if recorded.past and recorded.past["correct"] is not None:
            correct = recorded.past["correct"]
        wrong = correct is False and recorded.true_answer
        return Imported(
            line=recorded.line,
            decision=self._common(recorded) | decided,
            correct=correct if decided["model"] or recorded.past else None,
            corrected_answer=_text(recorded.true_answer, MAX_ANSWER) if wrong else "",
        )

    def _common(self, recorded: Recorded) -> dict[str, Any]:
        """Return the columns that do not depend on what was decided."""
        answers = sorted(recorded.answers.values(), key=lambda answer: self.order.get(answer.model, 0))
        return {
            "id": recorded.id or self._id(recorded),
            "request_id": recorded.request_id,
            "use_case": self.use_case,
            "instance": INSTANCE,
            "at": recorded.at.isoformat() if recorded.at else self.now,
            "attributes": _json(_attributes(recorded.attributes)),
            "text": _text(recorded.text, MAX_TEXT),
            "tried": _json([_entry(answer) for answer in answers]),
            "sources": "[]",
            "signals": _json(recorded.signals),
        }

    def _id(self, recorded: Recorded) -> str:
        # The same row gives the same id in every run, whatever else the file holds: sent twice, it counts once.
        return str(uuid5(NAMESPACE, f"{recorded.form}\n{self.use_case}\n{recorded.request_id}"))

    # A decision that was made

    def _kept(self, recorded: Recorded) -> dict[str, Any]:
        """Return a decision as it was made; the version belongs to the console that made it."""
        past = dict(recorded.past or {})
        past.pop("correct")
        answers = recorded.answers.values()
        for answer in answers:
            answer.called = True if answer.called is None else answer.called
        called = [answer for answer in answers if answer.called]
        for name in ("cost_usd", "latency_ms", "tokens_in", "tokens_out"):
            if past[name] is None:
                past[name] = sum(getattr(answer, name) or 0 for answer in called)
        past["answer"] = _text(past["answer"], MAX_ANSWER)
        past["detail"] = _text(past["detail"], MAX_ANSWER)
        past["audit_share"] = past["audit_share"] or 0.0
        return _bounded(past | {"version": 0, "digest": ""})

    # A decision that the document makes

    def judge(self, recorded: Recorded) -> Judged:
        """Return what the document decides about a recorded request."""
        context = recorded.attributes | {"request_id": recorded.request_id}
        signals = recorded.signals | self._reported(recorded)
        plan = self.compiled.plan(context, signals)
        decision, climbed = plan.decided, self._asked_by_caller(signals, recorded)
        if decision is None:
            climbed = self._climb(plan.rungs, recorded)
            standing = climbed.standing
            if standing is None:
                signals = recorded.signals | {"error": climbed.error}
            else:
                signals = recorded.signals | {"model": standing.model, "confidence": standing.confidence}
            decision = self.compiled.decide(context, signals)
        return Judged(decision, signals, climbed)

    def _decided(self, recorded: Recorded) -> dict[str, Any]:
        judged = self.judge(recorded)
        decision, signals, climbed = judged.decision, judged.signals, judged.climbed
        called = {attempt.model for attempt in climbed.tried}
        for answer in recorded.answers.values():
            answer.called = answer.model in called
        return self._columns(decision, signals, climbed, recorded)

    def _reported(self, recorded: Recorded) -> dict[str, Any]:
        """Return what the caller reports: without a ladder the one answer recorded is the caller's own."""
        if self.has_ladder or len(recorded.answers) != 1:
            return {}
        answer = next(iter(recorded.answers.values()))
        return {"model": answer.model, "confidence": answer.confidence}

    def _asked_by_caller(self, signals: Mapping[str, Any], recorded: Recorded) -> Climb:
        """Return the one answer that the caller got before it asked for a decision."""
        if "model" not in signals:
            return _NOTHING
        attempt = _attempt(signals["model"], recorded.answers[signals["model"]], math.inf)
        return Climb((attempt,), attempt)

    def _climb(self, rungs: Sequence[tuple[str, float]], recorded: Recorded) -> Climb:
        elapsed_ms = 0.0

        async def ask(model: str, left_s: float | None) -> Attempt:
            nonlocal elapsed_ms
            attempt = _attempt(model, recorded.answers.get(model), self._limit(model, left_s))
            elapsed_ms += attempt.latency_ms
            return attempt

        return _at_once(
            climb(
                rungs,
                ask,
                confidence_of=self._judged,
                cost_cap_usd=self.cost_cap_usd,
                latency_s=self.latency_s,
                clock=lambda: elapsed_ms / 1000,
            )
        )

    def _judged(self, attempt: Attempt) -> float:
        judged = self.compiled.judged(attempt.model, attempt.confidence)
        return self.missing if judged is None else judged

    def _limit(self, model: str, left_s: float | None) -> float:
        limit = self.timeouts[model]
        return limit if left_s is None else min(limit, left_s)

    def _columns(
        self, decision: Decision, signals: Mapping[str, Any], climbed: Climb, recorded: Recorded
    ) -> dict[str, Any]:
        tried = climbed.tried
        standing = recorded.answers.get(decision.model or "")
        confidence = self.compiled.judged(signals.get("model"), signals.get("confidence"))
        return _bounded(
            {
                "version": decision.version,
                "digest": decision.digest,
                "state": self.compiled.state,
                "answer": _text(standing.predicted, MAX_ANSWER) if standing else "",
                "model": decision.model or "",
                "confidence": confidence,
                "signal": self._signal(confidence, climbed),
                "band": decision.band or "",
                "action": decision.action,
                "rule": decision.rule or "",
                "queue": decision.queue or "",
                "reason": decision.reason,
                "detail": decision.detail,
                "audited": decision.audited,
                "audit_share": decision.audit_share,
                "holdout": decision.holdout,
                "cost_usd": sum(a.cost_usd for a in tried),
                "latency_ms": sum(a.latency_ms for a in tried),
                "tokens_in": sum(a.tokens_in for a in tried),
                "tokens_out": sum(a.tokens_out for a in tried),
                "prompt": "",
                "retrieval_index": "",
                "input_digest": "",
                "trace_id": "",
            }
        )

    def _signal(self, confidence: float | None, climbed: Climb) -> str:
        """Name where the confidence came from. A model's own was sent by no caller, whatever the document asks for."""
        if confidence is None:
            return "missing" if climbed.tried else ""
        return "" if self.source == "context" and self.has_ladder else self.source


def _attempt(model: str, answer: Answer | None, limit_s: float) -> Attempt:
    """Return what asking a model would have given."""
    if answer is None:
        return Attempt(model, error="not recorded")
    took = answer.latency_ms or 0.0
    if took > limit_s * 1000:
        return Attempt(model, latency_ms=limit_s * 1000, error=f"no answer within {limit_s:g} s")
    return Attempt(
        model=model,
        answer=None if answer.error else answer.predicted,
        confidence=answer.confidence,
        cost_usd=answer.cost_usd or 0.0,
        latency_ms=took,
        tokens_in=answer.tokens_in or 0,
        tokens_out=answer.tokens_out or 0,
        error=answer.error,
    )


def _at_once(climbing: Coroutine[Any, Any, Climb]) -> Climb:
    """Run a climb over answers that are there already, without an event loop."""
    try:
        climbing.send(None)
    except StopIteration as done:
        climbed: Climb = done.value
        return climbed
    raise RuntimeError("a recorded answer waited for something")


def _entry(answer: Answer) -> dict[str, Any]:
    """Return an answer as a decision keeps it; what is optional is there where it is known."""
    entry: dict[str, Any] = {
        "model": answer.model,
        "confidence": answer.confidence,
        "cost_usd": answer.cost_usd,
        "latency_ms": answer.latency_ms,
        "called": answer.called,
    }
    if answer.tokens_in is not None:
        entry["tokens_in"] = answer.tokens_in
    if answer.tokens_out is not None:
        entry["tokens_out"] = answer.tokens_out
    if answer.correct is not None:
        entry["correct"] = answer.correct
    if answer.predicted:
        entry["predicted"] = _text(answer.predicted, MAX_TEXT)
    if answer.error:
        entry["error"] = _text(answer.error, MAX_TEXT)
    return entry


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Mask attributes as assistants do; those that cannot hold anything to mask are passed by."""
    if len(given) > 100:
        return masked_mapping(given, limit=MAX_ATTRIBUTE)
    return {_name(name): _attribute(value) for name, value in given.items()}


@lru_cache(maxsize=2_000)
def _name(name: str) -> str:
    return shortened(storable(name), 100)


def _attribute(value: Any) -> Any:
    if type(value) is str and len(value) < MAX_ATTRIBUTE and not _SUSPECT.search(value):
        return value
    return masked_value(value, limit=MAX_ATTRIBUTE, depth=1)


def _text(text: str, limit: int) -> str:
    # Masked before it is cut, with room to spare: half of a card number would pass for an amount.
    if len(text) <= limit and not _SUSPECT.search(text):
        return text
    return shortened(masked(storable(text[: limit + 200])), limit)


def _bounded(row: dict[str, Any]) -> dict[str, Any]:
    """Refuse sums that the table cannot hold: one row must not cost its batch."""
    for name in ("tokens_in", "tokens_out"):
        if row[name] > MOST_TOKENS:
            raise BadRow(name, f"{row[name]} tokens in all are no plausible count.")
    return row


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
