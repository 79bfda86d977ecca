"""Tokens for programs that look after them: list, revoke, and renew the one that asks.

New ones are made on the page or at the machine itself: a text that leaked must not be able to have others outlive it.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from ninja import Body, Router, Schema
from pydantic import Field

from audit import log
from console import tokens
from console.api.auth import bearer_itself, person, user_of
from console.api.schemas import Why
from console.api.use_cases import NUMBER
from console.models import Token
from usecases import permissions

router = Router(tags=["tokens"])


class TokenOut(Schema):
    """A token without its text, which was shown once. `worry`: what should be done about it, empty for nothing."""

    id: int
    name: str
    prefix: Annotated[str, Field(description="How its text begins")]
    person: Annotated[str | None, Field(description="Whom it acts as; null: it is for assistants")]
    use_cases: Annotated[list[str], Field(description="Those that its assistants may serve")]
    scope: Literal["full", "read"]
    created_at: datetime
    expires_at: datetime | None
    rotated_at: datetime | None
    before_works_until: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    worry: str


class Rotation(Schema):
    """How long the text that asks still works, beside its successor."""

    grace_hours: Annotated[float, Field(ge=0, le=336)] = 24.0
    reason: Annotated[str, Field(max_length=2000)] = ""


class Successor(Schema):
    """The new text, shown only now."""

    name: str
    token: str
    expires_at: datetime | None
    before_works_until: datetime


@router.get(
    "",
    auth=person,
    response=list[TokenOut],
    summary="The caller's tokens, for admins also those of assistants; those that still work first",
)
def list_tokens(request: HttpRequest) -> Any:
    by = user_of(request)
    rows = _seen(by).filter(Q(user=by) | Q(user=None))
    return [_out(row) for row in rows.order_by("-revoked_at", "-created_at", "-pk")]


@router.delete(
    "/{int:number}",
    auth=person,
    response=TokenOut,
    summary="Revoke a token; what uses it is refused from now on",
)
def revoke(request: HttpRequest, number: NUMBER, reason: Why = "") -> Any:
    row = _seen(user_of(request)).filter(pk=number).first()
    if row is None:
        raise Http404(f"There is no token {number}.")
    return _out(tokens.revoke(token=row, by=user_of(request), reason=reason))


@router.post(
    "/rotate",
    auth=bearer_itself,
    response=Successor,
    summary="Give the token that asks a new text; the one it asked with works for a while",
)
def rotate(request: HttpRequest, body: Body[Rotation | None] = None) -> Any:
    wish, grant = body or Rotation(), request.auth  # type: ignore[attr-defined]
    by: Any = log.System(f"token {grant.name}") if grant.is_assistant else request.user
    token, text = tokens.rotate(
        token=_held(grant.key),
        by=by,
        reason=wish.reason,
        grace=timedelta(hours=wish.grace_hours),
        held=grant.key,
    )
    return {
        "name": token.name,
        "token": text,
        "expires_at": token.expires_at,
        "before_works_until": token.previous_until,
    }


def _held(key: str) -> Token:
    return Token.objects.filter(digest=key).first() or Token.objects.get(previous_digest=key)


def _seen(by: User) -> QuerySet[Token]:
    """Return the tokens that somebody may see: their own; for admins also others' that name nothing hidden to them."""
    every = Token.objects.select_related("user")
    if not permissions.can_create(by):
        return every.filter(user=by)
    return every.exclude(use_cases__overlap=sorted(tokens.unseen(by)))


def _out(row: Token) -> dict[str, Any]:
    plain = ("name", "prefix", "use_cases", "scope", "created_at", "expires_at", "rotated_at", "revoked_at")
    return {
        **{key: getattr(row, key) for key in (*plain, "last_used_at")},
        "id": row.pk,
        "person": row.user.get_username() if row.user else None,
        "before_works_until": row.previous_until,
        "worry": tokens.worry(row),
    }
