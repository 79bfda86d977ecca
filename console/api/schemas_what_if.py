"""Shapes of a what-if and its answer (DESIGN §7, impact)."""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from console.api.schemas import Strict


class WhatIf(Strict):
    """A document, and the decisions to replay. Both are judged together with every other fault of the question."""

    document: Any
    window: Any = Field(
        default=None,
        description='{"decisions": N}, {"days": N} or "all"; the last 7 days where there is none.',
    )
    ids: Annotated[int, Field(ge=0, le=200)] = 0


class Number(Schema):
    """A number with its interval, what it rests on, and how it is known. All null where it cannot be known."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    badge: Literal["measured", "weighted", "not_knowable"]


class Side(Schema):
    """What one document would have done."""

    model_config = ConfigDict(extra="allow")

    answered: int
    reviewed: int
    escalated: int
    by_model: dict[str, int]
    correct: Number
    wrong_among_answered: Number
    cost_per_task_usd: Number
    latency_ms_p95: Number


class Cell(Schema):
    """Decisions that fall into one band under the live document and into another (or the same) under the draft."""

    model_config = ConfigDict(extra="allow")

    live: str
    draft: str
    count: int


class Impact(Schema):
    """What a document would have done, beside the live one."""

    model_config = ConfigDict(extra="allow")

    decisions: int
    live: Side
    draft: Side
    matrix: list[Cell]
    took_ms: float
