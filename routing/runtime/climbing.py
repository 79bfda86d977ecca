"""Climbing the ladder: ask a model, and the next one where it was not sure enough.

Stops early, with the answer it has, when the request's money or time is used up.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from routing.runtime.completion import Attempt

# Less than this is no time to ask a model anything.
LEAST_TIME_S = 0.05

Ask = Callable[[str, float | None], Awaitable[Attempt]]


@dataclass(frozen=True, slots=True)
class Climb:
    """All attempts in order, and the one whose answer stands (None where no model answered)."""

    tried: tuple[Attempt, ...]
    standing: Attempt | None

    @property
    def error(self) -> str:
        """Say why there is no answer; empty where there is one."""
        if self.standing is not None:
            return ""
        return self.tried[-1].error if self.tried else "no time was left to ask a model"


async def climb(
    rungs: Sequence[tuple[str, float]],
    ask: Ask,
    *,
    confidence_of: Callable[[Attempt], float],
    cost_cap_usd: float | None,
    latency_s: float | None,
    clock: Callable[[], float] = time.monotonic,
) -> Climb:
    """Ask rung by rung until an answer is sure enough for its rung; the last answer stands.

    `ask` gets the model's name and the seconds that are left for the whole request (None: no limit).
    `confidence_of` gives what a rung judges: the calibrated confidence where the model has a map, of an attempt that
    keeps it as reported.
    """
    started = clock()
    tried: list[Attempt] = []
    standing: Attempt | None = None
    for model, accept_from in rungs:
        left = None if latency_s is None else latency_s - (clock() - started)
        if left is not None and left < LEAST_TIME_S:
            break
        if tried and cost_cap_usd is not None and sum(a.cost_usd for a in tried) >= cost_cap_usd:
            break
        attempt = await ask(model, left)
        tried.append(attempt)
        if attempt.answer is None:
            continue
        standing = attempt
        if confidence_of(attempt) >= accept_from:
            break
    return Climb(tuple(tried), standing)
