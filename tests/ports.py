"""Ports for what tests start, again and again on the same ones.

They lie below those that the kernel gives to connections by itself: of these, one that was free a moment ago may be the
near end of somebody's connection by the time a server asks for it.
"""

import itertools
import os

from console.stack import free_port

FIRST, COUNT = 10_240, 22_000
STRIDE = 1009  # processes that start one after the other, as two workers do, begin far apart
_places = itertools.count(os.getpid() * STRIDE)


def own_port() -> int:
    """Return a port that nobody listens on, and that this process has not given out before."""
    while free_port(port := FIRST + next(_places) % COUNT) != port:
        pass
    return port
