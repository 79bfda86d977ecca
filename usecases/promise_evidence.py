"""The decisions that a promise about a document may rest on: made by the same models, prompt and index, no others.

Which those are is told by the versions: labels from before the last of them that changed model, prompt or index belong
to another subject. History that was imported from before the first version counts as made by what that describes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models.fields.json import KeyTransform

from routing.engine.digest import digest
from routing.engine.validation import faults
from routing.models import Rollout
from usecases import permissions, windows
from usecases.models import UseCase, Version
from usecases.publishing import Refused, latest

if TYPE_CHECKING:
    from routing.replay.columns import Columns, Mask
    from routing.replay.levels import Levels

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Since:
    """From which version, and moment, on a document's models, prompt and index are what they are.

    `version` 0: from the beginning. `never`: they are not those that are live, so that no decision was made by them.
    """

    version: int = 0
    at: datetime | None = None
    never: bool = False

    def words(self) -> str:
        """Say which decisions count; empty where all do."""
        if self.never:
            return "No decision was made yet with this model, prompt and index."
        if not self.version:
            return ""
        return f"Only decisions since r{self.version} count: it changed model, prompt or index."


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The decisions of a window that count for a document, as columns, beside the version that is live."""

    live: Version
    columns: "Columns"
    as_of: datetime
    complete: bool
    since: Since


def gathered(use_case: UseCase, document: Any, by: Any, window: Any = None) -> Evidence:
    """Return what counts for a document out of a window (default: all decisions).

    Raises `Http404` for a stranger, `Refused` with every fault of document and window, `Loading` while the history
    takes longer to read than one should wait.
    """
    permissions.check(by, "view", use_case)
    wrong = [*faults(document), *windows.window_faults(window)]
    if wrong:
        words = f"The question has {len(wrong)} fault{'s' * (len(wrong) != 1)}."
        raise Refused(words, [{"path": fault.path, "message": fault.message} for fault in wrong])
    since = since_when(use_case, document)
    past = windows.read(use_case.slug, "all" if window is None else window)
    columns = past.columns
    if since.never:
        columns = cut(columns, len(columns), len(columns))
    elif since.at is not None:
        columns = cut(columns, _place(columns, since.at), len(columns))
    return Evidence(latest(use_case), columns, past.as_of, past.complete, since)


def since_when(use_case: UseCase, document: Json) -> Since:
    """Tell since when this document's models, prompt and index are the live ones."""
    found = Version.objects.filter(use_case=use_case).order_by("-number")
    rows = found.annotate(called=KeyTransform("models", "document"), pinned=KeyTransform("pins", "document"))
    first: tuple[int, datetime] | None = None
    for number, at, models, pinned in rows.values_list("number", "created_at", "called", "pinned"):
        if not _alike(document, models or [], pinned or {}):
            break
        first = (number, at)
    else:
        return Since()
    if first is None:
        return Since(never=True)
    reached = Rollout.objects.filter(use_case=use_case.slug, version=first[0], converged_at__isnull=False)
    moments = [first[1], *reached.values_list("converged_at", flat=True)]
    return Since(first[0], max(moment for moment in moments if moment))


def _alike(document: Json, models: list[Json], pins: Json) -> bool:
    """Tell whether a version asks the same models under the same names, with the same prompt and index."""
    mine = {model["name"]: model for model in document.get("models", [])}
    asked = {rung["model"] for rung in document.get("ladder", [])}
    theirs = {model["name"]: model for model in models}
    own = document.get("pins") or {}
    same = all(
        (mine[name].get(key) or None) == (theirs[name].get(key) or None)
        for name in asked & mine.keys() & theirs.keys()
        for key in ("litellm", "api_base")
    )
    return same and all(
        (own.get(key) or "") == (pins.get(key) or "") for key in ("prompt", "retrieval_index")
    )


def cut(columns: "Columns", start: int, stop: int) -> "Columns":
    """Return decisions from one place to another, kept with the whole: what is worked out from them is kept too."""
    from routing import history_columns

    if (start, stop) == (0, len(columns)):
        return columns

    def made() -> "Columns":
        return history_columns.between(history_columns.Timed(columns, columns.at), start, stop).columns

    return columns.memory.get("cut", (start, stop), made)


def _place(columns: "Columns", at: datetime) -> int:
    import numpy as np

    return int(np.searchsorted(columns.at, windows.millis(at), "left"))


def counted(columns: "Columns", document: Json, live: Version) -> "Levels":
    """Return what every answer threshold of a document comes to, kept with the decisions."""
    from routing.replay.certificate import GRID
    from routing.replay.levels import levels, remembered
    from routing.replay.recommend import with_answer_from
    from routing.replay.replay import replay

    # The answer threshold is not part of what is kept: it is what is asked about.
    key = digest([with_answer_from(document, -1.0), live.document, live.baseline])
    return remembered(
        columns,
        key,
        lambda: levels(replay(columns, document, baseline=live.baseline), GRID, excused(columns, live)),
    )


def excused(columns: "Columns", live: Version) -> "Mask":
    """Return the rows that no model was asked for and that are lost under the live document too.

    Those were held out, or came while a switch was pulled: what they ask had no part in it. A row that another ladder
    or another rule would lose is left out for what it asks, and counts against a promise; so do many of the former.
    """
    import numpy as np

    from routing.replay.columns import NEVER
    from routing.replay.estimates import MOST_UNKNOWN
    from routing.replay.impact import live_side

    silent = np.ones(len(columns), np.bool_)
    for model in columns.models.values():
        silent &= model.asked == NEVER
    if not silent.any():
        return silent
    silent &= ~live_side(columns, live.document, "live", live.baseline).replayed.knowable()
    return silent if silent.sum() <= MOST_UNKNOWN * len(columns) else np.zeros(len(columns), np.bool_)


def narrowed(columns: "Columns", document: Json, live: Version, edge: float) -> tuple["Columns", "Levels"]:
    """Return the stretch of time whose answers the labels speak for, where they do not speak for all of it.

    A log that was imported has every verdict, and ends where an assistant's decisions begin; each change of the audit
    share begins another stretch. The one with most labels counts.
    """
    import numpy as np

    from routing.replay.recommend import MOST_STRANGE

    found = counted(columns, document, live)
    if found.ground is None:
        return columns, found
    place = found.place(edge)
    loosest = len(found.at) - 1 if place is None else place
    if found.strange[loosest] + found.lost <= MOST_STRANGE * found.above[loosest]:
        return columns, found
    inside = np.flatnonzero(columns.stratum == found.ground)
    part = cut(columns, int(inside[0]), int(inside[-1]) + 1)
    return (columns, found) if part is columns else (part, counted(part, document, live))
