"""Who may send a body larger than others: whoever may tune the use case that a decision log is uploaded for.

Django reads a body before any view knows who sent it; without this, anybody could fill the disk.
"""

import re
from http import HTTPMethod
from typing import Final

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection

from console import second_factor, tokens
from console.bodies import LIMIT, TOO_LARGE
from routing.stream import Scope
from usecases import permissions, uploads

ADDRESS: Final = re.compile(r"/use-cases/([-\w]+)/import|/api/v1/use-cases/([-\w]+)/imports")
# What a form puts around a file: its boundary, the names, the anti-forgery token.
AROUND: Final = 64 * 1024


async def limit_of(scope: Scope) -> tuple[int, str]:
    """Return how many bytes a request's body may have, and what is said to whoever sends more."""
    found = ADDRESS.fullmatch(scope["path"]) if scope["method"] == HTTPMethod.POST else None
    if found is None:
        return LIMIT, TOO_LARGE
    try:
        return await sync_to_async(_limit, thread_sensitive=False)(scope, found[1] or found[2])
    except (OperationalError, InterfaceError):
        return LIMIT, TOO_LARGE  # the database is away: Django says so


def _limit(scope: Scope, slug: str) -> tuple[int, str]:
    try:
        by = _sender(scope)
        if by is None or not permissions.visible(by, "tune").filter(slug=slug).exists():
            return LIMIT, TOO_LARGE
        most = uploads.limit()
        return max(LIMIT, most + AROUND), uploads.too_large(most)
    finally:
        connection.close()


def _sender(scope: Scope) -> User | None:
    """Return who sends a request: by token for the API, by session for pages. What it may do is asked again later."""
    headers = dict(scope["headers"])
    if scope["path"].startswith("/api/"):
        kind, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        grant = tokens.check(text.strip()) if kind.lower() == "bearer" else None
        user = User.objects.filter(pk=grant.user_id).first() if grant and grant.user_id else None
        return None if user is None or second_factor.missing_by_token(user) else user
    request = second_factor.admitted(scope)
    return request.user if request and isinstance(request.user, User) else None
