"""The config document as pydantic models: the shape, the type and the range of every field.

What one field says about another (names that must exist, bands without gaps) is in `cross_checks`; how a fault reads
is in `structure`. Read documents with `validation.parse`, which reports both.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

MAX_NAME = 80
MAX_TEXT = 4_000
MAX_PATTERN = 500
MAX_WEEK_S = 7 * 24 * 3600
MAX_POINTS = 50

Action = Literal["answer", "review", "escalate"]
Operator = Literal[
    "eq",
    "ne",
    "in",
    "not_in",
    "lt",
    "lte",
    "gt",
    "gte",
    "between",
    "contains",
    "starts_with",
    "matches",
    "is_set",
]


def _whole(value: object) -> object:
    """Read 300.0 as 300: both are the same number in canonical JSON, so both must be the same document."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _zero(value: object) -> object:
    """Read null as 0 where no share means none of the requests."""
    return 0.0 if value is None else value


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=r"^\S(.*\S)?$")]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(_zero)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
LeaseSeconds = Annotated[int, Field(ge=1, le=MAX_WEEK_S), BeforeValidator(_whole)]


class Part(BaseModel):
    """A part of the document: no unknown keys, no silent conversion, never changed after it was read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


Points = Annotated[list[Confidence], Field(min_length=2, max_length=MAX_POINTS)]


class Calibration(Part):
    """What a model's confidence is worth: on `reported` it counts what stands on `calibrated`, see `calibration`."""

    reported: Points
    calibrated: Points


class Model(Part):
    """A model that may be asked. `litellm` is its LiteLLM name; `label` is what owners call it.

    Without a `calibration` its confidence counts as reported.
    """

    name: Name
    litellm: Annotated[str, Field(min_length=1, max_length=200)]
    timeout_s: Seconds = 30.0
    api_base: Annotated[str, Field(max_length=500, pattern=r"^https?://")] | None = None
    label: Text | None = None
    calibration: Calibration | None = None


class ConfidenceSource(Part):
    """Where confidence comes from, and what counts when there is none."""

    source: Literal["verbalised", "logprobs", "context"] = "context"
    missing: Confidence = 0.0


class Band(Part):
    """A stretch of confidence, from its lower edge (inclusive) up to the next band's, and what happens in it."""

    name: Name
    floor: Confidence = Field(alias="from")
    action: Action
    queue: Name | None = None


class Rung(Part):
    """A step of the ladder: this model's answer stands from `accept_from`; below it the next model is asked."""

    model: Name
    accept_from: Confidence


class Thresholds(Part):
    """Limits of a request. Null or absent: that check is off."""

    cost_per_task_usd: Amount | None = None
    latency_s: Amount | None = None
    sensitivity: Confidence | None = None
    retrieval_score: Confidence | None = None
    daily_budget_usd: Amount | None = None
    audit_share: Share = 0.0
    holdout_share: Share = 0.0


class Comparison(Part):
    """One condition on one attribute; which `value` fits which operator is checked in `condition_checks`."""

    attribute: Name
    op: Operator
    value: Any = None


class AllOf(Part):
    """Holds when every condition holds."""

    all: list["When"]


class AnyOf(Part):
    """Holds when at least one condition holds."""

    any: list["When"]


class Not(Part):
    """Holds when the condition does not."""

    negated: "When" = Field(alias="not")


def _kind(value: object) -> str:
    """Tell which kind of condition a value wants to be."""
    if isinstance(value, dict):
        return next((key for key in ("all", "any", "not") if key in value), "comparison")
    kinds: dict[type, str] = {AllOf: "all", AnyOf: "any", Not: "not"}
    return kinds.get(type(value), "comparison")


When = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Comparison, Tag("comparison")],
    Discriminator(_kind),
]


class Then(Part):
    """What a matching rule sets: the whole action, the queue, the first model to ask, the answer threshold."""

    action: Action | None = None
    queue: Name | None = None
    start: Name | None = None
    answer_from: Confidence | None = None


class Rule(Part):
    """A routing rule. The first enabled one whose `when` holds decides."""

    id: Name
    name: Annotated[str, Field(min_length=1, max_length=200)]
    enabled: bool = True
    when: When
    then: Then


class Queue(Part):
    """A desk of people: how soon it answers, how much it can take, who takes over when it is late."""

    name: Name
    sla_minutes: Amount
    capacity_per_hour: Amount
    on_breach: Name | None = None


class Messages(Part):
    """What customers read instead of a model's answer."""

    answer: Text | None = None
    review: Text | None = None
    escalate: Text | None = None


class Pins(BaseModel):
    """Exact versions of what a model is given; any further pin is a string under its own key."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, Text | None]

    prompt: Text | None = None
    retrieval_index: Text | None = None


class Lease(Part):
    """How long an assistant runs without contact, and what it does then."""

    seconds: LeaseSeconds = 300
    then: Literal["hold", "baseline"] = "baseline"


class ConfigDocument(Part):
    """All that the owner of a use case decides, in one document."""

    schema_version: Literal[1] = Field(alias="schema")
    models: Annotated[list[Model], Field(max_length=50)] = []
    confidence: ConfidenceSource = ConfidenceSource()
    bands: Annotated[list[Band], Field(min_length=1, max_length=20)]
    ladder: Annotated[list[Rung], Field(max_length=20)] = []
    thresholds: Thresholds = Thresholds()
    rules: Annotated[list[Rule], Field(max_length=500)] = []
    queues: Annotated[list[Queue], Field(max_length=200)] = []
    messages: Messages = Messages()
    pins: Pins = Pins()
    lease: Lease = Lease()
