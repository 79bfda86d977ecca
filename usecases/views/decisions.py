"""What assistants decided: a filtered table, one decision, the whole as CSV."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from routing.models import Decision
from usecases import decisions as reads
from usecases import timeline
from usecases.decision_story import Story, other
from usecases.decisions import Wish
from usecases.exports import csv_response
from usecases.models import Version
from usecases.views import frame, use_case_for
from usecases.views.changes import number_of


def wish_of(request: HttpRequest) -> Wish:
    """Read the filter from the address; what makes no sense filters nothing."""
    query = request.GET
    return Wish(
        action=query.get("action", "") if query.get("action") in reads.ACTIONS else "",
        version=number_of(query.get("version", "").removeprefix("r")),
        band=query.get("band", "")[:80].replace("\x00", ""),
        wrong=query.get("wrong") == "1",
        text=query.get("q", "")[:200].replace("\x00", "").strip(),
    )


@login_required
def decisions(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one page of decisions, newest first."""
    use_case = use_case_for(request, slug)
    wish = wish_of(request)
    context = frame(request, use_case, "decisions")
    context |= {
        "page": reads.page(slug, wish, request.GET.get("after", "")),
        "count": reads.count(slug, wish),
        "first": not request.GET.get("after"),
        "wish": wish,
        "bands": [band["name"] for band in context["version"].document["bands"]],
        "versions": reads.versions_with_decisions(slug),
        "actions": (("answer", "answered"), ("review", "to review"), ("escalate", "escalated")),
        "query": _without(request, "after"),
    }
    return render(request, "usecases/decisions.html", context)


def _without(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    query.pop(name, None)
    return query.urlencode()


@login_required
def decisions_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send everything that the filter finds."""
    use_case_for(request, slug)
    header, rows = reads.export(slug, wish_of(request))
    return csv_response(request, f"decisions-{slug}.csv", header, rows)


@login_required
def decision(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show one decision: the request, what was tried, what was decided and why, and what was said of it since."""
    use_case = use_case_for(request, slug)
    found = Decision.objects.filter(use_case=slug, pk=pk).first()
    if found is None:
        raise Http404("There is no such decision of this use case.")
    context = frame(request, use_case, "decisions")
    asked = Version.objects.filter(
        use_case=use_case, number=number_of(request.GET.get("under", "")) or 0
    ).first()
    story = Story(use_case, found)
    context |= {
        "decision": found,
        "outcomes": reads.outcomes_of(found),
        "story": story,
        "rule": story.rule_name,
        "numbers": timeline.numbers(use_case),
        "under": asked,
        "other": other(found, asked) if asked else None,
    }
    return render(request, "usecases/decision.html", context)
