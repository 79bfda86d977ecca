"""What a use case has spent today: the console's number, and what it cannot know yet. UTC days."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime


def utc_day() -> str:
    """Return today's date in UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


class Spend:
    """Spend per use case in US dollars, over all assistants as far as known.

    The console's number counts what had been delivered to it when the heartbeat was sent; on top comes
    what this process has spent and not delivered by then. Without a console it is our own spend.
    """

    def __init__(self, today: Callable[[], str] = utc_day) -> None:
        self._today = today
        self._day = today()
        self._reset()

    def _reset(self) -> None:
        self._console: dict[str, float] = {}
        self._own: defaultdict[str, float] = defaultdict(float)
        self._delivered: defaultdict[str, float] = defaultdict(float)
        self._at_heartbeat: dict[str, float] = {}
        self._known: dict[str, float] = {}

    def _turn(self) -> None:
        if (day := self._today()) != self._day:
            self._day = day
            self._reset()

    def add(self, use_case: str, cost_usd: float, day: str) -> None:
        """Count what one decision cost."""
        self._turn()
        if day == self._day:
            self._own[use_case] += cost_usd

    def delivered(self, use_case: str, cost_usd: float, day: str) -> None:
        """Note that the console knows of this cost from now on."""
        self._turn()
        if day == self._day:
            self._delivered[use_case] += cost_usd

    def heartbeat_sent(self) -> None:
        """Mark what the console's next number will include."""
        self._turn()
        self._at_heartbeat = dict(self._delivered)

    def told(self, numbers: Mapping[str, float]) -> None:
        """Take the console's numbers from the answer to the last heartbeat."""
        self._turn()
        for use_case, number in numbers.items():
            self._console[use_case] = number
            self._known[use_case] = self._at_heartbeat.get(use_case, 0.0)

    def today(self, use_case: str) -> float:
        """Return the spend of today in US dollars."""
        self._turn()
        own = self._own[use_case] - self._known.get(use_case, 0.0)
        return self._console.get(use_case, 0.0) + max(0.0, own)
