"""Shapes of a what-if and its answer (DESIGN §7, impact), of kept ones, and of the cases behind a cell."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from console.api.schemas import Strict, Unsaid

WINDOW = (
    '{"decisions": N}, {"days": N}, {"since": MOMENT, "until": MOMENT} (either alone too) or "all"; '
    "the last 7 days where there is none."
)
VERSION = Annotated[int | None, Field(ge=1, le=2_000_000_000)]


class Question(Strict):
    """A document, and the decisions to replay. Both are judged together with every other fault of the question."""

    document: Any
    window: Any = Field(default=None, description=WINDOW)
    against: VERSION = Field(default=None, description="The version to compare with; the newest where none.")


class WhatIf(Question):
    """A question, and whether its result is to be kept."""

    ids: Annotated[int, Field(ge=0, le=200)] = 0
    keep: bool = Field(default=False, description="Keep the result, to read it and compute it again.")
    note: Annotated[str, Unsaid] = Field(default="", description="What it is kept for.")


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


class KeptAt(Schema):
    """Where a kept result is."""

    id: UUID
    url: str


class Impact(Schema):
    """What a document would have done, beside the live one. With `keep` the numbers are those that were kept."""

    model_config = ConfigDict(extra="allow")

    decisions: int
    live: Side
    draft: Side
    matrix: list[Cell]
    took_ms: float
    kept: KeptAt | None = None


class Kept(Schema):
    """A kept result: the numbers as they were, and everything that they were computed from."""

    id: UUID
    url: str
    note: str
    kept_by: str
    kept_at: datetime
    format: str
    inputs: dict[str, Any]
    answer: Impact


class ChangedNumber(Schema):
    """One number that is not what it was."""

    path: str
    then: Any
    now: Any


class Again(Schema):
    """A kept result computed again: whether the numbers are the same, and all that differs."""

    same: bool
    sentences: list[str]
    differences: list[ChangedNumber]
    answer: Impact


class CasesOf(Question):
    """One cell of the matrix, and what narrows it."""

    live: Annotated[str, Field(max_length=80, description="The cell's name under the live document.")]
    draft: Annotated[str, Field(max_length=80, description="The cell's name under the draft.")]
    verdict: Literal["", "wrong", "right", "none"] = ""
    rule: Annotated[str, Field(max_length=80, description="A rule's id; - for decided without a rule.")] = ""
    words: Annotated[str, Field(max_length=200, description="Looked for in the newest 5,000.")] = ""
    skip: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class Way(Schema):
    """What one document makes of a request. Cost and time are those of all models tried; null where not recorded."""

    action: str
    band: str | None
    queue: str | None
    model: str | None
    rule: str | None
    rule_name: str
    detail: str
    cost_usd: float | None
    latency_ms: float | None


class Case(Schema):
    """One decision as it was, and both ways (null: not knowable from history).

    `correct` is the verdict on the answer that would stand in the draft, `label` how it came about; `answer` and
    `model` are what stood at the time.
    """

    id: str
    at: datetime
    request_id: str
    text: str
    answer: str
    model: str
    confidence: float | None
    correct: bool | None
    label: str
    live: Way | None
    draft: Way | None


class Cases(Schema):
    """Decisions of a cell, the newest first. `cell` is null where it holds none; `searched`: words were looked for in
    so many of the newest.
    """

    cell: dict[str, Any] | None
    verdicts: dict[str, int]
    total: int
    searched: int | None
    cases: list[Case]
