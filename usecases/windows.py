"""Which past decisions a what-if replays: as it comes from outside, checked, and read from the shared histories.

A window ends now, or lies between two moments; moments count in milliseconds, the earlier one inside and the later one
outside. NumPy comes with the first history that is read, not with this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from routing.engine.faults import Fault

if TYPE_CHECKING:
    from routing.history import Window
    from routing.replay.columns import Columns

DEFAULT_DAYS: Final = 7
MOST_DAYS: Final = 36_500
MOST_DECISIONS: Final = 1_000_000_000
KEYS: Final = ("decisions", "days", "since", "until")
SHAPES: Final = 'Say “all”, {"decisions": N}, {"days": N} or {"since": MOMENT, "until": MOMENT}.'
MOMENT: Final = "Give a moment with its zone, such as “2026-11-01T08:00:00Z”."
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# A history that is brought up to date while it is asked begins a little later than the clock says.
MARGIN: Final = timedelta(minutes=1)


class Loading(Exception):
    """The history is being read for somebody else's question: `rows` of `expected` so far. Ask again in a moment."""

    def __init__(self, words: str, rows: int, expected: int) -> None:
        super().__init__(words)
        self.rows = rows
        self.expected = expected


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Decisions as columns, as of a moment. Not `complete` where memory did not suffice for all of them."""

    columns: "Columns"
    as_of: datetime
    complete: bool


def window_faults(window: Any) -> list[Fault]:
    """Return what is wrong with a window, as it comes from outside."""
    if window is None or window == "all":
        return []
    if not isinstance(window, Mapping):
        return [Fault("window", SHAPES)]
    found = [
        Fault(f"window.{key}", f"There is no such window. {SHAPES}") for key in window if key not in KEYS
    ]
    if "decisions" in window and not _whole(window["decisions"]):
        found.append(
            Fault("window.decisions", f"Give a whole number from 1 to {MOST_DECISIONS:,} of decisions.")
        )
    if "days" in window and not _days(window["days"]):
        found.append(Fault("window.days", f"Give a number of days above 0, at most {MOST_DAYS:,}."))
    for key in ("since", "until"):
        if key in window and moment_of(window[key]) is None:
            found.append(Fault(f"window.{key}", MOMENT))
    return found or _together(window)


def _together(window: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with the parts of a window that are each right by themselves."""
    kinds = {"moments" if key in ("since", "until") else key for key in window}
    if len(kinds) != 1:
        return [Fault("window", f"A window is one of them. {SHAPES}")]
    since, until = (moment_of(window.get(key)) for key in ("since", "until"))
    if since and until and since >= until:
        return [Fault("window.until", "The window has to end after it begins.")]
    return []


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_DECISIONS


def _days(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_DAYS


def moment_of(value: Any) -> datetime | None:
    """Read a moment with its zone; None for anything else."""
    try:
        found = value if isinstance(value, datetime) else parse_datetime(value)
        return found.astimezone(UTC) if found is not None and found.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def read(slug: str, window: Any) -> Past:
    """Return the decisions of a window without faults (None: the last 7 days). Raises `Loading`."""
    if isinstance(window, Mapping) and KEYS[2:] & window.keys():
        return between(slug, moment_of(window.get("since")), moment_of(window.get("until")))
    from routing.history import Window

    if window is None:
        return _read(slug, Window(days=DEFAULT_DAYS))
    return _read(slug, Window() if window == "all" else Window(**window))


def between(slug: str, since: datetime | None, until: datetime | None) -> Past:
    """Return the decisions made from one moment on and before another; None: without end. Raises `Loading`."""
    import numpy as np

    from routing import history_columns
    from routing.history import Window

    days = None if since is None else (timezone.now() - since + MARGIN) / timedelta(days=1)
    past = _read(slug, Window() if days is None else Window(days=min(max(days, 1e-3), MOST_DAYS)))
    at = past.columns.at
    start = 0 if since is None else int(np.searchsorted(at, millis(since), "left"))
    stop = len(at) if until is None else int(np.searchsorted(at, millis(until), "left"))
    cut = history_columns.between(history_columns.Timed(past.columns, at), start, max(start, stop))
    return Past(cut.columns, past.as_of, past.complete)


def millis(at: datetime) -> int:
    """Return a moment in whole milliseconds since 1970."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def of_millis(at: int) -> datetime:
    """Return the moment so many milliseconds after 1970, exactly."""
    return EPOCH + timedelta(milliseconds=at)


def _read(slug: str, window: "Window") -> Past:
    from routing.history import SHARED, Busy

    try:
        history = SHARED.window(slug, window)
    except Busy as busy:
        raise Loading(str(busy), busy.progress.rows, busy.progress.expected) from busy
    return Past(history.columns, history.as_of, history.complete)
