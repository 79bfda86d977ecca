"""What this process knows of the other parts without asking: its listener, and when a worker was last heard of."""

import time

from routing.listener import Listener

WORKER_SILENT_SECONDS = 20.0

listener: Listener | None = None
_worker_heard = 0.0
_begun = time.monotonic()


def watch(own: Listener) -> None:
    """Have the health page ask this listener."""
    global listener
    listener = own


def worker_heard() -> None:
    """Note that a worker has just reconciled."""
    global _worker_heard
    _worker_heard = time.monotonic()


def worker_silent() -> bool:
    """Say whether no worker was heard of lately; a process that has only just begun cannot know."""
    return time.monotonic() - max(_worker_heard, _begun) > WORKER_SILENT_SECONDS
