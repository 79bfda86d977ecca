"""The Escalation tab: queues, messages and lease of the same draft that the Tune tab edits."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from usecases.views import use_case_for
from usecases.views.draft_desk import page


@login_required
def escalation(request: HttpRequest, slug: str) -> HttpResponse:
    """Show where requests go that no assistant answers."""
    return page(request, use_case_for(request, slug), "escalation")
