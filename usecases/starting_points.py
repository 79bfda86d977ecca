"""Documents that a new use case may start from. Every one is valid as it stands; the Tune page does the rest."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """A document to start from, and what it does in a sentence."""

    name: str
    words: str
    document: dict[str, Any]


MESSAGES = {
    "review": "Thank you. A colleague checks the answer and sends it to you.",
    "escalate": "Thank you. A colleague will answer you personally.",
}
SMALL = {"name": "small", "litellm": "openai/gpt-4o-mini", "timeout_s": 8.0, "label": "Small model"}
LARGE = {"name": "large", "litellm": "anthropic/claude-sonnet-4-5", "timeout_s": 20.0, "label": "Large model"}
BANDS = [
    {"name": "answer", "from": 0.85, "action": "answer"},
    {"name": "review", "from": 0.60, "action": "review", "queue": "desk"},
    {"name": "escalate", "from": 0.0, "action": "escalate", "queue": "desk"},
]


def _document(**parts: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "models": [],
        "confidence": {"source": "verbalised", "missing": 0.0},
        "bands": BANDS,
        "ladder": [],
        "thresholds": {
            "cost_per_task_usd": 0.05,
            "latency_s": 8.0,
            "daily_budget_usd": 200.0,
            "audit_share": 0.05,
        },
        "rules": [],
        "queues": [{"name": "desk", "sla_minutes": 60, "capacity_per_hour": 20, "on_breach": None}],
        "messages": MESSAGES,
        "pins": {},
        "lease": {"seconds": 300, "then": "baseline"},
        **parts,
    }


STARTING_POINTS = {
    "people": StartingPoint(
        "People answer everything",
        "No model is asked. Start here when nothing has been measured yet.",
        _document(
            confidence={"source": "context", "missing": 0.0},
            bands=[{"name": "escalate", "from": 0.0, "action": "escalate", "queue": "desk"}],
            thresholds={},
        ),
    ),
    "one": StartingPoint(
        "One model, people for doubt",
        "Answers from 0.85, a person reviews from 0.60, the desk answers the rest.",
        _document(models=[SMALL], ladder=[{"model": "small", "accept_from": 0.0}]),
    ),
    "ladder": StartingPoint(
        "A small model, then a large one, people for doubt",
        "The small model's answer stands from 0.85; below it the large one is asked.",
        _document(
            models=[SMALL, LARGE],
            ladder=[{"model": "small", "accept_from": 0.85}, {"model": "large", "accept_from": 0.0}],
        ),
    ),
}
