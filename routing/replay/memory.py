"""What was worked out from columns once and will be asked for again, the least recently used forgotten first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

Made = TypeVar("Made")


class Memory:
    """Keeps the last results by kind and key. Safe to share between threads; two may make the same thing once each."""

    LIMITS = {"leaf": 64, "course": 4, "judged": 4, "replay": 2, "levels": 8, "cut": 4, "advice": 16}

    def __init__(self) -> None:
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {kind: OrderedDict() for kind in self.LIMITS}
        self._lock = Lock()

    def get(self, kind: str, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what is kept under a key, made now where nothing is."""
        kept = self._kept[kind]
        with self._lock:
            if key in kept:
                kept.move_to_end(key)
                found: Made = kept[key]
                return found
        made = make()
        with self._lock:
            kept[key] = made
            while len(kept) > self.LIMITS[kind]:
                kept.popitem(last=False)
        return made
