"""The parts of the panel "What would change", each at an address of its own: numbers, progress, desks and segments."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from usecases import what_if
from usecases.models import UseCase
from usecases.views import frame, use_case_for
from usecases.views.draft_advice import advised_for
from usecases.views.draft_desk import posted, tab_of, window_of
from usecases.views.draft_impact import as_it_is, on_screen, panel_for, segments_for
from usecases.views.draft_work import work_for
from usecases.views.kill_switches import person


@login_required
def impact(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the draft would have done; what is posted is taken over for this answer only.

    A page that stands open asks for the panel's inside (`X-Part`), and gets nothing but that; else it is a page of its
    own, with everything that the panel else loads when it is looked at.
    """
    use_case = use_case_for(request, slug)
    work, tab, window = work_for(use_case, person(request)), tab_of(request), window_of(request)
    asked = on_screen(work, posted(request)) if request.method == "POST" else as_it_is(work)
    panel = panel_for(work, window, asked)
    context = {"use_case": use_case, "tab": tab, "panel": panel, "promise_url": promise_url(use_case)}
    if "X-Part" in request.headers:
        return render(request, "usecases/tune/_impact_numbers.html", context)
    context |= {"work": work, "segments": segments_for(work, window, request.GET.get("by", ""))}
    if panel.replayed:
        context["advised"] = advised_for(work, window)
    return render(request, "usecases/tune/impact.html", {**frame(request, use_case, tab), **context})


@login_required
def progress(request: HttpRequest, slug: str) -> JsonResponse:
    """Say how far the history has been read for whoever waits for numbers; waits for nothing itself."""
    found = what_if.progress(use_case=use_case_for(request, slug), by=person(request))
    return JsonResponse({"loading": found.loading, "rows": found.rows, "expected": found.expected})


@login_required
def chart(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the curve of what is answered against what is wrong, and the setting that keeps the promise."""
    use_case = use_case_for(request, slug)
    work = work_for(use_case, person(request))
    context = {
        "use_case": use_case,
        "tab": tab_of(request),
        "work": work,
        "advised": advised_for(work, window_of(request)),
    }
    return render(request, "usecases/tune/_impact_chart.html", context)


@login_required
def more(request: HttpRequest, slug: str) -> HttpResponse:
    """Show desks by hour, rules that fire, and the segments of one attribute, `by`."""
    use_case = use_case_for(request, slug)
    work, window = work_for(use_case, person(request)), window_of(request)
    context = {
        "use_case": use_case,
        "tab": tab_of(request),
        "panel": panel_for(work, window),
        "segments": segments_for(work, window, request.GET.get("by", "")),
    }
    return render(request, "usecases/tune/_impact_more.html", context)


def promise_url(use_case: UseCase) -> str:
    """Return where people's prices are set; empty where there is no such page."""
    try:
        return reverse("promise", args=[use_case.slug])
    except NoReverseMatch:
        return ""
