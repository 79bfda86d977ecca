"""Accounts for programs that know who joined and who left: admins switch them off and on, and end their sessions.

To take a second factor away asks for the admin's own password again, which a token does not have: a page does that.
"""

from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from ninja import Body, Router, Schema

from console import accounts, sessions
from console.api.auth import person, user_of
from console.api.schemas_changes import Word

router = Router(tags=["people"], auth=person)


class AccountOut(Schema):
    username: str
    active: bool
    groups: list[str]
    second_factor: bool
    open_sessions: int
    open_tokens: int
    last_login: datetime | None


@router.get("", response=list[AccountOut], summary="Every account, those that may sign in first")
def list_people(request: HttpRequest) -> Any:
    accounts.check_admin(user_of(request))
    return [_out(row) for row in accounts.listed()]


@router.get("/{username}", response=AccountOut, summary="One account")
def read_person(request: HttpRequest, username: str) -> Any:
    return _out(_asked(request, username))


@router.post(
    "/{username}/deactivate",
    response=AccountOut,
    summary="Switch an account off; its sessions and tokens end now",
)
def deactivate(request: HttpRequest, username: str, body: Body[Word | None] = None) -> Any:
    shown, reason = _asked(request, username), body.reason if body else ""
    accounts.deactivate(person=shown, by=user_of(request), reason=reason)
    return _out(_asked(request, username))


@router.post("/{username}/activate", response=AccountOut, summary="Switch an account on again")
def activate(request: HttpRequest, username: str, body: Body[Word | None] = None) -> Any:
    shown, reason = _asked(request, username), body.reason if body else ""
    accounts.activate(person=shown, by=user_of(request), reason=reason)
    return _out(_asked(request, username))


@router.post(
    "/{username}/sessions/end", response=AccountOut, summary="End every session that somebody is signed in by"
)
def end_sessions(request: HttpRequest, username: str, body: Body[Word | None] = None) -> Any:
    shown, reason = _asked(request, username), body.reason if body else ""
    rows = UserSession.objects.filter(user=shown)
    sessions.end(sessions=rows, person=shown, by=user_of(request), reason=reason)
    return _out(_asked(request, username))


def _asked(request: HttpRequest, username: str) -> User:
    accounts.check_admin(user_of(request))
    row = accounts.listed().filter(username=username).first()
    if row is None:
        raise Http404(f"There is no account “{username}”.")
    return row


def _out(row: Any) -> dict[str, Any]:
    """Return an account of `accounts.listed`."""
    return {
        "username": row.get_username(),
        "active": row.is_active,
        "groups": sorted(group.name for group in row.groups.all()),
        "second_factor": row.second_factor,
        "open_sessions": row.open_sessions,
        "open_tokens": row.open_tokens,
        "last_login": row.last_login,
    }
