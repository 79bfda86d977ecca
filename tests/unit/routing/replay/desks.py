"""A simulated desk: only what was reviewed, and a random share of what was answered, has labels."""

from typing import Any

import numpy as np

from routing.replay.columns import (
    AUDIT,
    DESK,
    UNKNOWN,
    Coded,
    Columns,
    ModelColumn,
    Stratum,
    Texts,
)


def desk(
    random: np.random.Generator,
    count: int,
    *,
    live: float = 0.85,
    audit_share: float = 0.05,
    reviewed: float = 1.0,
    bias: float = 0.0,
) -> tuple[Columns, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return decisions of one model answering from `live`, and for each whether it was wrong."""
    confidence = random.beta(5, 1.5, count)
    wrong = random.random(count) < np.clip(0.9 * (1 - confidence) ** 1.2 + bias, 0, 1)
    answered = confidence >= live
    audited = answered & (random.random(count) < audit_share)
    labelled = audited | (~answered & (random.random(count) < reviewed))
    model = ModelColumn(
        asked=np.ones(count, np.uint8),
        confidence=confidence,
        cost_usd=np.full(count, 0.001),
        latency_ms=np.full(count, 300, np.float32),
        correct=np.where(labelled, ~wrong, UNKNOWN).astype(np.int8),
    )
    ids = Texts.of([f"r{n}" for n in range(count)])
    columns = Columns(
        ids=ids,
        request_ids=ids,
        at=np.arange(count, dtype=np.int64) * 60_000,
        names=("small",),
        models={"small": model},
        attributes={},
        signals={},
        source=Coded(np.zeros(count, np.uint8), (None,)),
        recorded=np.ones(count, np.uint8),
        audited=audited,
        stratum=np.where(answered, 0, 1).astype(np.uint16),
        strata=(Stratum(AUDIT, audit_share), Stratum(DESK, 1.0)),
    )
    return columns, wrong


def answering_from(threshold: float, review: float = 0.3) -> dict[str, Any]:
    """Return a document with one model and one desk."""
    return {
        "schema": 1,
        "models": [{"name": "small", "litellm": "openai/small"}],
        "bands": [
            {"name": "answer", "from": threshold, "action": "answer"},
            {"name": "review", "from": review, "action": "review", "queue": "desk"},
            {"name": "escalate", "from": 0.0, "action": "escalate", "queue": "desk"},
        ],
        "ladder": [{"model": "small", "accept_from": 0.0}],
        "queues": [{"name": "desk", "sla_minutes": 30, "capacity_per_hour": 10}],
    }
