"""What a document of a use case is judged by, and every gate that it meets: the same list for every door."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from routing.models import State
from usecases import golden_standing, lanes, one_pager_standing, overriding, own_limits, step_gates
from usecases.checks import Findings, check
from usecases.models import UseCase, Version
from usecases.step_gates import Earlier
from usecases.subjects import Subject


def grounds(use_case: UseCase, document: dict[str, Any], now: datetime, by: Any = None) -> dict[str, Any]:
    """Return the parts of a `subjects.Subject` that come from the use case, for judging a document at a moment.

    `by`: who would make it live, for whom limits of their own do not count.
    """
    bounds = lanes.effective(use_case.guardrail)
    return {
        "guardrails": bounds,
        "now": now,
        "before": own_limits.before(use_case.guardrail, by.get_username()) if by is not None else None,
        "ground": overriding.ground(use_case),
        "one_pager": one_pager_standing.state_of(use_case),
        "earlier": earlier({use_case.pk: step_gates.longest(bounds)}, now)[use_case.pk],
        "golden": golden_standing.now(golden_standing.asked({use_case.pk: bounds})[use_case.pk], document),
    }


def document(
    use_case: UseCase,
    draft: dict[str, Any],
    standing: Version,
    baseline: dict[str, Any] | None = None,
    by: Any = None,
) -> Findings:
    """Return every gate that making a document live would meet now; also where it has faults."""
    subject = Subject(
        live=standing.document, draft=draft, baseline=baseline, **grounds(use_case, draft, timezone.now(), by)
    )
    return check(subject)


def way_back(use_case: UseCase, standing: Version, to: str = State.LIVE, by: Any = None) -> Findings:
    """Return every gate that leaving the safe state for `to` would meet now: the document stays as it is."""
    parts = grounds(use_case, standing.document, timezone.now(), by) | {"ground": None}
    safe = standing.state not in (State.LIVE, to)
    return check(Subject(live=standing.document, draft=standing.document, leaves_to=to, safe=safe, **parts))


def earlier(hours: Mapping[int, float], now: datetime) -> dict[int, list[Earlier]]:
    """Return what was live within so many hours, by use case, with what stood at their beginning.

    As far back for all as the longest asks: a step looks no further than its own hours. What an override made live does
    not count, as it counts for no lane; nor does what waited on a safe state.
    """
    found: dict[int, list[Earlier]] = {pk: [] for pk in hours}
    stepped = [pk for pk, longest in hours.items() if longest]
    if not stepped:
        return found
    since = now - timedelta(hours=max(hours.values()))
    rows = Version.objects.filter(use_case__in=stepped, state=State.LIVE).exclude(kind="override")
    rows = rows.only("use_case_id", "number", "created_at", "document")
    before = rows.filter(created_at__lte=since).order_by("use_case_id", "-number").distinct("use_case_id")
    after = rows.filter(created_at__gt=since).order_by("number")
    for row in (*before, *after):
        found[row.use_case_id].append(Earlier(row.created_at, row.number, row.document))
    return found
