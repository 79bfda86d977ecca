"""The limits that risk set: read by everybody who sees the use case, set by those who may approve."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from usecases.actions import guardrails as actions
from usecases.limit_forms import Limits, tell_who
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
    form = Limits(
        context["version"].document, guardrail.as_dict(), request.POST if request.method == "POST" else None
    )
    terms = TermForm(guardrail.terms, request.POST if request.method == "POST" else None)
    said = terms.values
    form.other_errors += terms.errors
    if request.method == "POST" and form.is_valid():
        try:
            actions.set_limits(
                use_case=use_case,
                knobs=form.knobs,
                approved_models=form.models,
                by=person(request),
                reason=form.reason,
                terms=said,
            )
        except EXPECTED as refusal:
            form.add_errors(errors_of(refusal))
        else:
            messages.success(request, "The guardrails hold from now on. What is live stays live.")
            return redirect("guardrails", slug)
    tell_who(form.rows, guardrail)
    context |= {"form": form, "terms": terms, "guardrail": guardrail}
    return render(request, "usecases/guardrails.html", context, status=422 if form.faulty else 200)
