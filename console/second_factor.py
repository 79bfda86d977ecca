"""Who must have a second factor: nobody, those who approve, or everybody (`REQUIRE_MFA`). Setting it up comes first."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, parse_cookie
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from console import sessions
from console.middleware import outage_response
from usecases import permissions

# What somebody needs to set one up, and the way out.
OPEN = frozenset(
    {
        "mfa_activate_totp",
        "account_reauthenticate",
        "mfa_reauthenticate",
        "sign-out",
        "account_logout",
        "healthz",
        "readyz",
    }
)


def must_have(user: User) -> bool:
    """Say whether this person may do nothing without one."""
    if settings.REQUIRE_MFA == "approvers":
        return permissions.can_create(user) or permissions.visible(user, "approve").exists()
    return bool(settings.REQUIRE_MFA == "everybody")


def has(user: User) -> bool:
    """Say whether this person is asked for a code when signing in."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def missing(request: HttpRequest) -> bool:
    """Say whether this session may not go on yet."""
    user = request.user
    if settings.REQUIRE_MFA == "nobody" or not isinstance(user, User) or has(user):
        return False
    if settings.OIDC_ASKS_SECOND_FACTOR and sessions.came_by_provider(request):
        return False
    return must_have(user)


def missing_by_token(user: User) -> bool:
    """Say whether a person's token may not go on yet: a text would be a way around what their pages ask."""
    if settings.REQUIRE_MFA == "nobody" or has(user):
        return False
    if settings.OIDC_ASKS_SECOND_FACTOR and not user.has_usable_password():
        return False  # only the provider lets them in
    return must_have(user)


def admitted(scope: Mapping[str, Any]) -> HttpRequest | None:
    """Return the session and person of a request that is answered beside Django; None where pages would refuse it.

    `scope`: as ASGI gives it.
    """
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
    request = HttpRequest()
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    request.user = auth.get_user(request)
    good = isinstance(request.user, User) and not sessions.too_old(request) and not missing(request)
    return request if good else None


def middleware(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """Lead whoever must have a second factor, and has none, to where it is set up."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def process_view(request: HttpRequest, *_: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in OPEN or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        try:
            if not missing(request):
                return None
        except (OperationalError, InterfaceError):
            return outage_response(request)
        there = reverse("mfa_activate_totp")
        return HttpResponseClientRedirect(there) if getattr(request, "htmx", None) else redirect(there)

    handle.process_view = process_view  # type: ignore[attr-defined]
    return handle
