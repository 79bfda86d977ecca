"""The calibration page: how sure each model is beside how often it is right, and the map that goes into the draft."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from usecases import calibrations, charts_calibration, permissions
from usecases.actions import drafts
from usecases.calibrations import Signal
from usecases.publishing import Refused
from usecases.views import frame, use_case_for
from usecases.views.draft_models import SOURCES
from usecases.views.draft_work import Work, work_for
from usecases.views.kill_switches import button, person
from usecases.windows import Loading


@dataclass(frozen=True, slots=True)
class Card:
    """One model under one source of confidence, as the page shows it."""

    key: str
    signal: Signal
    source: str
    figure: dict[str, Any]
    words: str
    in_draft: bool
    mapped_in_draft: bool


@login_required
def calibration(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every model of the live document."""
    use_case = use_case_for(request, slug)
    work = work_for(use_case, person(request))
    context: dict[str, Any] = {**frame(request, use_case, "models"), "work": work}
    try:
        found = calibrations.read(use_case=use_case, by=person(request))
    except Loading as loading:
        return render(request, "usecases/calibration/page.html", context | {"loading": loading})
    cards = [_card(work, signal, place) for place, signal in enumerate(found.signals)]
    desk = sum(signal.desk for signal in found.signals)
    context |= {"found": found, "cards": cards, "desk": desk, "least": calibrations.LEAST_LABELS}
    return render(request, "usecases/calibration/page.html", context)


@button
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the proposed map into the viewer's draft, and show there what it would change."""
    use_case = use_case_for(request, slug)
    permissions.check(request.user, "tune", use_case)
    model = request.POST.get("model", "")
    try:
        found = calibrations.proposed(
            use_case=use_case, by=person(request), model=model, seen=request.POST.get("seen", "")
        )
    except Loading as loading:
        raise Refused(str(loading)) from loading
    said = f"{model}’s confidence is recalibrated on {found.labels:,} labels"
    return _edited(request, slug, model, found.map, said)


@button
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the map out of the viewer's draft: confidence counts as reported again."""
    model = request.POST.get("model", "")
    return _edited(request, slug, model, None, f"{model}’s confidence counts as reported again")


def _edited(
    request: HttpRequest, slug: str, model: str, part: dict[str, Any] | None, said: str
) -> HttpResponse:
    use_case = use_case_for(request, slug, "tune")
    draft = drafts.open_for(use_case=use_case, by=person(request))
    document = calibrations.with_map(draft.document, model, part)
    drafts.edit(draft=draft, document=document, by=person(request), sentence=said)
    messages.success(request, f"In your draft: {said}. Nothing runs differently until you apply it.")
    return redirect("tune", slug)


def _card(work: Work, signal: Signal, place: int) -> Card:
    drafted = calibrations.map_of(work.document, signal.model)
    return Card(
        key=f"signal-{place}",
        signal=signal,
        source=dict(SOURCES).get(signal.source, signal.source),
        figure=charts_calibration.reliability(signal),
        words=charts_calibration.in_words(signal),
        in_draft=signal.proposed is not None and drafted == signal.proposed.map,
        mapped_in_draft=signal.judged and drafted is not None,
    )
