"""Sessions of people: how old they may get, where they are, and how they end, at once and everywhere.

A session ends after `SESSION_COOKIE_AGE` without a click, and after `SESSION_MAX_AGE` in any case. What a page fetches
by itself is no click: an open window must not keep a session alive over night.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY as METHODS
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from audit import log
from console.middleware import API, outage_response
from usecases import permissions

CHANNEL = "console_person"
SEEN_AGAIN = 60.0  # seconds: what one session writes at most
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


def begin(request: HttpRequest) -> None:
    """Note that somebody has just signed in: the session's age counts from here, and who they are is fresh."""
    now = time.time()
    request.session["began"] = request.session["seen"] = now
    known = methods(request)
    if known:
        request.session[METHODS] = [*known[:-1], {**known[-1], "reauthenticated": True}]


def methods(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the steps that this session was opened by, in their order."""
    found = request.session.get(METHODS)
    return found if isinstance(found, list) else []


def came_by_provider(request: HttpRequest) -> bool:
    """Say whether somebody else has checked who this is."""
    return any(one.get("method") == "socialaccount" for one in methods(request))


def too_old(request: HttpRequest) -> bool:
    """Say whether a session has lasted as long as any may."""
    now = time.time()
    return bool(now - request.session.get("began", now) > settings.SESSION_MAX_AGE)


def device(session: UserSession) -> str:
    """Name a browser as its owner would: “Firefox on Windows”."""
    agent = session.user_agent
    browser = next((words for part, words in BROWSERS if part in agent), "A program")
    system = next((words for part, words in SYSTEMS if part in agent), "")
    return f"{browser} on {system}" if system else browser


def of(person: User) -> list[UserSession]:
    """Return somebody's open sessions, the one used last first."""
    found: list[UserSession] = UserSession.objects.purge_and_list(person)
    return sorted(found, key=lambda one: one.last_seen_at, reverse=True)


def end(*, sessions: Iterable[UserSession], person: User, by: log.Person, reason: str = "") -> int:
    """End some sessions of a person; what is open in them closes at once. Returns how many there were.

    People end their own; admins anybody's.
    """
    if not (isinstance(by, User) and by.pk == person.pk) and not permissions.can_create(by):
        raise permissions.Forbidden("You may end your own sessions only. An admin can end others.")
    with transaction.atomic():
        keys = [one.session_key for one in sessions]
        rows = list(UserSession.objects.select_for_update().filter(user=person, session_key__in=keys))
        if not rows:
            return 0
        close(rows)
        whose = "their own" if by.get_username() == person.get_username() else f"{person.get_username()}’s"
        many = "a session" if len(rows) == 1 else f"{len(rows)} sessions"
        log.record(
            kind="session.ended",
            sentence=f"{by.get_username()} ended {many} of {whose}.",
            by=by,
            reason=reason,
            old={"sessions": [{"device": device(one), "since": one.created_at.isoformat()} for one in rows]},
        )
    return len(rows)


def close(rows: Iterable[UserSession]) -> None:
    """Delete sessions, and have every web process close what is open in them, at commit."""
    for row in rows:
        key = row.session_key
        row.end()
        tell(f"session:{digest(key)}")


def digest(key: str) -> str:
    """Name a session without giving it away: whoever hears notifications must not be able to take it over."""
    return hashlib.sha256(key.encode()).hexdigest()


def tell(payload: str) -> None:
    """Tell every web process whose open pages are to close, as the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """End sessions that are too old; note when others were used."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not request.path.startswith(API):
            try:
                _keep_time(request)
            except (OperationalError, InterfaceError):
                return outage_response(request)
        return get_response(request)

    return handle


def _keep_time(request: HttpRequest) -> None:
    if not request.user.is_authenticated:
        return
    now, session = time.time(), request.session
    session.setdefault("began", now)
    if too_old(request):
        logout(request)
        return
    if "X-Live" in request.headers or now - session.get("seen", 0) < SEEN_AGAIN:
        return
    session["seen"] = now  # saved, and with it when the session ends
    known = UserSession.objects.filter(session_key=session.session_key)
    if not known.update(last_seen_at=timezone.now()):
        UserSession.objects.create_from_request(request)
