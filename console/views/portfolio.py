"""The home page: every use case that the viewer may see, how it stands, and its switch."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from audit.models import Event
from routing.models import Rollout, State
from usecases import permissions, recent, selectors
from usecases.selectors import DAY, Standing, Traffic

ORDER = {"stop": 0, "wait": 1, "idle": 2, "live": 3}
SORTS: dict[str, Any] = {
    "name": lambda row: row.use_case.name.lower(),
    "status": lambda row: (ORDER[row.pill], row.use_case.name.lower()),
    "error": lambda row: -1.0 if row.traffic.wrong_share is None else row.traffic.wrong_share,
    "cost": lambda row: -1.0 if row.traffic.cost_per_task is None else row.traffic.cost_per_task,
    "changed": lambda row: row.version.created_at,
}
DESCENDING = {"error", "cost", "changed"}
COLUMNS = (
    ("name", "Use case", ""),
    ("status", "Status", ""),
    ("", "Answered / review / escalated", ""),
    ("error", "Wrong among answered", "n"),
    ("cost", "Cost per task", "n"),
    ("", "Assistants", "n"),
    ("changed", "Last change", ""),
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """The last time somebody stopped all at once, as far as it still stands."""

    by: str
    at: Any
    rows: list[Standing]

    @property
    def confirmed(self) -> bool:
        return all(row.delivery.complete or not row.delivery.expected for row in self.rows)


@login_required
def portfolio(request: HttpRequest) -> HttpResponse:
    """Show the table, searched and sorted as the address says."""
    assert isinstance(request.user, User)
    mine = list(permissions.visible(request.user))
    stoppable = set(permissions.visible(request.user, "kill").values_list("pk", flat=True))
    slugs = [use_case.slug for use_case in mine]
    anew = "X-Live" not in request.headers
    today, week_ago = recent.figure(("days", *slugs), lambda: days(slugs), anew=anew)
    rows = selectors.standings(mine, today)
    query, sort = request.GET.get("q", "").strip(), request.GET.get("sort", "name")
    context = {
        "rows": arranged(rows, query, sort),
        "columns": columns(query, sort),
        "query": query,
        "sort": sort,
        "all": rows,
        "stoppable": stoppable,
        "can_stop": [
            row for row in rows if row.use_case.pk in stoppable and row.version.state != State.BASELINE
        ],
        "can_create": permissions.can_create(request.user),
        "running": len({held.instance for row in rows for held in row.delivery.assistants}),
        "totals": totals(rows, week_ago),
        "sweep": sweep([row for row in rows if row.use_case.pk in stoppable]),
    }
    return render(request, "console/portfolio.html", context)


def arranged(rows: list[Standing], query: str, sort: str) -> list[Standing]:
    """Return the rows that hold every searched word, in the asked order."""
    words = query.lower().split()
    found = [row for row in rows if all(word in _text(row) for word in words)]
    return sorted(found, key=SORTS.get(sort, SORTS["name"]), reverse=sort in DESCENDING)


def _text(row: Standing) -> str:
    use_case = row.use_case
    return f"{use_case.name} {use_case.slug} {use_case.owner} {use_case.risk} {row.words}".lower()


def columns(query: str, sort: str) -> list[dict[str, Any]]:
    """Return the heads of the table; those that can be sorted by carry their address."""
    current = sort if sort in SORTS else "name"
    return [
        {
            "key": key,
            "label": label,
            "css": css,
            "current": bool(key) and key == current,
            "direction": "descending" if key in DESCENDING else "ascending",
            "query": query,
        }
        for key, label, css in COLUMNS
    ]


def days(slugs: list[str]) -> tuple[dict[str, Traffic], dict[str, Traffic]]:
    """Return what was decided in the last day, and in the same stretch a week ago."""
    now, before = timezone.now(), timezone.now() - timedelta(days=7)
    return selectors.traffic(slugs, since=now - DAY), selectors.traffic(
        slugs, since=before - DAY, until=before
    )


def totals(rows: list[Standing], week_ago: dict[str, Traffic]) -> dict[str, Any]:
    """Sum the last day over all rows, beside the same stretch a week ago."""
    today = sum((row.traffic for row in rows), Traffic())
    slugs = [row.use_case.slug for row in rows]
    before = sum(week_ago.values(), Traffic())
    now, then = today.answered_share, before.answered_share
    return {
        "traffic": today,
        "lift": None if now is None or then is None else 100 * (now - then),
        "last_switch": Rollout.objects.filter(
            use_case__in=slugs, state=State.BASELINE, converged_at__isnull=False
        )
        .order_by("-desired_at")
        .first(),
    }


def sweep(rows: list[Standing]) -> Sweep | None:
    """Return the newest stop that took several use cases at once and still holds for some of them."""
    stopped = {row.switch.number: row for row in rows if row.switch}
    wanted = Q(pk__in=[])
    for row in rows:
        if row.switch:
            wanted |= Q(use_case=row.use_case.slug, version=row.switch.number)
    events = list(Event.objects.filter(wanted, kind__startswith="kill_switch.")) if stopped else []
    newest = max(events, key=lambda event: event.pk, default=None)
    if newest is None:
        return None
    together = {
        event.use_case for event in events if event.request_id and event.request_id == newest.request_id
    }
    held = [row for row in rows if row.use_case.slug in together]
    return Sweep(newest.actor, newest.at, held) if len(held) > 1 else None
