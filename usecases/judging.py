"""What a document of a use case is judged by, besides itself: read once, the same for every door."""

from datetime import datetime, timedelta
from typing import Any

from routing.models import State
from usecases import golden_standing, lanes, one_pager_standing, overriding, step_gates
from usecases.models import UseCase, Version
from usecases.step_gates import Earlier


def grounds(use_case: UseCase, document: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the parts of a `checks.Subject` that come from the use case, for judging a document at a moment."""
    bounds = lanes.effective(use_case.guardrail)
    return {
        "guardrails": bounds,
        "now": now,
        "ground": overriding.ground(use_case),
        "one_pager": one_pager_standing.state_of(use_case),
        "earlier": earlier(use_case, bounds, now),
        "golden": golden_standing.now(use_case, bounds, document),
    }


def earlier(use_case: UseCase, bounds: dict[str, Any], now: datetime) -> list[Earlier]:
    """Return what was live within the longest step that guardrails name, with what stood at its beginning.

    What an override made live does not count, as it counts for no lane; nor does what waited on a safe state.
    """
    hours = step_gates.longest(bounds)
    if not hours:
        return []
    since = now - timedelta(hours=hours)
    rows = Version.objects.filter(use_case=use_case, state=State.LIVE).exclude(kind="override")
    rows = rows.only("number", "created_at", "document")
    before = rows.filter(created_at__lte=since).order_by("-number")[:1]
    after = rows.filter(created_at__gt=since).order_by("number")
    return [Earlier(row.created_at, row.number, row.document) for row in (*before, *after)]
