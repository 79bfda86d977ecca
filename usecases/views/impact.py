"""The numbers of the panel "What would change", at an address of their own."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from usecases.views import frame, use_case_for
from usecases.views.draft_desk import tab_of, window_of
from usecases.views.draft_impact import panel_for
from usecases.views.draft_work import work_for
from usecases.views.kill_switches import person


@login_required
def impact(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the draft would have done; for htmx the panel's inside, else a page of its own."""
    use_case = use_case_for(request, slug)
    work = work_for(use_case, person(request))
    tab = tab_of(request)
    context = {"use_case": use_case, "tab": tab, "work": work, "panel": panel_for(work, window_of(request))}
    if request.htmx and not request.htmx.history_restore_request:  # type: ignore[attr-defined]
        return render(request, "usecases/tune/_impact_numbers.html", context)
    return render(request, "usecases/tune/impact.html", {**frame(request, use_case, tab), **context})
