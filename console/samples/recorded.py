"""The recorded requests of the sample use cases, and what each model answered to them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Recorded:
    """One model's answer to one request."""

    answer: str
    confidence: float
    correct: bool
    latency_ms: int


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A request as a customer sends it; `weight` is how common it is, beside the others of its use case."""

    id: str
    use_case: str
    text: str
    attributes: dict[str, Any]
    signals: dict[str, float]
    sources: list[dict[str, Any]]
    weight: int
    models: dict[str, Recorded]


def read() -> list[SampleRequest]:
    """Read every recorded request, by use case."""
    return [request for path in sorted((FOLDER / "requests").glob("*.jsonl")) for request in _file(path)]


def _file(path: Path) -> Iterator[SampleRequest]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            models = {name: Recorded(**answer) for name, answer in row.pop("models").items()}
            yield SampleRequest(use_case=path.stem, models=models, **row)
