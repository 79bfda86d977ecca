"""What a document would have done to a use case's real past, beside what another one would have done.

Nothing is written. The live document is compared as an owner tunes it, also while the kill switch is pulled: history
is not of that moment, and a restore brings it back. NumPy comes with the first question, not with the pages.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from routing.engine.faults import Fault
from routing.engine.validation import faults
from usecases import permissions, promises, windows
from usecases.models import UseCase, Version
from usecases.publishing import Refused, latest
from usecases.windows import DEFAULT_DAYS, Loading, Past, window_faults

if TYPE_CHECKING:
    from routing.history import Progress
    from routing.replay.impact import People, Side

__all__ = ["DEFAULT_DAYS", "Loading", "Question", "ask", "progress", "question", "window_faults"]

MOST_IDS: Final = 200
# What an answer says of the moment it was given at: the same inputs give everything else again.
FLEETING: Final = ("took_ms", "as_of", "kept")


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A checked question with its decisions: what `document` would have done beside `live`."""

    use_case: UseCase
    document: Mapping[str, Any]
    live: Version
    window: Any
    past: Past
    people: "People"

    def sides(self) -> "tuple[Side, Side]":
        """Return both replays, the live one kept with the decisions for as long as it stays the same."""
        from routing.engine.decide import compile_document
        from routing.replay.impact import draft_side, live_side

        baseline = self.live.baseline
        before = live_side(self.past.columns, self.live.document, "live", baseline)
        compiled = compile_document(self.document, state="live", baseline=baseline)
        return before, draft_side(self.past.columns, compiled, before)


def ask(
    *,
    use_case: UseCase,
    document: Any,
    by: Any,
    window: Any = None,
    ids: int = 0,
    live: int | None = None,
) -> dict[str, Any]:
    """Return the impact of a document on the decisions of a window (default: the last 7 days), as strict JSON takes it.

    `ids` bounds the decisions listed for each cell of the matrix; `live` names another version to compare with than
    the newest. Raises `Http404` for a stranger, `Refused` with every fault of document, window and version, `Loading`
    where the history takes longer to read than one should wait.
    """
    asked = question(use_case=use_case, document=document, by=by, window=window, live=live)
    return answer(asked, max(0, min(ids, MOST_IDS)))


def question(
    *, use_case: UseCase, document: Any, by: Any, window: Any = None, live: int | None = None
) -> Question:
    """Check a question and read its decisions. Raises what `ask` raises."""
    permissions.check(by, "view", use_case)
    standing = version_of(use_case, live)
    wrong = [*faults(document), *window_faults(window)]
    if standing is None:
        wrong.append(Fault("against", f"There is no r{live} of “{use_case.name}”."))
    refuse(wrong)
    assert standing is not None
    past = windows.read(use_case.slug, window)
    asked = window if window is not None else {"days": DEFAULT_DAYS}
    return Question(use_case, document, standing, asked, past, promises.people(use_case))


def version_of(use_case: UseCase, number: int | None) -> Version | None:
    """Return a version by its number, the newest for None; None where there is no such one."""
    if number is None:
        return latest(use_case)
    return Version.objects.filter(use_case=use_case, number=number).first()


def refuse(wrong: list[Fault]) -> None:
    """Raise `Refused` with these faults, if there are any."""
    if wrong:
        words = f"The question has {len(wrong)} fault{'s' * (len(wrong) != 1)}."
        raise Refused(words, [{"path": fault.path, "message": fault.message} for fault in wrong])


def answer(asked: Question, ids: int = 0) -> dict[str, Any]:
    """Return the impact that a question asks for, as strict JSON takes it."""
    from routing.replay.impact import impact

    past, span = asked.past, asked.past.columns.at
    found = impact(
        past.columns,
        asked.document,
        live=asked.live.document,
        baseline=asked.live.baseline,
        people=asked.people,
        moved=ids,
    )
    answered: dict[str, Any] = strict(
        found
        | {
            "live_version": asked.live.number,
            "window": plain(asked.window),
            "first_at_ms": int(span[0]) if len(span) else None,
            "last_at_ms": int(span[-1]) if len(span) else None,
            "as_of": past.as_of.isoformat(),
            "complete": past.complete,
        }
    )
    return answered


def progress(*, use_case: UseCase, by: Any) -> "Progress":
    """Return how far the first load of a use case's history has come; never waits for it."""
    permissions.check(by, "view", use_case)
    from routing.history import SHARED

    return SHARED.progress(use_case.slug)


def plain(window: Any) -> Any:
    """Return a window as JSON takes it: moments as text."""
    if not isinstance(window, Mapping):
        return window
    return {
        key: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for key, value in window.items()
    }


def strict(value: Any) -> Any:
    """Return a result without NaN and infinities, which JSON does not have: a sum over something not recorded."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: strict(inner) for key, inner in value.items()}
    return [strict(inner) for inner in value] if isinstance(value, list | tuple) else value
