"""The record over all use cases that the viewer may see."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from audit.models import Event
from routing.engine import describe
from usecases import record
from usecases.exports import csv_response
from usecases.record import Wish
from usecases.views.kill_switches import person

DOTS = {
    "kill_switch.engaged": "stop",
    "kill_switch.review_all": "wait",
    "kill_switch.restored": "live",
    "use_case.created": "live",
    "version.applied": "",
    "version.reverted": "",
}


@login_required
def audit(request: HttpRequest) -> HttpResponse:
    """Show one page of events, newest first."""
    viewer, wish = person(request), Wish.of(request.GET)
    events, older = record.page(viewer, wish, request.GET.get("before", ""))
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "events": [_entry(event) for event in events],
        "older": older,
        "first": "before" not in request.GET,
        "wish": wish,
        "choices": record.choices(viewer),
        "query": query.urlencode(),
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "console/audit.html", context)


def _entry(event: Event) -> dict[str, Any]:
    return {
        "event": event,
        "dot": DOTS.get(event.kind, "quietly"),
        "kind": record.KINDS.get(event.kind, event.kind),
        "values": _values(event.old, event.new),
    }


def _values(old: Any, new: Any) -> list[dict[str, Any]]:
    """Set old and new values side by side, key by key; one row for values that have no keys."""
    if isinstance(old, dict | None) and isinstance(new, dict | None):
        before, after = old or {}, new or {}
        keys = list(dict.fromkeys([*before, *after]))
        rows = [{"path": key, "old": before.get(key), "new": after.get(key)} for key in keys]
    else:
        rows = [{"path": "", "old": old, "new": new}]
    return [
        {"path": row["path"], "old": _shown(row["old"]), "new": _shown(row["new"])}
        for row in rows
        if row["old"] != row["new"]
    ]


def _shown(value: Any) -> str:
    return record.as_text(describe.without_points(value))


@login_required
def audit_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send everything that the filter finds."""
    rows = record.export(person(request), Wish.of(request.GET))
    return csv_response(request, "audit.csv", record.HEADER, rows)
