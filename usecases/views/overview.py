"""The first page of a use case: what is live where, what the last day brought, what changed."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from routing.models import Rollout
from usecases import charts, decisions, one_pager_standing, recent, record, selectors
from usecases.decisions import Hours
from usecases.models import Version
from usecases.standings import Traffic
from usecases.views import frame, use_case_for

ROLLOUTS = 5


@login_required
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """Show state, assistants, the last day and the newest changes."""
    use_case = use_case_for(request, slug)
    zone, anew = timezone.get_current_timezone_name(), "X-Live" not in request.headers
    traffic, hours = recent.figure((slug, zone), lambda: _day(slug), anew=anew)
    context = frame(request, use_case, "overview")
    context |= {
        "traffic": traffic,
        "thresholds": context["version"].document.get("thresholds", {}),
        "figure": charts.decisions_over_time(hours),
        "figure_words": charts.decisions_in_words(hours),
        "hours": [(hour, counts) for hour, counts in hours if counts],
        "one_pager": one_pager_standing.state_of(use_case),
        "limits_set": record.newest("guardrail.set", slug),
        "rollouts": Rollout.objects.filter(use_case=slug).order_by("-version")[:ROLLOUTS],
        "changes": Version.objects.filter(use_case=use_case).defer("document", "baseline")[:ROLLOUTS],
    }
    return render(request, "usecases/overview.html", context)


def _day(slug: str) -> tuple[Traffic, Hours]:
    since = timezone.now() - selectors.DAY
    return selectors.traffic([slug], since=since).get(slug, Traffic()), decisions.hours(slug)


@login_required
def assistants(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every assistant of a use case: desired, held and enforced."""
    use_case = use_case_for(request, slug)
    return render(request, "usecases/assistants.html", frame(request, use_case, "assistants-of"))
