"""The switch: stop, review everything, edit what customers read, restore. One click each; works without JavaScript."""

from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from usecases import permissions
from usecases.actions import changes, kill_switches
from usecases.models import UseCase
from usecases.publishing import NeedsApproval
from usecases.views import use_case_for
from usecases.views.refusals import View, careful


def person(request: HttpRequest) -> User:
    """Return who is signed in; views behind `login_required` know nobody else."""
    assert isinstance(request.user, User)
    return request.user


def button(view: View) -> View:
    """Make a view the answer to a button: signed in, by POST, refusals told. Whoever opens its address goes home."""

    @wraps(view)
    def handle(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return careful(view)(request, *args, **kwargs) if request.method == "POST" else redirect("portfolio")

    return login_required(handle)


def done(request: HttpRequest, otherwise: str) -> HttpResponse:
    """Go back to the page that the button stood on. A live page stays and fetches what changed."""
    if getattr(request, "htmx", None):
        return HttpResponse(status=204, headers={"HX-Trigger": "changed"})
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(back if safe else otherwise)


@button
def kill(request: HttpRequest, slug: str) -> HttpResponse:
    """Send one use case to a safe state."""
    use_case = use_case_for(request, slug)
    to, reason = request.POST.get("to", "baseline"), request.POST.get("reason", "")
    try:
        kill_switches.engage(use_case=use_case, by=person(request), to=to, reason=reason)
    except NeedsApproval:
        return _ask(request, use_case, to=to, reason=reason)
    return done(request, reverse("overview", args=[slug]))


@button
def kill_all(request: HttpRequest) -> HttpResponse:
    """Send every use case that the person may stop to a safe state."""
    kill_switches.engage_all(by=person(request), to=request.POST.get("to", "baseline"))
    return done(request, reverse("portfolio"))


@button
def restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring one use case back; refused when somebody published since the page was drawn."""
    use_case = use_case_for(request, slug)
    expected = request.POST.get("expected_version", "")
    seen, reason = int(expected) if expected.isdecimal() else None, request.POST.get("reason", "")
    try:
        version = kill_switches.restore(
            use_case=use_case, by=person(request), reason=reason, expected_version=seen
        )
    except NeedsApproval:
        return _ask(request, use_case, reason=reason, expected_version=seen)
    messages.success(request, f"{use_case.name}: {version.sentence}")
    return done(request, reverse("overview", args=[slug]))


def _ask(request: HttpRequest, use_case: UseCase, **wish: Any) -> HttpResponse:
    """Ask for what guardrails do not let one person do alone, and show what it waits for."""
    change = changes.submit_restore(use_case=use_case, by=person(request), **wish)
    messages.success(
        request, f"It takes approvals to leave the safe state: change {change.number} asks for them."
    )
    where = reverse("change", args=[use_case.slug, change.number])
    if getattr(request, "htmx", None):
        return HttpResponse(status=204, headers={"HX-Redirect": where})
    return redirect(where)


@button
def restore_all(request: HttpRequest) -> HttpResponse:
    """Bring back the use cases named by the button: those that the last sweep stopped."""
    wanted = UseCase.objects.filter(slug__in=request.POST.getlist("use_case"))
    restored = [use_case for use_case in wanted if permissions.can(request.user, "kill", use_case)]
    asked = []
    for use_case in list(restored):
        try:
            kill_switches.restore(use_case=use_case, by=person(request), reason="Undo of stopping all")
        except NeedsApproval:
            changes.submit_restore(use_case=use_case, by=person(request), reason="Undo of stopping all")
            restored.remove(use_case)
            asked.append(use_case.name)
    messages.success(request, f"Restored: {', '.join(use_case.name for use_case in restored) or 'none'}.")
    if asked:
        messages.success(request, f"Waiting for approvals: {', '.join(asked)}.")
    return done(request, reverse("portfolio"))


@button
def message(request: HttpRequest, slug: str) -> HttpResponse:
    """Change what customers read while on baseline."""
    use_case = use_case_for(request, slug)
    kill_switches.edit_message(use_case=use_case, message=request.POST.get("message", ""), by=person(request))
    return done(request, reverse("overview", args=[slug]))
