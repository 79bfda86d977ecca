"""The ladder: who is asked, whose answer stands, when it stops."""

import asyncio

from routing.runtime.climbing import Climb, climb
from routing.runtime.completion import Attempt


def run(
    answers: dict[str, Attempt],
    rungs: list[tuple[str, float]],
    cost_cap_usd: float | None = None,
    latency_s: float | None = None,
) -> Climb:
    """Climb over prepared answers; each takes its latency on a clock of its own."""
    now = [0.0]

    async def ask(model: str, left: float | None) -> Attempt:
        attempt = answers[model]
        now[0] += attempt.latency_ms / 1000
        return attempt

    return asyncio.run(
        climb(
            rungs,
            ask,
            confidence_of=lambda a: a.confidence or 0.0,
            cost_cap_usd=cost_cap_usd,
            latency_s=latency_s,
            clock=lambda: now[0],
        )
    )


def sure(model: str, confidence: float | None, **more: float) -> Attempt:
    """An answer of that confidence."""
    return Attempt(model, "text", confidence, **more)  # type: ignore[arg-type]


LADDER = [("small", 0.8), ("large", 0.9), ("huge", 0.0)]
UNSURE = {name: sure(name, 0.5, cost_usd=0.01, latency_ms=1000) for name, _ in LADDER}


def tried(result: Climb) -> list[str]:
    """Who was asked."""
    return [attempt.model for attempt in result.tried]


def test_exactly_the_rung_s_confidence_is_enough() -> None:
    result = run({"small": sure("small", 0.8)}, LADDER)
    assert tried(result) == ["small"]


def test_the_last_answer_stands() -> None:
    result = run(UNSURE, LADDER)
    assert tried(result) == ["small", "large", "huge"]
    assert result.standing is not None
    assert result.standing.model == "huge"


def test_a_failed_model_does_not_take_away_the_answer_before_it() -> None:
    result = run(UNSURE | {"huge": Attempt("huge", error="gone")}, LADDER)
    assert result.standing is not None
    assert result.standing.model == "large"
    assert result.error == ""


def test_without_any_answer_the_last_error_is_told() -> None:
    result = run({"small": Attempt("small", error="gone")}, LADDER[:1])
    assert (result.standing, result.error) == (None, "gone")


def test_spent_money_and_spent_time_stop_the_climb() -> None:
    assert tried(run(UNSURE, LADDER, cost_cap_usd=0.02)) == ["small", "large"]
    assert tried(run(UNSURE, LADDER, cost_cap_usd=0.0)) == ["small"]
    assert tried(run(UNSURE, LADDER, latency_s=1.5)) == ["small", "large"]
    assert tried(run(UNSURE, LADDER, latency_s=0.0)) == []
