"""The limits that risk set: read by everybody who sees the use case, set by those who may approve."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from usecases import lanes, record, strictest
from usecases.actions import guardrails as actions
from usecases.limit_forms import Limits, read, tell_who
from usecases.models import Guardrail, Lane
from usecases.term_forms import TermForm
from usecases.views import frame, use_case_for
from usecases.views.kill_switches import person
from usecases.views.refusals import EXPECTED, errors_of


@login_required
def guardrails(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the limits knob by knob, or set them; what was typed stays where something is wrong."""
    use_case = use_case_for(request, slug, "approve" if request.method == "POST" else "view")
    guardrail = use_case.guardrail
    context = frame(request, use_case, "guardrails")
    typed = request.POST if request.method == "POST" else None
    form = Limits(context["version"].document, guardrail.own_words(), typed)
    terms = TermForm(guardrail.terms, typed)
    chosen, said = _chosen(request), read(form, terms) if typed is not None else None
    if typed is not None and not (form.faulty or terms.faults):
        try:
            actions.set_limits(
                use_case=use_case,
                knobs=form.knobs,
                approved_models=form.models,
                by=person(request),
                reason=form.reason,
                terms=said,
                lanes=chosen,
            )
        except EXPECTED as refusal:
            form.add_errors(terms.add_errors(errors_of(refusal)))
        else:
            messages.success(request, "The guardrails hold from now on. What is live stays live.")
            return redirect("guardrails", slug)
    tell_who(form.rows, guardrail)
    _tell_lanes(form, guardrail)
    context |= {"form": form, "terms": terms, "guardrail": guardrail}
    context["newest"] = record.newest("guardrail.set", slug)
    context["shared"] = _shared(guardrail, chosen, all_of_them=context["may"]["approve"])
    context["golden_url"] = reverse("golden-sets", args=[slug])
    return render(
        request, "usecases/guardrails.html", context, status=422 if form.faulty or terms.faults else 200
    )


def _chosen(request: HttpRequest) -> list[str] | None:
    """Return the shared lanes that were chosen; None where the form did not ask."""
    if request.method != "POST" or "lanes" not in request.POST:
        return None
    return [key.removeprefix("lane:") for key in request.POST if key.startswith("lane:")]


def _tell_lanes(form: Limits, guardrail: Guardrail) -> None:
    """Write beside each knob what shared lanes say of it, who set it, and why."""
    parts = [part for part in lanes.parts_of(guardrail) if part.slug]
    by = lanes.authors(guardrail, parts)
    for row in form.rows:
        row.said = lanes.words(strictest.said_of(parts, row.path), row.path, by)


def _shared(guardrail: Guardrail, chosen: list[str] | None, *, all_of_them: bool) -> list[dict[str, Any]]:
    """Return the lanes to choose from, or for those who only look the ones that hold, each with what it brings."""
    held = guardrail.lanes if chosen is None else chosen
    rows = Lane.objects.all() if all_of_them else Lane.objects.filter(slug__in=held)
    return [{"lane": row, "chosen": row.slug in held, "brings": brings(row)} for row in rows[:200]]


def brings(lane: Lane) -> list[str]:
    """Say all that a shared lane bounds, in words."""
    part = lanes.part_of(lane.slug, lane)
    said = [line for path in lane.knobs for line in lanes.bounded(strictest.said_of([part], path), path)]
    said += [f"Approved models: {', '.join(lane.approved_models)}."] if lane.approved_models else []
    return said + TermForm(lane.terms, None, partial=True).words()
