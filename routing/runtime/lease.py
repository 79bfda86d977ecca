"""How long an assistant has been alone.

The clock is monotonic, so setting the machine's time neither ends nor prolongs a lease. Any successful,
authenticated contact with the console renews it for every use case of the process. A config that came
from the disk cache starts its lease when the process starts: how long the machine was off before cannot
be known without trusting the wall clock, and a process that is restarted has at least been attended to.
"""

import time
from collections.abc import Callable


class Contact:
    """When the console was last heard."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self.ever = False

    def renew(self) -> None:
        """Note that the console answered just now."""
        self._last = self._clock()
        self.ever = True

    def age(self) -> float:
        """Seconds since the console was last heard, or since start."""
        return self._clock() - self._last
