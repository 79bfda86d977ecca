"""What a document would have done to a use case's real past, beside what the live one would have done.

Nothing is written. The live document is compared as an owner tunes it, also while the kill switch is pulled: history
is not of that moment, and a restore brings it back. NumPy comes with the first question, not with the pages.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from routing.engine.faults import Fault
from routing.engine.validation import faults
from usecases import permissions
from usecases.models import UseCase
from usecases.publishing import Refused, latest

if TYPE_CHECKING:
    from routing.history import Progress, Window

DEFAULT_DAYS: Final = 7
MOST_DAYS: Final = 36_500
MOST_DECISIONS: Final = 1_000_000_000
MOST_IDS: Final = 200
SHAPES: Final = 'Say “all”, {"decisions": N} or {"days": N}.'


class Loading(Exception):
    """The history is being read for somebody else's question: `rows` of `expected` so far. Ask again in a moment."""

    def __init__(self, words: str, rows: int, expected: int) -> None:
        super().__init__(words)
        self.rows = rows
        self.expected = expected


def ask(*, use_case: UseCase, document: Any, by: Any, window: Any = None, ids: int = 0) -> dict[str, Any]:
    """Return the impact of a document on the decisions of a window (default: the last 7 days), as strict JSON takes it.

    `ids` bounds the decisions listed for each cell of the matrix. Raises `Http404` for a stranger, `Refused` with every
    fault of document and window, `Loading` where the history takes longer to read than one should wait.
    """
    permissions.check(by, "view", use_case)
    wrong = [*faults(document), *window_faults(window)]
    if wrong:
        words = f"The question has {len(wrong)} fault{'s' * (len(wrong) != 1)}."
        raise Refused(words, [{"path": fault.path, "message": fault.message} for fault in wrong])
    from routing.history import SHARED, Busy
    from routing.replay.impact import impact

    standing = latest(use_case)
    try:
        history = SHARED.window(use_case.slug, _window(window))
    except Busy as busy:
        raise Loading(str(busy), busy.progress.rows, busy.progress.expected) from busy
    found = impact(
        history.columns,
        document,
        live=standing.document,
        baseline=standing.baseline,
        moved=max(0, min(ids, MOST_IDS)),
    )
    span = history.columns.at
    answer: dict[str, Any] = _strict(
        found
        | {
            "live_version": standing.number,
            "window": window if window is not None else {"days": DEFAULT_DAYS},
            "first_at_ms": int(span[0]) if len(span) else None,
            "last_at_ms": int(span[-1]) if len(span) else None,
            "as_of": history.as_of.isoformat(),
            "complete": history.complete,
        }
    )
    return answer


def progress(*, use_case: UseCase, by: Any) -> "Progress":
    """Return how far the first load of a use case's history has come; never waits for it."""
    permissions.check(by, "view", use_case)
    from routing.history import SHARED

    return SHARED.progress(use_case.slug)


def window_faults(window: Any) -> list[Fault]:
    """Return what is wrong with a window, as it comes from outside."""
    if window is None or window == "all":
        return []
    if not isinstance(window, Mapping):
        return [Fault("window", SHAPES)]
    found = [
        Fault(f"window.{key}", f"There is no such window. {SHAPES}")
        for key in window
        if key not in ("decisions", "days")
    ]
    if "decisions" in window and not _whole(window["decisions"]):
        found.append(
            Fault("window.decisions", f"Give a whole number from 1 to {MOST_DECISIONS:,} of decisions.")
        )
    if "days" in window and not _days(window["days"]):
        found.append(Fault("window.days", f"Give a number of days above 0, at most {MOST_DAYS:,}."))
    if not found and len(window) != 1:
        found.append(Fault("window", f"A window is one of them. {SHAPES}"))
    return found


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_DECISIONS


def _days(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_DAYS


def _window(window: Any) -> "Window":
    from routing.history import Window

    if window is None:
        return Window(days=DEFAULT_DAYS)
    return Window() if window == "all" else Window(**window)


def _strict(value: Any) -> Any:
    """Return a result without NaN and infinities, which JSON does not have: a sum over something not recorded."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _strict(inner) for key, inner in value.items()}
    return [_strict(inner) for inner in value] if isinstance(value, list) else value
