"""Tokens renew themselves: whoever holds one asks for its successor."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Body, Router, Schema
from pydantic import Field

from audit import log
from console import tokens
from console.api.auth import bearer_itself
from console.models import Token

router = Router(tags=["tokens"])


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
