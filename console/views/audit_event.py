"""One event of the record: what it says, what it changed, on what evidence, and where it stands in the chain."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from audit import leaves, proofs
from audit.models import Checkpoint, Event, Link
from console.views.audit import entry
from usecases import permissions, record, record_values
from usecases.actions import erasures
from usecases.models import UseCase
from usecases.publishing import Refused
from usecases.views.kill_switches import person

TOGETHER = 100
NEAR = 10  # so far is looked for an event that the viewer may read, too
# What an event names that has a page: key in `new`, address, words. `version` and use case have fields of their own.
PAGES = (
    ("change", "change", "Change {}"),
    ("certificate", "promise", "Certificate {}"),
    ("id", "kept-impact", "The what-if that was kept"),
    ("upload", "upload", "The upload"),
)
ERASABLE = {
    "actor": "who did it",
    "sentence": "the sentence",
    "reason": "the reason",
    "old": "the values before",
    "new": "the values after",
}


@login_required
def event(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show one event."""
    return _page(request, _found(request, uid))


def _found(request: HttpRequest, uid: UUID) -> Event:
    found = record.one(person(request), uid)
    if found is None:
        raise Http404(f"There is no event {uid}.")
    return found


def _page(request: HttpRequest, found: Event, status: int = 200, **told: Any) -> HttpResponse:
    viewer = person(request)
    use_case = UseCase.objects.filter(slug=found.use_case).first() if found.use_case else None
    shown = entry(found)
    newer, older = _neighbours(viewer, found)
    link = Link.objects.filter(event_id=found.pk).first()
    covering = Checkpoint.objects.filter(size__gte=link.seq).order_by("size").first() if link else None
    context = {
        **shown,
        "use_case_there": use_case,
        "links": _links(found),
        "digests": _digests(found),
        "together": _together(viewer, found),
        "newer": newer,
        "older": older,
        "link": link,
        "leaf": bytes(link.leaf).hex() if link else "",
        "covering": covering,
        "erasable": [
            (name, words)
            for name, words in ERASABLE.items()
            if name not in found.erased and getattr(found, name) != leaves.EMPTY[name]
        ],
        "may_erase": permissions.can_create(viewer),
    }
    return render(request, "console/audit_event.html", context | told, status=status)


def _neighbours(viewer: User, found: Event) -> tuple[Event | None, Event | None]:
    """Return the events after and before it: of the same use case; of none, of those that the viewer may read."""
    rows = Event.objects.filter(use_case=found.use_case)
    if not found.use_case and not permissions.can_create(viewer):
        rows = rows.filter(actor=viewer.get_username(), actor_kind="person")
    newer = rows.filter(pk__gt=found.pk).order_by("pk")[:NEAR]
    older = rows.filter(pk__lt=found.pk).order_by("-pk")[:NEAR]
    return (
        next((row for row in newer if record.may_read(viewer, row)), None),
        next((row for row in older if record.may_read(viewer, row)), None),
    )


def _together(viewer: User, found: Event) -> list[Event]:
    """Return what else the same request has done, as far as the viewer may read it."""
    if not found.request_id:
        return []
    rows = Event.objects.filter(request_id=found.request_id).exclude(pk=found.pk).order_by("pk")[:2000]
    slugs = set(record.sight(viewer).use_cases)
    seen = [
        row for row in rows if row.use_case in slugs or (not row.use_case and record.may_read(viewer, row))
    ]
    return seen[:TOGETHER]


def _links(found: Event) -> list[tuple[str, str]]:
    """Return addresses and words of what the event is about, where that has a page."""
    new = found.new if isinstance(found.new, dict) else {}
    pages: list[tuple[str, str]] = []
    if found.kind == leaves.ERASURE and "event" in new:
        pages.append((reverse("audit-event", args=[new["event"]]), "The event that was erased from"))
    for key, name, words in PAGES:
        value = new.get(key)
        if not found.use_case or not isinstance(value, int | str) or isinstance(value, bool):
            continue
        given = [found.use_case] if name == "promise" else [found.use_case, value]
        try:
            pages.append((reverse(name, args=given), words.format(value)))
        except NoReverseMatch:
            continue
    if found.use_case and found.version:
        decisions = f"{reverse('decisions', args=[found.use_case])}?version={found.version}"
        pages.append((reverse("version", args=[found.use_case, found.version]), f"Version r{found.version}"))
        pages.append((decisions, f"Decisions made under r{found.version}"))
    return pages


def _digests(found: Event) -> list[tuple[str, str]]:
    new = found.new if isinstance(found.new, dict) else {}
    return [
        (name, new[name])
        for name in record_values.DIGESTS
        if isinstance(new.get(name), str) and len(new[name]) == 64
    ]


@login_required
def proof(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Send what proves the event without the console: `python -m audit.verify` checks it."""
    found = _found(request, uid)
    try:
        body = json.dumps(proofs.inclusion(found), ensure_ascii=False, indent=1)
    except proofs.NotSigned:
        return _page(
            request, found, 409, trouble="Not signed yet. The next checkpoint is made within a minute."
        )
    answer = HttpResponse(body, content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="event-{uid}.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@login_required
def erase(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Erase what was ticked."""
    found = _found(request, uid)
    if request.method != "POST":
        return redirect("audit-event", uid)
    fields, reason = request.POST.getlist("fields"), request.POST.get("reason", "")
    if request.POST.get("sure") != "yes":
        words = "Say that you are sure: what is erased cannot be brought back."
        return _page(request, found, 422, trouble=words, reason=reason, ticked=fields)
    try:
        told = erasures.erase(event=found, fields=fields, by=person(request), reason=reason)
    except Refused as refused:
        return _page(request, found, 422, trouble=str(refused), reason=reason, ticked=fields)
    messages.success(request, told.sentence if told else "Nothing of that was left to erase.")
    return redirect("audit-event", uid)
