"""Kept results of what-ifs: all of a use case, one as it was, and computed again; the button that keeps one."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from usecases import kept
from usecases.actions import kept_impacts
from usecases.models import KeptImpact, UseCase
from usecases.publishing import Refused
from usecases.views import frame, use_case_for
from usecases.views.draft_desk import window_of
from usecases.views.draft_impact import window_span
from usecases.views.draft_work import work_for
from usecases.views.impact_panel import case_links, panel_of
from usecases.views.kill_switches import button, person
from usecases.views.refusals import errors_of
from usecases.windows import Loading

PAGE = 50


@login_required
def kept_impacts_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the kept results of a use case, the newest first."""
    use_case = use_case_for(request, slug)
    rows = KeptImpact.objects.filter(use_case=use_case)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {**frame(request, use_case, "changes"), "page": page}
    return render(request, "usecases/what_if/list.html", context)


@button
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep what the viewer's draft would have done, over the window that their panel looks at."""
    use_case = use_case_for(request, slug)
    work = work_for(use_case, person(request))
    try:
        row = kept_impacts.keep(
            use_case=use_case,
            document=work.document,
            by=person(request),
            window=window_span(window_of(request)),
            note=request.POST.get("note", ""),
        )
    except Loading as loading:
        raise Refused(str(loading)) from loading
    return redirect("kept-impact", slug, row.pk)


@login_required
def kept_impact(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show a kept result as it was; on request also computed again, with all that differs."""
    use_case = use_case_for(request, slug)
    row = find(use_case, pk)
    context = frame(request, use_case, "changes") | _told(request, row)
    if request.GET.get("again") == "1":
        context |= _again(row)
    return render(request, "usecases/what_if/kept.html", context)


def find(use_case: UseCase, pk: UUID) -> KeptImpact:
    """Return a kept result of this use case; another's are none. Raises `Http404`."""
    row: KeptImpact = get_object_or_404(
        KeptImpact.objects.select_related("use_case"), use_case=use_case, pk=pk
    )
    return row


def find_by_text(use_case: UseCase, text: str) -> KeptImpact:
    """Return a kept result by an id out of an address. Raises `Http404`."""
    try:
        return find(use_case, UUID(text))
    except ValueError:
        raise Http404("There is no such kept result.") from None


def _told(request: HttpRequest, row: KeptImpact) -> dict[str, Any]:
    result = row.result
    panel = panel_of(
        result["answer"],
        live=result["inputs"]["live_document"],
        draft=row.document,
        zone=timezone.get_current_timezone(),
        links=case_links(row.use_case.slug, kept=str(row.pk)),
    )
    window = kept.frame_of(row)
    return {"row": row, "panel": panel, "window": window, "differences": kept.differences(row)}


def _again(row: KeptImpact) -> dict[str, Any]:
    try:
        return {"again": kept.again(row)}
    except Loading as loading:
        return {"trouble": str(loading)}
    except Refused as refused:
        words = " ".join(error["message"] for error in errors_of(refused))
        return {"trouble": f"Its document is not valid any more, so it cannot be computed. {words}"}
