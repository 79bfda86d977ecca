"""Tokens: a person's own, and for admins those of assistants. A token's text is shown once, as it is made."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from console import tokens as actions
from console.models import Token
from usecases import permissions
from usecases.permissions import check_create
from usecases.publishing import Refused
from usecases.views.kill_switches import person


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
    mine = set(permissions.visible(viewer).values_list("slug", flat=True))
    try:
        if assistant and not set(chosen) <= mine:
            raise Refused("Choose among the use cases of the list.")
        whom: dict[str, Any] = {"use_cases": chosen} if assistant else {"user": viewer}
        token, text = actions.issue(name=name, by=viewer, **whom)
    except Refused as refusal:
        told = {"error": str(refusal), "typed": name, "chosen": chosen, "assistant": assistant}
        return _page(request, told, 422)
    return _page(request, {"made": token, "text": text})


def _page(request: HttpRequest, told: dict[str, Any], status: int = 200) -> HttpResponse:
    viewer = person(request)
    admin = permissions.can_create(viewer)
    every = Token.objects.order_by("revoked_at", "-created_at")
    context = {
        "own": every.filter(user=viewer),
        "of_assistants": every.filter(user=None) if admin else [],
        "admin": admin,
        "use_cases": permissions.visible(viewer) if admin else [],
    }
    return render(request, "console/tokens.html", context | told, status=status)


@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token."""
    if request.method != "POST":
        return redirect("tokens")
    viewer = person(request)
    token = Token.objects.filter(pk=pk).first()
    if token is None or not (token.user_id == viewer.pk or permissions.can_create(viewer)):
        raise Http404("There is no such token.")
    actions.revoke(token=token, by=viewer)
    messages.success(request, f"The token “{token.name}” is revoked; what used it is refused from now on.")
    return redirect("tokens")
