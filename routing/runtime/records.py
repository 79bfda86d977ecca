"""What is kept of one decision, and what its caller is told. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from routing.engine.baseline import BUILT_IN
from routing.engine.decide import Compiled, Decision
from routing.engine.digest import digest
from routing.runtime.chat import ChatRequest
from routing.runtime.climbing import Climb
from routing.runtime.masking import masked, masked_mapping, masked_value, shortened, storable
from routing.runtime.reported import reported
from routing.runtime.spool import Row

MAX_TEXT = 300
MAX_ANSWER = 2_000
MAX_ATTRIBUTE = 1_000


@dataclass(frozen=True, slots=True)
class Made:
    """A decision with everything that led to it. Times in milliseconds, money in US dollars."""

    id: str
    request: ChatRequest
    enforced: Compiled
    decision: Decision
    climb: Climb
    confidence: float | None
    signal: str | None
    instance: str
    latency_ms: float
    signals: Mapping[str, object] = field(default_factory=dict)

    @property
    def cost_usd(self) -> float:
        """Sum of every model tried."""
        return sum(attempt.cost_usd for attempt in self.climb.tried)

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens in and out, over every model tried."""
        tried = self.climb.tried
        return sum(a.tokens_in for a in tried), sum(a.tokens_out for a in tried)


def content(made: Made) -> str:
    """Return what the caller reads: the model's answer, or the document's message."""
    standing = made.climb.standing
    if made.decision.action == "answer" and standing is not None and made.decision.model == standing.model:
        return standing.answer or ""
    # An `answer` without a model's words and without curated ones: a person has to find some.
    return made.enforced.text(made.decision) or str(BUILT_IN["messages"]["escalate"])


def told(made: Made) -> dict[str, Any]:
    """Return the `decision` of a response: what was decided and why."""
    return made.decision.as_dict() | {
        "request_id": made.request.request_id,
        "decision_id": made.id,
        "instance": made.instance,
        "confidence": made.confidence,
        "audited": made.decision.audited,
        "holdout": made.decision.holdout,
        # What a customer can be given to ask again with.
        "ticket": None if made.decision.action == "answer" else made.id,
    }


def row(made: Made, answer: str) -> Row:
    """Return the decision record, ready to be spooled."""
    now = datetime.now(UTC)
    body = json.dumps(_record(made, answer, now), separators=(",", ":"), allow_nan=False)
    return Row(made.id, made.request.use_case, now.strftime("%Y-%m-%d"), made.cost_usd, body)


def _record(made: Made, answer: str, now: datetime) -> dict[str, Any]:
    request, decision = made.request, made.decision
    pins = made.enforced.document.get("pins") or {}
    tokens_in, tokens_out = made.tokens
    return {
        "id": made.id,
        "request_id": storable(request.request_id),
        "use_case": request.use_case,
        "version": decision.version,
        "digest": decision.digest,
        "state": made.enforced.state,
        "instance": made.instance,
        "at": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
        "attributes": masked_mapping(request.attributes, limit=MAX_ATTRIBUTE),
        "model": decision.model,
        "tried": [attempt.as_tried() for attempt in made.climb.tried],
        "confidence": made.confidence,
        "signal": made.signal,
        "signals": reported(made.signals),
        "band": decision.band,
        "action": decision.action,
        "rule": decision.rule,
        "queue": decision.queue,
        "reason": decision.reason,
        "detail": decision.detail,
        "audited": decision.audited,
        "audit_share": decision.audit_share,
        "holdout": decision.holdout,
        "cost_usd": made.cost_usd,
        "latency_ms": round(made.latency_ms, 3),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "prompt": pins.get("prompt"),
        "retrieval_index": pins.get("retrieval_index"),
        "sources": [masked_value(source, limit=MAX_ATTRIBUTE) for source in request.sources[:20]],
        "input_digest": input_digest(request.messages),
        "trace_id": request.trace_id,
        "text": _kept(request.text, MAX_TEXT),
        "answer": _kept(_draft(made, answer), MAX_ANSWER),
    }


def _draft(made: Made, answer: str) -> str:
    # A reviewer reads what the model would have said, not the message that the customer got instead.
    standing = made.climb.standing
    return standing.answer if standing is not None and standing.answer else answer


def _kept(text: str, limit: int) -> str:
    # Masked before it is cut, with room to spare: half of a card number would pass for an amount.
    return shortened(masked(storable(text[: limit + 200])), limit)


def input_digest(messages: list[dict[str, Any]]) -> str:
    """Return the digest of what was asked, so that equal inputs can be found without keeping them."""
    try:
        return digest(messages)
    except (ValueError, TypeError, RecursionError):
        # Lone surrogates and numbers beyond 2**53 have no canonical form; a stable one will do.
        return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()
