"""The baseline that a use case has until its owner gives it one: a person answers everything."""

from typing import Any

BUILT_IN: dict[str, Any] = {
    "schema": 1,
    "models": [],
    "confidence": {"source": "context", "missing": 0.0},
    "bands": [{"name": "escalate", "from": 0.0, "action": "escalate", "queue": None}],
    "ladder": [],
    "thresholds": {},
    "rules": [],
    "queues": [],
    "messages": {
        "review": "A colleague will answer you personally.",
        "escalate": "A colleague will answer you personally.",
    },
    "pins": {},
    "lease": {"seconds": 300, "then": "baseline"},
}
