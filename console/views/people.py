"""One account, for admins: by what its person comes in, where they are signed in, and the ways to end it."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from console import accounts, sessions
from console.models import Token
from usecases.publishing import Refused
from usecases.views.identity import check_recent
from usecases.views.kill_switches import person as viewer_of

DONE = {
    "deactivate": "The account {} is switched off; its sessions and tokens have ended.",
    "activate": "The account {} is switched on again.",
    "remove-second-factor": "{} has no second factor any more, and signs in anew.",
}


@never_cache
@login_required
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one account."""
    viewer = viewer_of(request)
    shown = _found(viewer, pk)
    context: dict[str, Any] = {
        "person": shown,
        "own": shown.pk == viewer.pk,
        "groups": shown.groups.order_by("name"),
        "totp": Authenticator.objects.filter(user=shown, type=Authenticator.Type.TOTP).first(),
        "sessions": [(one, sessions.device(one), one.is_current()) for one in sessions.of(shown)],
        "tokens": Token.objects.filter(user=shown, revoked_at=None).order_by("name"),
    }
    return render(request, "console/person.html", context)


@login_required
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Switch an account off or on, or take its second factor away."""
    viewer = viewer_of(request)
    shown = _found(viewer, pk)
    if request.method != "POST":
        return redirect("person", pk)
    if verb not in accounts.ACTIONS:
        raise Http404("There is nothing at this address.")
    check_recent(request)
    try:
        accounts.ACTIONS[verb](person=shown, by=viewer, reason=request.POST.get("reason", "").strip())
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, DONE[verb].format(shown.get_username()))
    return redirect("person", pk)


@login_required
def end_sessions(request: HttpRequest, pk: int, verb: str = "") -> HttpResponse:
    """End one session of somebody, or all; `verb` is a session's number."""
    viewer = viewer_of(request)
    shown = _found(viewer, pk)
    if request.method != "POST":
        return redirect("person", pk)
    rows = UserSession.objects.filter(user=shown)
    if verb:
        rows = rows.filter(pk=int(verb) if verb.isdigit() and len(verb) < 10 else 0)
        if not rows.exists():
            raise Http404("There is no such session.")
    ended = sessions.end(sessions=rows, person=shown, by=viewer)
    messages.success(request, f"{ended} session{'s are' if ended != 1 else ' is'} ended.")
    return redirect("person", pk)


def _found(viewer: User, pk: int) -> User:
    accounts.check_admin(viewer)
    shown = User.objects.filter(pk=pk).first()
    if shown is None:
        raise Http404("There is no such account.")
    return shown
