"""How long to wait before trying again: exponential, jittered, capped."""

import random

FIRST = (0.05, 0.25)
CAP = 5.0


def delay(failures: int, *, base: float = 0.25, cap: float = CAP) -> float:
    """Seconds to wait after so many failures in a row.

    The first retry comes at once, nearly: most cuts are a restart or a dropped connection. Later ones
    are spread over half their length, so that a fleet does not come back in one wave.
    """
    if failures <= 1:
        return random.uniform(*FIRST)
    longest = min(cap, base * 2.0 ** min(failures, 16))
    return random.uniform(0.5, 1.0) * longest
