"""What one row of a log says, whichever way it was written."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

# What stands in the place of the assistant that decided.
INSTANCE: Final = "import"


@dataclass(slots=True)
class Answer:
    """What one model did with a request; None was not recorded. Money in US dollars, time in milliseconds."""

    model: str
    confidence: float | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    correct: bool | None = None
    predicted: str = ""
    error: str = ""
    called: bool | None = None


@dataclass(slots=True)
class Recorded:
    """One request: what was known of it, and what each model did with it.

    `past` holds the fields of a decision that was made elsewhere and stays as it was made; without it the document
    decides. `id` is the record's own, where it has one. `signals` holds what was
    reported with the request, as far as the log says it; null could not be read.
    """

    line: int
    request_id: str
    answers: dict[str, Answer]
    text: str = ""
    at: datetime | None = None
    true_answer: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    past: dict[str, Any] | None = None
    id: str = ""
    form: str = "wide"
    signals: dict[str, float | None] = field(default_factory=dict)
