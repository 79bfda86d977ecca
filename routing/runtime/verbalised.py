"""Reading a model's answer and how sure it is of it. Pure; tolerant of form, strict with numbers."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

INSTRUCTION = (
    'Reply with one JSON object and nothing else: {"answer": "<your full answer>", "confidence": <number>}. '
    "confidence is the probability, from 0.0 to 1.0, that your answer is right and complete."
)
SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer_with_confidence",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"answer": {"type": "string"}, "confidence": {"type": "number"}},
            "required": ["answer", "confidence"],
            "additionalProperties": False,
        },
    },
}
_FENCED = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*\Z", re.DOTALL)


def read_answer(content: str) -> tuple[str, float | None]:
    """Return the answer and its confidence from `{"answer", "confidence"}`, code fences allowed.

    Anything else is an answer as a whole, of unknown confidence: never guessed.
    """
    fenced = _FENCED.match(content)
    try:
        parsed = json.loads(fenced.group(1) if fenced else content)
    except (ValueError, RecursionError):
        return content, None
    if not isinstance(parsed, dict) or "answer" not in parsed:
        return content, None
    answer = parsed["answer"]
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return text, as_confidence(parsed.get("confidence"))


def as_confidence(value: object) -> float | None:
    """Return a number in [0, 1] as it is; None for everything else, "0.9" and true included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def from_logprobs(logprobs: Iterable[object]) -> float | None:
    """Return the exponential of the mean token log-probability; None where any of them is missing."""
    numbers = []
    for value in logprobs:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        numbers.append(float(value))
    return min(1.0, math.exp(sum(numbers) / len(numbers))) if numbers else None
