"""What a use case is called, who owns it, and how much is at risk."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from usecases.actions import use_cases
from usecases.forms import AboutUseCase
from usecases.views import frame, use_case_for
from usecases.views.kill_switches import person
from usecases.views.refusals import EXPECTED, errors_by_field


@login_required
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form, or save it; what was typed stays where something is wrong."""
    use_case = use_case_for(request, slug, "tune")
    held = {name: getattr(use_case, name) for name in AboutUseCase.base_fields}
    form = AboutUseCase(request.POST if request.method == "POST" else None, initial=held)
    if request.method == "POST" and form.is_valid():
        try:
            use_cases.rename(use_case=use_case, by=person(request), **form.cleaned_data)
        except EXPECTED as refusal:
            for field, texts in errors_by_field(refusal, tuple(form.fields)).items():
                for words in texts:
                    form.add_error(field or None, words)
        else:
            messages.success(request, "Saved." if form.has_changed() else "Nothing changes.")
            return redirect("use-case-settings", slug)
    context = frame(request, use_case, "use-case-settings") | {"form": form}
    context["tiers"] = use_cases.tiers(use_case, person(request))
    return render(request, "usecases/settings.html", context, status=422 if form.errors else 200)
