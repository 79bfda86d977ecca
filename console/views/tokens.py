"""Tokens: a person's own, and for admins those of assistants. A token's text is shown once, as it is made."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from console import tokens as actions
from console.models import Token
from usecases import permissions
from usecases.permissions import check_create
from usecases.publishing import Refused
from usecases.views.identity import check_recent
from usecases.views.kill_switches import person

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year"}
GRACES = {"0": "ends now", "1": "for an hour", "24": "for a day", "168": "for a week"}
SCOPES = {"full": "May do what I may", "read": "May only read"}


@never_cache
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """List tokens; make one, and show its text this once."""
    if request.method != "POST":
        return _page(request, {})
    viewer, name = person(request), request.POST.get("name", "").strip()
    chosen = request.POST.getlist("use_case")
    assistant = request.POST.get("kind") == "assistant"
    if assistant:
        check_create(viewer)
    check_recent(request)
    try:
        if assistant:
            _check_listed(viewer, chosen)
        whom: dict[str, Any] = {"use_cases": chosen} if assistant else {"user": viewer}
        if not assistant:
            whom["scope"] = request.POST.get("scope", "full")
        token, text = actions.issue(name=name, by=viewer, expires_at=_end(request, assistant), **whom)
    except Refused as refusal:
        told = {"error": str(refusal), "typed": name, "chosen": chosen, "assistant": assistant}
        return _page(request, told, 422)
    return _page(request, {"made": token, "text": text})


def _check_listed(viewer: User, chosen: list[str]) -> None:
    if not set(chosen) <= set(permissions.visible(viewer).values_list("slug", flat=True)):
        raise Refused("Choose among the use cases of the list.")


def _end(request: HttpRequest, assistant: bool) -> Any:
    """Return when a new token ends; assistants' go on where nothing is chosen."""
    days = request.POST.get("days", "" if assistant else "90")
    if not days:
        return None
    if days not in LIFETIMES:
        raise Refused("Choose how long the token works among the list.")
    return timezone.now() + timedelta(days=int(days))


def _page(request: HttpRequest, told: dict[str, Any], status: int = 200) -> HttpResponse:
    viewer = person(request)
    admin = permissions.can_create(viewer)
    every = Token.objects.order_by("revoked_at", "-created_at")
    of_assistants = every.filter(user=None) if admin else every.none()
    context = {
        "own": _rows(every.filter(user=viewer)),
        "of_assistants": _rows(of_assistants.exclude(use_cases__overlap=list(actions.unseen(viewer)))),
        "admin": admin,
        "use_cases": permissions.visible(viewer) if admin else [],
        "lifetimes": LIFETIMES.items(),
        "graces": GRACES.items(),
        "scopes": SCOPES.items(),
    }
    return render(request, "console/tokens.html", context | told, status=status)


def _rows(found: Any) -> list[Token]:
    now = timezone.now()
    rows = list(found)
    for token in rows:
        token.worry = actions.worry(token)
        token.over = token.expires_at is not None and token.expires_at <= now
        token.both = token.previous_until is not None and token.previous_until > now
    return rows


def _found(request: HttpRequest, pk: int) -> Token:
    viewer, token = person(request), Token.objects.filter(pk=pk).first()
    if token is None or not (token.user_id == viewer.pk or permissions.can_create(viewer)):
        raise Http404("There is no such token.")
    if token.is_assistant and not actions.sees_all(viewer, token.use_cases):
        raise Http404("There is no such token.")
    return token


@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token."""
    if request.method != "POST":
        return redirect("tokens")
    token = _found(request, pk)
    actions.revoke(token=token, by=person(request))
    messages.success(request, f"The token “{token.name}” is revoked; what used it is refused from now on.")
    return redirect("tokens")


@never_cache
@login_required
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a token a new text, and show it this once."""
    if request.method != "POST":
        return redirect("tokens")
    token, grace = _found(request, pk), request.POST.get("grace", "24")
    if not actions.may_rotate(person(request), token):
        raise Http404("There is no such token of yours.")
    check_recent(request)
    try:
        if grace not in GRACES:
            raise Refused("Choose how long the text before still works among the list.")
        token, text = actions.rotate(token=token, by=person(request), grace=timedelta(hours=int(grace)))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("tokens")
    return _page(request, {"made": token, "text": text})
