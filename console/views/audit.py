"""The record over all use cases that the viewer may see: to filter, to read, to take along."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from audit.models import Event
from console import saved_filters
from console.models import SavedFilter
from usecases import permissions, record, record_knobs, record_values
from usecases.exports import csv_response, lines_response
from usecases.publishing import Refused
from usecases.record import Wish
from usecases.views.kill_switches import person

DOTS = {
    "kill_switch.engaged": "stop",
    "kill_switch.review_all": "wait",
    "kill_switch.restored": "live",
    "use_case.created": "live",
    "version.applied": "",
    "version.reverted": "",
    "change.submitted": "wait",
    "change.changes_requested": "wait",
    "change.approved": "live",
    "change.applied": "live",
    "change.vetoed": "stop",
    "change.held_up": "stop",
    "override.began": "wait",
    "guardrail.set": "",
    "lane.set": "",
}


@login_required
def audit(request: HttpRequest) -> HttpResponse:
    """Show one page of events, newest first."""
    return _page(request, Wish.of(request.GET), record.place(request.GET.get("before", "")))


def _page(
    request: HttpRequest, wish: Wish, before: int | None = None, status: int = 200, **told: Any
) -> HttpResponse:
    viewer = person(request)
    seen = record.sight(viewer)
    events, older = record.page(seen, wish.sought, before)
    chosen = permissions.visible(viewer).filter(slug=wish.use_case).first() if wish.use_case else None
    choices = record.choices(seen)
    if wish.kind in record.KINDS.keys() - dict(choices["kinds"]).keys():
        choices["kinds"].append((wish.kind, record.KINDS[wish.kind]))
    kept = SavedFilter.objects.filter(user=viewer)
    context = {
        "events": [entry(event) for event in events],
        "older": older,
        "first": before is None,
        "wish": wish,
        "choices": choices,
        "knobs": record_knobs.choices(chosen, wish.knob),
        "query": wish.query,
        "kept": kept,
        "kept_name": next((row.name for row in kept if row.query == wish.query), ""),
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "console/audit.html", context | told, status=status)


def entry(event: Event) -> dict[str, Any]:
    """Return an event with the words that a page shows of it."""
    return {
        "event": event,
        "title": event.sentence.removesuffix("."),
        "dot": DOTS.get(event.kind, "quietly"),
        "kind": record.KINDS.get(event.kind, event.kind),
        "values": record_values.rows(event.old, event.new),
    }


@login_required
def audit_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send everything that the filter finds."""
    rows = record.export(person(request), Wish.of(request.GET))
    return csv_response(request, "audit.csv", record.HEADER, rows)


@login_required
def audit_jsonl(request: HttpRequest) -> StreamingHttpResponse:
    """Send everything that the filter finds, one event a line: all values, and where each stands in the chain."""
    return lines_response(request, "audit.jsonl", _lines(person(request), Wish.of(request.GET)))


def _lines(viewer: Any, wish: Wish) -> Iterator[str]:
    for found in record.export_lines(viewer, wish):
        yield json.dumps(found, ensure_ascii=False)


@login_required
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the filter that is shown under a name."""
    query, name = request.POST.get("query", ""), request.POST.get("name", "")
    try:
        row = saved_filters.save(by=person(request), name=name, query=query)
    except Refused as refused:
        return _page(request, Wish.of(QueryDict(query)), status=422, trouble=str(refused), typed=name)
    messages.success(request, f"Kept as “{row.name}”.")
    return redirect(f"{reverse('audit')}?{row.query}")


@login_required
@require_POST
def kept(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename or delete a filter of one's own; somebody else's is not there."""
    row = get_object_or_404(SavedFilter, pk=pk, user=person(request))
    try:
        if request.POST.get("do") == "delete":
            saved_filters.delete(row=row, by=person(request))
            messages.success(request, f"“{row.name}” is no longer kept.")
        else:
            saved_filters.rename(row=row, by=person(request), name=request.POST.get("name", ""))
    except Refused as refused:
        return _page(request, Wish.of(QueryDict(row.query)), status=422, trouble=str(refused))
    return redirect(f"{reverse('audit')}?{row.query}")
