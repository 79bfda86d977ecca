"""Locks out whoever guesses passwords, for a while. Counts stand in PostgreSQL, for all web processes.

Two limits. Five wrong passwords for one name from one address lock that name to that address for a quarter of an hour.
Fifty for one name within a day, from wherever, lock it to addresses that its owner has not signed in from in the last
month: many machines may guess together, and must not be able to keep the owner out.
A lock ends by itself; guesses during it are not counted, so nobody can make it last.
"""

from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt, AccessFailureLog
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac

from audit import log
from console import addresses
from console.models import SignInPlace

GUARD = log.System("sign-in")
LOCKED = "After too many wrong passwords nobody may try {} from one address for a while."
NAME_LIMIT = 50
NAME_WINDOW = timedelta(days=1)
KNOWN_FOR = timedelta(days=30)


def name_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return what guesses are counted under: an account's name, or a digest of one that no account has.

    What is typed as a name may be a password, in the wrong field: it is stored nowhere.
    """
    typed = str((credentials or request.POST).get("username") or "").strip()
    if User.objects.filter(username=typed).exists():
        return typed
    return "?" + salted_hmac("console.lockout", typed, algorithm="sha256").hexdigest()[:24]


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """Axes' own counts, the second limit, and an event for each failure and each lock."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        return super().is_locked(request, credentials) or name_locked_until(request, credentials) is not None

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any
    ) -> None:
        if request is None:  # checked by a program: nobody guesses there
            return
        refused_unseen = bool(getattr(request, "axes_locked_out", False))
        super().user_login_failed(sender, credentials, request, **more)
        if refused_unseen:
            return
        AccessFailureLog.objects.filter(attempt_time__lt=timezone.now() - NAME_WINDOW).delete()
        name = name_of(request, credentials)
        _record("sign_in.failed", "Somebody gave a wrong password for {}.", name, request)
        until = name_locked_until(request, credentials)
        if getattr(request, "axes_locked_out", False) or until:
            request.axes_locked_out = True  # type: ignore[attr-defined]
            _record("sign_in.locked", LOCKED, name, request)


def name_locked_until(request: HttpRequest, credentials: dict[str, Any] | None) -> Any:
    """Return when the second limit lets this address try the name again; None where it does not hold it."""
    name, now = name_of(request, credentials), timezone.now()
    failures = AccessFailureLog.objects.filter(username=name, attempt_time__gt=now - NAME_WINDOW)
    counted = list(failures.order_by("-attempt_time").values_list("attempt_time", flat=True)[:NAME_LIMIT])
    if len(counted) < NAME_LIMIT or _known(name, addresses.of(request)):
        return None
    return counted[-1] + NAME_WINDOW


def _known(name: str, address: str | None) -> bool:
    if address is None:
        return False
    known = SignInPlace.objects.filter(user__username=name, last_at__gt=timezone.now() - KNOWN_FOR)
    return known.filter(place=addresses.place(address)).exists()


def remember(user: User, address: str | None) -> None:
    """Note where somebody has signed in from, and forget what is a month old."""
    if address is None:
        return
    now = timezone.now()
    SignInPlace.objects.update_or_create(user=user, place=addresses.place(address), defaults={"last_at": now})
    SignInPlace.objects.filter(last_at__lt=now - KNOWN_FOR).delete()


def told(request: HttpRequest, original: Any, credentials: dict[str, Any] | None = None) -> HttpResponse:
    """Say that it is enough for now, and when to try again."""
    until = max(filter(None, [_pair_until(request, credentials), name_locked_until(request, credentials)]))
    response = render(request, "registration/locked.html", {"until": until}, status=429)
    response.headers["Retry-After"] = str(max(1, int((until - timezone.now()).total_seconds())))
    return response


def _pair_until(request: HttpRequest, credentials: dict[str, Any] | None) -> Any:
    row = (
        AccessAttempt.objects.filter(username=name_of(request, credentials), ip_address=addresses.of(request))
        .order_by("-attempt_time")
        .first()
    )
    return (row.attempt_time if row else timezone.now()) + settings.AXES_COOLOFF_TIME


def _record(kind: str, sentence: str, name: str, request: HttpRequest) -> None:
    """Record what happened to a name, which stands in the sentence for `{}`."""
    account = None if name.startswith("?") else name
    log.record(
        kind=kind,
        sentence=sentence.format(f"“{name}”" if account else "a name that no account has"),
        by=GUARD,
        new={"account": account, "address": addresses.of(request)},
    )
