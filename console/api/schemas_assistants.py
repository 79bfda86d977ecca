"""Shapes of what assistants send and get. Unknown fields pass: an assistant may be newer than its console."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr
from pydantic_core import PydanticUseDefault

from routing.runtime.reported import reported

MAX_INT = 2**31 - 1
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _in_time(at: datetime) -> datetime:
    """Take a time without a zone for UTC; refuse what no clock can have shown."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not EARLIEST < aware < LATEST:
        raise ValueError("The time must lie between 2000 and 2100.")
    return aware


def _blank(value: Any) -> Any:
    return "" if value is None else value


def _unsaid(value: Any) -> Any:
    """Take null for a field that was left out: what was not measured must not cost the whole record."""
    if value is None:
        raise PydanticUseDefault
    return value


def _bare(value: Any) -> Any:
    return value.removeprefix("sha256:") if isinstance(value, str) else value


def _written(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else value


# A text that may be null or absent; both are stored as empty.
Blank = BeforeValidator(_blank)
# Anything else that may be null or absent; both are the field's default.
Unsaid = BeforeValidator(_unsaid)
Slug = Annotated[StrictStr, Field(min_length=1, max_length=80)]
Instance = Annotated[StrictStr, Field(min_length=1, max_length=120)]
RequestId = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Version = Annotated[StrictInt, Field(ge=0, le=MAX_INT)]
Count = Annotated[int, Field(ge=0, le=MAX_INT)]
Time = Annotated[datetime, AfterValidator(_in_time)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Word = Annotated[StrictStr, Blank, Field(max_length=16)]
Signal = Annotated[StrictStr, BeforeValidator(_written), Blank, Field(max_length=16)]
Reason = Annotated[StrictStr, Blank, Field(max_length=32)]
Digest = Annotated[StrictStr, BeforeValidator(_bare), Blank, Field(max_length=64)]
Name = Annotated[StrictStr, Blank, Field(max_length=80)]
Label = Annotated[StrictStr, Blank, Field(max_length=120)]
Line = Annotated[StrictStr, Blank, Field(max_length=200)]
Remark = Annotated[StrictStr, Blank, Field(max_length=4_000)]
Question = Annotated[StrictStr, Blank, Field(max_length=20_000)]
Answer = Annotated[StrictStr, Blank, Field(max_length=100_000)]
# What the decision was made on. A signal that cannot be read is null; none at all: they were not recorded.
Signals = Annotated[dict[str, float | None], BeforeValidator(reported)]
Share = Annotated[float, Field(ge=0, le=1)]


class AckIn(Schema):
    """An assistant applied a version, or would not."""

    instance: Instance
    use_case: Slug
    version: Version
    digest: Digest = ""
    status: Literal["applied", "refused"]
    error: Remark = ""
    probe: Any = None


class HeldIn(Schema):
    """What is held for one use case, version 0 for nothing yet; `enforced` is absent where it is the same."""

    use_case: Slug
    version: Annotated[Version, Unsaid] = 0
    digest: Digest = ""
    enforced: Digest | None = None
    source: Word = ""


class HeartbeatIn(Schema):
    """The state of one assistant."""

    instance: Instance
    use_cases: Annotated[list[HeldIn], Field(max_length=500)]
    started_at: Time | None = None
    software: Label = ""
    spool: Annotated[dict[str, Any], Unsaid] = {}
    stopping: Annotated[bool, Unsaid] = False


class Desired(Schema):
    use_case: str
    version: int
    digest: str
    spent_today_usd: float


class HeartbeatOut(Schema):
    """What should be held by now: a higher version than the assistant's own means that it should poll at once."""

    use_cases: list[Desired]
    server_time: str


class Attempt(Schema):
    """One model that was asked."""

    model: Label = ""
    confidence: Number | None = None
    cost_usd: Annotated[Amount, Unsaid] = 0.0
    latency_ms: Annotated[Amount, Unsaid] = 0.0
    error: Remark = ""


class DecisionIn(Schema):
    """One decision record; its id (UUIDv7) makes it count once however often it is sent."""

    id: UUID
    request_id: RequestId
    use_case: Slug
    version: Annotated[Version, Unsaid] = 0
    digest: Digest = ""
    state: Annotated[Literal["live", "review_all", "baseline"], Unsaid] = "live"
    instance: Label = ""
    at: Time
    attributes: Annotated[dict[str, Any], Unsaid] = {}
    text: Question = ""
    answer: Answer = ""
    model: Label = ""
    tried: Annotated[list[Attempt], Field(max_length=50), Unsaid] = []
    confidence: Number | None = None
    signal: Signal = ""
    band: Name = ""
    action: Literal["answer", "review", "escalate"]
    rule: Name = ""
    queue: Name = ""
    reason: Reason = ""
    detail: Remark = ""
    audited: Annotated[bool, Unsaid] = False
    audit_share: Annotated[Share, Unsaid] = 0.0
    holdout: Annotated[bool, Unsaid] = False
    cost_usd: Annotated[Amount, Unsaid] = 0.0
    latency_ms: Annotated[Amount, Unsaid] = 0.0
    tokens_in: Annotated[Count, Unsaid] = 0
    tokens_out: Annotated[Count, Unsaid] = 0
    prompt: Line = ""
    retrieval_index: Line = ""
    sources: Annotated[list[Any], Unsaid] = []
    input_digest: Digest = ""
    trace_id: Digest = ""
    signals: Signals = {}


class RefusedRecord(Schema):
    """A record that was not stored: its place in the batch, its id where it could be read, and what is wrong."""

    index: int
    id: str | None
    errors: list[dict[str, str]]


class Stored(Schema):
    """What became of a batch; `duplicates` were stored before and count once."""

    stored: int
    duplicates: int
    refused: list[RefusedRecord]


class OutcomeIn(Schema):
    """Whether an answer was right, by one source."""

    decision_id: UUID | None = None
    request_id: Line = ""
    use_case: Name = ""
    correct: StrictBool
    source: Annotated[StrictStr, Field(min_length=1, max_length=80)]
    corrected_answer: Answer = ""
    bucket: Name = ""
    at: Time | None = None


class Recorded(Schema):
    """How many reports told something new."""

    recorded: int
    unchanged: int


class DecideIn(Schema):
    """What is known of a request. Anything is taken: deciding is total."""

    request_id: RequestId
    attributes: Any = None
    signals: Any = None


class SigningKey(Schema):
    key_id: str
    algorithm: str
    public_key: str


class SigningKeys(Schema):
    keys: list[SigningKey]
