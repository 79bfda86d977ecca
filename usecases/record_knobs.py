"""What an event can have changed, in the owner's words: to choose from, and to read."""

from typing import Final

from routing.engine import knobs
from usecases import terms
from usecases.models import UseCase
from usecases.publishing import latest

ANYWHERE: Final = (
    "bands.answer.from",
    "bands.review.from",
    *(f"thresholds.{name}" for name in ("cost_per_task_usd", "latency_s", "retrieval_score", "sensitivity")),
    *(f"thresholds.{name}" for name in ("audit_share", "holdout_share", "daily_budget_usd")),
)
PARTS: Final = {
    "state": "Kill switch",
    "bands": "Any band",
    "rules": "Any routing rule",
    "ladder": "Which models are asked",
    "models": "Any model",
    "queues": "Any desk",
    "messages": "What customers read",
    "message": "What customers read on baseline",
    "pins.prompt": "Prompt",
    "pins.retrieval_index": "Index",
    "confidence": "Where confidence comes from",
    "lease": "Running alone",
    "baseline": "Baseline",
}


def choices(use_case: UseCase | None, chosen: str = "") -> list[tuple[str, str]]:
    """Return paths with their words: of one use case its own knobs, else those that every one has."""
    found = {path: knobs.label(path) for path in ANYWHERE}
    if use_case is not None:
        found = {knob.path: knob.label for knob in knobs.knobs(latest(use_case).document)}
    found |= PARTS
    if chosen and chosen not in found:
        found[chosen] = words(chosen)
    return list(found.items())


def words(path: str) -> str:
    """Name what an event changed; the path itself where there are no better words."""
    return PARTS.get(path) or terms.WORDS.get(path) or (knobs.label(path) if knobs.is_knob(path) else path)
