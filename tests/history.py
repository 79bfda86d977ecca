"""Documents for the real decision logs, and where those lie; they are not part of the product."""

import os
from pathlib import Path
from typing import Any

import pytest

DATA = Path(os.environ.get("SHARED_DATA") or Path(__file__).parent.parent.parent / "shared" / "data")


def log(name: str) -> Path:
    """Return a real log; skips the test where there is none."""
    path = DATA / name / "decisions.csv.gz"
    if not path.exists():
        pytest.skip(f"no real decisions at {path}; SHARED_DATA names their folder")
    return path


def ladder(
    *models: str, accept_from: float = 0.9, answer_from: float = 0.9, **thresholds: Any
) -> dict[str, Any]:
    """Return a document that asks these models in turn; people get what none is sure of."""
    last = models[-1]
    return {
        "schema": 1,
        "models": [{"name": name, "litellm": f"openai/{name}"} for name in models],
        "confidence": {"source": "logprobs", "missing": 0.0},
        "bands": [
            {"name": "answer", "from": answer_from, "action": "answer"},
            {"name": "person", "from": 0.0, "action": "escalate", "queue": "desk"},
        ],
        "ladder": [{"model": m, "accept_from": 0.0 if m == last else accept_from} for m in models],
        "thresholds": thresholds,
        "queues": [{"name": "desk", "sla_minutes": 60, "capacity_per_hour": 60, "on_breach": None}],
        "messages": {"escalate": "A colleague will answer."},
    }
