"""Add a use case."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from usecases import permissions
from usecases.actions import use_cases
from usecases.forms import NewUseCase
from usecases.starting_points import STARTING_POINTS
from usecases.views.kill_switches import person
from usecases.views.refusals import EXPECTED, errors_by_field


@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Show the form, or create the use case and go to it; what was typed stays where something is wrong."""
    permissions.check_create(request.user)
    form = NewUseCase(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            version = use_cases.create(**form.fields_of_action(), by=person(request))
        except EXPECTED as refusal:
            for field, texts in errors_by_field(refusal, tuple(form.fields)).items():
                for words in texts:
                    form.add_error(field or None, words)
        else:
            messages.success(request, f"{version.use_case.name} created. Connect an assistant, then tune it.")
            return redirect("overview", version.use_case.slug)
    status = 422 if form.errors else 200
    return render(request, "usecases/new.html", {"form": form, "starts": _starts()}, status=status)


def _starts() -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "name": start.name,
            "words": start.words,
            "document": json.dumps(start.document, indent=2),
        }
        for key, start in STARTING_POINTS.items()
    ]
