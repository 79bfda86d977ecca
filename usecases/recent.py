"""Figures that open pages ask for again and again: computed at most every few seconds per process.

Only a page that updates itself takes a remembered figure; one that somebody opens computes it anew. States, versions
and confirmations never pass through here: they must be true now.
"""

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

SECONDS = 5.0
MOST = 512

Value = TypeVar("Value")
_known: dict[Hashable, tuple[float, Any]] = {}


def figure(key: Hashable, compute: Callable[[], Value], *, anew: bool) -> Value:
    """Return a figure, remembered from moments ago unless `anew`. Two threads may both compute it; both are right."""
    deadline, value = _known.get(key, (0.0, None))
    if not anew and time.monotonic() < deadline:
        return value  # type: ignore[no-any-return]
    if len(_known) >= MOST:
        _known.clear()
    computed = compute()
    _known[key] = (time.monotonic() + SECONDS, computed)
    return computed
