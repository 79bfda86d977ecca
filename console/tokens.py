"""Bearer tokens: issue, check, revoke. Only a token's SHA-256 is stored; whoever loses the text gets a new one.

A checked token is remembered for half a minute, so that 5,000 assistants do not ask the database at every heartbeat.
Revoking drops it from every web process at once (NOTIFY at commit); the half minute is what a lost message costs.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from audit import log
from console.models import Token
from routing.stream import Unavailable
from usecases import permissions
from usecases.publishing import Refused

CHANNEL = "console_token"
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 20_000
USED_AGAIN = timedelta(minutes=1)
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows. `key` is the token's SHA-256: it names the token and reveals nothing."""

    key: str
    name: str
    user_id: int | None
    use_cases: frozenset[str]
    expires_at: datetime | None

    @property
    def is_assistant(self) -> bool:
        return self.user_id is None


def issue(
    *,
    name: str,
    by: log.Person,
    reason: str = "",
    user: User | None = None,
    use_cases: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Make a token for a person (`user`) or for assistants (`use_cases`); return it with its text, shown only now.

    Raises `Refused` for a name that is taken or a token that allows nothing, `Forbidden` for whoever may not.
    """
    slugs = sorted(set(use_cases))
    _check_form(name, user, slugs)
    _check_right(by, user)
    text = f"oc_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        if Token.objects.filter(name=name).exists():
            raise Refused(f"There is a token named “{name}” already; choose another name.")
        token = Token.objects.create(
            name=name, prefix=text[:9], digest=key_of(text), user=user, use_cases=slugs, expires_at=expires_at
        )
        log.record(
            kind="token.issued",
            sentence=f"{by.get_username()} created the token “{name}” for {_bearer_words(token)}.",
            by=by,
            reason=reason,
            new={"name": name, "user": user and user.get_username(), "use_cases": slugs},
        )
    return token, text


def revoke(*, token: Token, by: log.Person, reason: str = "") -> Token:
    """End a token now, in every web process; open streams that came with it are closed. Twice is fine."""
    _check_right(by, token.user)
    with transaction.atomic():
        token = Token.objects.select_for_update().get(pk=token.pk)
        if token.revoked_at is not None:
            return token
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        log.record(
            kind="token.revoked",
            sentence=f"{by.get_username()} revoked the token “{token.name}” of {_bearer_words(token)}.",
            by=by,
            reason=reason,
            old={"revoked": False},
            new={"revoked": True},
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, token.digest])
        transaction.on_commit(lambda: memory.forget([token.digest]))
    return token


def _check_form(name: str, user: User | None, slugs: list[str]) -> None:
    if not name or len(name) > 120 or not name.isprintable():
        raise Refused("A token's name has 1 to 120 printable characters.")
    if (user is None) == (not slugs):
        raise Refused("A token is for one person, or for assistants of at least one use case; not both.")
    wrong = [slug for slug in slugs if not SLUG.fullmatch(slug)]
    if wrong:
        raise Refused(f"“{wrong[0]}” is not the short name of a use case.")


def _check_right(by: log.Person, user: User | None) -> None:
    """People make and revoke their own tokens; admins, and the command line of the machine itself, any."""
    own = user is not None and isinstance(by, User) and by.pk == user.pk
    if not (own or isinstance(by, log.System) or permissions.can_create(by)):
        raise permissions.Forbidden(
            "You may create and revoke your own tokens only. An admin can do the rest."
        )


def _bearer_words(token: Token) -> str:
    if token.user is not None:
        return token.user.get_username()
    return f"assistants of {', '.join(token.use_cases)}"


def key_of(text: str) -> str:
    """Return what is stored of a token. Its text is 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Memory:
    """Checked tokens of this process, for request threads and the event loop: each step is one dict operation."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Grant]] = {}
        self.generation = 0

    def get(self, key: str) -> Grant | None:
        """Return what was checked within the last half minute and has not expired since."""
        deadline, grant = self._known.get(key, (0.0, None))
        if grant is None or time.monotonic() > deadline:
            return None
        return None if grant.expires_at and grant.expires_at <= timezone.now() else grant

    def put(self, grant: Grant, generation: int) -> None:
        """Remember a grant, unless tokens were revoked while it was being read: it may be one of them."""
        if generation != self.generation:
            return
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[grant.key] = (time.monotonic() + REMEMBERED_SECONDS, grant)

    def forget(self, keys: Iterable[str] | None = None) -> None:
        """Drop some tokens, or all."""
        self.generation += 1
        for key in list(self._known) if keys is None else keys:
            self._known.pop(key, None)


memory = Memory()


def check(text: str) -> Grant | None:
    """Return what a token allows; None for one that is unknown, revoked or expired."""
    key = key_of(text)
    grant = memory.get(key)
    if grant is not None:
        return grant
    generation = memory.generation
    grant = valid([key]).get(key)
    if grant is not None:
        memory.put(grant, generation)
    return grant


def valid(keys: Iterable[str]) -> dict[str, Grant]:
    """Read those of some tokens that are valid now, by key, and note that they are in use."""
    now = timezone.now()
    rows = Token.objects.filter(digest__in=list(keys), revoked_at=None).select_related("user")
    found = {}
    for token in rows:
        expired = token.expires_at is not None and token.expires_at <= now
        if expired or (token.user is not None and not token.user.is_active):
            continue
        if token.last_used_at is None or now - token.last_used_at > USED_AGAIN:
            # No history for this column by design: it would bury the changes that people made.
            Token.objects.filter(pk=token.pk).update(last_used_at=now)
        found[token.digest] = Grant(
            token.digest, token.name, token.user_id, frozenset(token.use_cases), token.expires_at
        )
    return found


_checking: dict[str, asyncio.Future[Grant | None]] = {}


async def authenticate(text: str) -> Grant | None:
    """Check a token from the event loop. Many streams that come with one token at once cost one query.

    Raises `Unavailable` while the database is away.
    """
    key = key_of(text)
    grant = memory.get(key)
    if grant is not None:
        return grant
    running = _checking.get(key)
    if running is None:
        running = asyncio.ensure_future(sync_to_async(_check_and_hang_up, thread_sensitive=False)(text))
        _checking[key] = running
        running.add_done_callback(lambda _: _checking.pop(key, None))
    try:
        return await asyncio.shield(running)
    except (OperationalError, InterfaceError) as error:
        raise Unavailable from error


async def authenticate_keys(keys: Iterable[str]) -> set[str]:
    """Return which of these tokens are still valid: asked for open streams after the listener was away."""

    def ask() -> set[str]:
        try:
            return set(valid(keys))
        finally:
            connection.close()

    return await sync_to_async(ask, thread_sensitive=False)()


def _check_and_hang_up(text: str) -> Grant | None:
    """Check in a thread that serves no request, and give its connection back to the pool."""
    try:
        return check(text)
    finally:
        connection.close()
