"""The Models tab: models, ladder, confidence and pins of the same draft that the Tune tab edits."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from usecases.views import use_case_for
from usecases.views.draft_desk import page


@login_required
def models(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the models of a use case."""
    return page(request, use_case_for(request, slug), "models")
