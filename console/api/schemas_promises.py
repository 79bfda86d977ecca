"""Shapes of promises, certificates and recommendations."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from console.api.schemas import Reason, Strict

WINDOW = Field(
    default=None,
    description='{"decisions": N}, {"days": N}, {"since": MOMENT, "until": MOMENT} or "all", the default.',
)


class PromiseIn(Strict):
    """What is promised, with what people cost; whatever is left out stays as it is."""

    wrong_at_most: Any = Field(default=None, description="Share wrong among answered, such as 0.02.")
    confidence: Any = Field(default=None, description="How sure, such as 0.95.")
    cost_at_most_usd: Any = Field(
        default=None, description="Dollars a task, people included; null: no limit."
    )
    review_usd: Any = None
    escalation_usd: Any = None
    review_minutes: Any = None
    escalation_minutes: Any = None
    reason: Reason = ""


class PromiseOut(Schema):
    """What is promised. `stated_by` is empty where these are the defaults."""

    wrong_at_most: float
    confidence: float
    cost_at_most_usd: float | None
    review_usd: float
    escalation_usd: float
    review_minutes: float
    escalation_minutes: float
    stated_by: str
    stated_at: datetime | None
    sentence: str


class Certify(Strict):
    """Which decisions may count, and why it is certified."""

    window: Any = WINDOW
    reason: Reason = ""


class Wrong(Schema):
    """A share of wrong answers with its 95% interval."""

    value: float
    low: float
    high: float
    labels: int


class StandingOut(Schema):
    """How a certificate stands now: void where something else is live, unsupported where later labels speak against."""

    state: Literal["holds", "void", "unsupported", "loading"]
    headline: str
    reasons: list[str] = []
    notes: list[str] = []
    then: Wrong | None = None
    now: Wrong | None = None


class CertificateOut(Schema):
    """What was certified, from which decisions; only the newest tells how it stands now."""

    id: int
    version: int
    answer_from: float
    wrong_at_most: float
    confidence: float
    labels: int
    wrong: int
    bound: float
    subject: dict[str, str]
    first_at: datetime
    last_at: datetime
    ids_digest: str
    code: str
    sentence: str
    issued_by: str
    issued_at: datetime
    standing: StandingOut | None = None


class Wish(Strict):
    """A document to recommend a setting for (default: the live one), and what may be moved in it."""

    document: Any = None
    window: Any = WINDOW
    kind: Literal["threshold", "ladder"] = "threshold"


class Recommended(Schema):
    """A setting that keeps the promise; where there is none, `document` is null and `missing` says what is missing."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["threshold", "ladder"]
    sentence: str
    missing: str
    document: dict[str, Any] | None
    answer_from: float | None
    certificate: dict[str, Any]
