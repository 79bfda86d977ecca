"""What the record says of signing in and out. Addresses stand among an event's erasable values, not in its sentence."""

from typing import Any

from allauth.account.signals import user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_used
from allauth.socialaccount.signals import social_account_added
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest

from audit import log
from console import addresses, claims, lockout, sessions
from usecases import permissions

METHODS = {"password": "password", "mfa": "second factor", "socialaccount": "provider"}


def signed_in(request: HttpRequest, user: User, sociallogin: Any = None, **_: Any) -> None:
    """Record a completed sign-in, and begin the session's age."""
    address = addresses.of(request)
    methods = [METHODS.get(one["method"], one["method"]) for one in sessions.methods(request)]
    with_words = " and ".join(dict.fromkeys(methods)).replace("provider", claims.provider_name())
    log.record(
        kind="person.signed_in",
        sentence=f"{user.get_username()} signed in with {with_words or 'password'}.",
        by=user,
        new={"with": methods, "address": address},
    )
    lockout.remember(user, address)
    sessions.begin(request)
    if sociallogin is not None and not user.groups.exists() and not permissions.visible(user).exists():
        messages.warning(
            request,
            "You are signed in, but have no rights here yet. Ask an admin: they give a group, or a use case.",
        )


def signed_out(user: User) -> None:
    """Record that somebody left."""
    log.record(kind="person.signed_out", sentence=f"{user.get_username()} signed out.", by=user)


def provider_failed(name: str, error: Exception | None) -> None:
    """Record that a provider brought nobody in; what it said may hold more than the record should."""
    log.record(
        kind="sign_in.failed",
        sentence=f"A sign-in through {name} failed.",
        by=lockout.GUARD,
        new={"error": type(error).__name__ if error else "refused"},
    )


def code_failed(request: HttpRequest, user: User, **_: Any) -> None:
    """Record a wrong code after a right password."""
    log.record(
        kind="sign_in.code_failed",
        sentence=f"Somebody gave the password of “{user.get_username()}”, and a wrong code.",
        by=lockout.GUARD,
        new={"account": user.get_username(), "address": addresses.of(request)},
    )


def code_used(user: User, authenticator: Authenticator, **_: Any) -> None:
    """Record that a recovery code is gone."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        return
    authenticator.refresh_from_db()
    left = len(authenticator.wrap().get_unused_codes())
    log.record(
        kind="second_factor.recovery_used",
        sentence=f"{user.get_username()} used a recovery code; {left} are left.",
        by=user,
        new={"left": left},
    )


def connected(request: HttpRequest, sociallogin: Any, **_: Any) -> None:
    """Record that somebody may come in by a provider too."""
    log.record(
        kind="person.connected",
        sentence=f"{sociallogin.user.get_username()} connected their account with {claims.provider_name()}.",
        by=sociallogin.user,
    )


def listen() -> None:
    """Have allauth tell what happens."""
    for signal, receiver in (
        (user_logged_in, signed_in),
        (authentication_failed, code_failed),
        (authenticator_used, code_used),
        (social_account_added, connected),
    ):
        signal.connect(receiver, dispatch_uid=receiver.__name__)
