"""Evidence packs: choose a period, see what a pack holds and how it is verified, take it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from audit.keys import audit_key
from audit.models import Event
from audit.verify import key_id, public_key_text
from usecases.actions import evidence as actions
from usecases.downloads import zip_response
from usecases.models import UseCase
from usecases.period_forms import PeriodForm
from usecases.views import frame, use_case_for
from usecases.views.kill_switches import person
from usecases.views.refusals import EXPECTED, errors_of

TAKEN = 10


@login_required
def evidence(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show the form, or answer it with the pack; what was chosen stays where something is wrong."""
    use_case = use_case_for(request, slug)
    form = PeriodForm(request.POST if request.method == "POST" else None)
    refusal = ""
    if form.moments is not None:
        since, until = form.moments
        reason = request.POST.get("reason", "").replace("\x00", "")[:2000]
        try:
            made = actions.export(
                use_case=use_case, since=since, until=until, by=person(request), reason=reason
            )
        except EXPECTED as refused:
            refusal = str(refused)
            form.errors |= {error["path"]: error["message"] for error in errors_of(refused)}
        else:
            return zip_response(request, made.filename, made.file)
    key = audit_key().public_key()
    context = frame(request, use_case, "changes")
    context |= {
        "form": form,
        "refusal": refusal,
        "public_key": public_key_text(key),
        "key_id": key_id(key),
        "taken": _taken(use_case),
    }
    return render(request, "usecases/evidence.html", context, status=422 if form.errors or refusal else 200)


def _taken(use_case: UseCase) -> list[Event]:
    """Return the newest packs that somebody took."""
    return list(
        Event.objects.filter(use_case=use_case.slug, kind="evidence.exported").order_by("-id")[:TAKEN]
    )
