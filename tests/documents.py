"""Config documents that tests start from."""

import copy
from typing import Any

CLAIMS: dict[str, Any] = {
    "schema": 1,
    "models": [
        {"name": "small", "litellm": "openai/gpt-4o-mini", "timeout_s": 8.0, "api_base": None},
        {"name": "large", "litellm": "openai/gpt-4o", "timeout_s": 20.0},
    ],
    "confidence": {"source": "verbalised", "missing": 0.0},
    "bands": [
        {"name": "answer", "from": 0.85, "action": "answer"},
        {"name": "review", "from": 0.60, "action": "review", "queue": "claims-desk"},
        {"name": "escalate", "from": 0.0, "action": "escalate", "queue": "claims-senior"},
    ],
    "ladder": [{"model": "small", "accept_from": 0.85}, {"model": "large", "accept_from": 0.0}],
    "thresholds": {
        "cost_per_task_usd": 0.05,
        "latency_s": 8.0,
        "sensitivity": 0.7,
        "retrieval_score": 0.35,
        "daily_budget_usd": 200.0,
        "audit_share": 0.05,
        "holdout_share": 0.0,
    },
    "rules": [
        {
            "id": "legal",
            "name": "Legal threats go to people",
            "when": {"any": [{"attribute": "topic", "op": "eq", "value": "legal threat"}]},
            "then": {"action": "escalate", "queue": "legal-desk"},
        },
        {
            "id": "vip",
            "name": "High stakes start large",
            "when": {
                "any": [
                    {"attribute": "amount", "op": "gt", "value": 10000},
                    {"attribute": "tier", "op": "eq", "value": "vip"},
                ]
            },
            "then": {"start": "large", "answer_from": 0.92},
        },
    ],
    "queues": [
        {"name": "claims-desk", "sla_minutes": 30, "capacity_per_hour": 40, "on_breach": "claims-senior"},
        {"name": "claims-senior", "sla_minutes": 60, "capacity_per_hour": 10, "on_breach": None},
        {"name": "legal-desk", "sla_minutes": 120, "capacity_per_hour": 4, "on_breach": "claims-senior"},
    ],
    "messages": {
        "review": "A colleague will check this and answer shortly.",
        "escalate": "A colleague will answer within the hour.",
    },
    "pins": {"prompt": "claims-summary@12", "retrieval_index": "policies@2026-11-01"},
    "lease": {"seconds": 300, "then": "baseline"},
}


LOOSE = 0.7  # an answer threshold past the lane (0.75) of the tests' use case, inside its limit (0.6)


def claims(answer_from: float | None = None, **thresholds: float | None) -> dict[str, Any]:
    """Return the claims document, with another answer threshold or other thresholds where given."""
    document = copy.deepcopy(CLAIMS)
    if answer_from is not None:
        document["bands"][0]["from"] = answer_from
    document["thresholds"].update(thresholds)
    return document
