"""Limits that somebody set themselves: what these newly allow, that person makes live with another's word only.

Who may both tune and set limits could else widen a lane and walk through it alone.
"""

from collections.abc import Mapping
from typing import Any

from usecases import lanes
from usecases.models import Guardrail, Lane


def before(
    guardrail: Guardrail, author: str, shared: Mapping[str, Lane] | None = None
) -> dict[str, Any] | None:
    """Return what held by others' word before `author` set limits here; None where nothing that holds is theirs.

    Limits that nobody else has ever set stand as they are: who makes a use case says what holds in it at first.
    `shared`: lanes that were read already.
    """
    known = lanes.named([guardrail]) if shared is None else shared
    own = _others_word(guardrail, author)
    parts = {slug: _others_word(lane, author) for slug, lane in known.items() if slug in guardrail.lanes}
    if own is None and not any(parts.values()):
        return None
    older = guardrail if own is None else own
    read = lanes.named([older])
    held = {slug: _others_word(lane, author) or lane for slug, lane in read.items()}
    return lanes.effective(older, held)


def _others_word(row: Any, author: str) -> Any:
    """Return limits as somebody else set them last; None where that is as they are, or never was."""
    if row.set_by != author:
        return None
    entry = row.history.exclude(set_by=author).order_by("-history_date", "-history_id").first()
    return entry.instance if entry is not None else None
