"""Lanes that several use cases share: the list, and one of them with what setting it would do."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from usecases import lane_selectors, limit_forms, permissions, rechecks
from usecases.actions import lanes as actions
from usecases.limit_forms import Limits
from usecases.models import Lane
from usecases.publishing import Refused
from usecases.term_forms import TermForm
from usecases.views.guardrails import brings
from usecases.views.kill_switches import person
from usecases.views.refusals import careful, errors_of

SEARCH_FROM = 10
HISTORY = 20


@login_required
def lanes(request: HttpRequest) -> HttpResponse:
    """Show the lanes that the viewer may see, each with how many use cases use it."""
    q = request.GET.get("q", "").replace("\0", "").strip()
    shown = lane_selectors.shown(request.user, q)
    context = {
        "lanes": [{"shown": one, "brings": brings(one.lane)} for one in shown],
        "q": q,
        "may_set": actions.may_set(request.user),
        "searchable": q or len(shown) >= SEARCH_FROM,
    }
    return render(request, "console/lanes.html", context)


@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Make a lane."""
    actions.check(request.user)
    return _form(request, Lane(), fresh=True)


@login_required
def lane(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a lane, what setting it would do, or set it."""
    if request.method == "POST":
        actions.check(request.user)
    shown = lane_selectors.found(request.user, slug)
    return _form(request, shown.lane, shown=shown)


def _form(
    request: HttpRequest, row: Lane, *, fresh: bool = False, shown: lane_selectors.Shown | None = None
) -> HttpResponse:
    """Show the form with what was typed; preview it, or set it."""
    typed = request.POST if request.method == "POST" else None
    form = Limits(None, {"knobs": row.knobs, "models": row.approved_models}, typed)
    terms = TermForm(row.terms, typed, partial=True)
    said, done, missing = limit_forms.read(form, terms) if typed is not None else None, None, ""
    if typed is not None and not (form.faulty or terms.faults):
        preview = typed.get("do") == "preview"
        try:
            done = _set(request, row, form, said or {}, fresh=fresh, dry_run=preview)
        except permissions.Forbidden as refusal:
            missing = str(refusal)
        except Refused as refusal:
            told = errors_of(refusal) or [{"path": "", "message": str(refusal)}]
            form.add_errors(terms.add_errors(told))
        if done is not None and not preview:
            messages.success(request, f"The lane holds from now on. {done.sentence}")
            return redirect("lane", done.lane.slug)
    if row.pk:
        limit_forms.tell_who(form.rows, row)
    context = {
        "lane": row,
        "fresh": fresh,
        "shown": shown,
        "form": form,
        "terms": terms,
        "typed": typed or {"name": row.name, "description": row.description, "slug": row.slug},
        "done": done,
        "sentence": rechecks.sentence(done.rechecked) if done else "",
        "missing": missing,
        "may_set": actions.may_set(request.user),
        "brings": brings(row),
        "history": _history(row),
    }
    return render(
        request,
        "console/lane.html",
        context,
        status=403 if missing else 422 if form.faulty or terms.faults else 200,
    )


def _history(row: Lane) -> list[Any]:
    """Return what the lane said before, in words."""
    entries = list(row.history.order_by("-history_date")[:HISTORY]) if row.pk else []
    for entry in entries:
        entry.said = "\n".join(brings(entry.instance)) or "It bounded nothing."
    return entries


def _set(
    request: HttpRequest, row: Lane, form: Limits, terms: dict[str, Any], *, fresh: bool, dry_run: bool
) -> actions.Done:
    """Make or set the lane as it was typed, or try that."""
    typed = request.POST
    wish: dict[str, Any] = {
        "name": typed.get("name", ""),
        "description": typed.get("description", ""),
        "knobs": form.knobs,
        "approved_models": form.models,
        "terms": terms,
        "by": person(request),
        "reason": form.reason,
        "dry_run": dry_run,
    }
    if fresh:
        return actions.create(slug=typed.get("slug", "").strip(), **wish)
    return actions.set_lane(lane=row, **wish)


@login_required
@require_POST
@careful
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete a lane that no use case uses."""
    row = lane_selectors.found(request.user, slug).lane
    actions.delete(lane=row, by=person(request), reason=request.POST.get("reason", ""))
    messages.success(request, f"The lane “{row.name}” is deleted.")
    return redirect("lanes")
