"""Bearer tokens: issue, rotate, check, revoke. Only a token's SHA-256 is stored; whoever loses the text gets a new one.

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
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from audit import log
from console.models import Token
from routing.stream import Unavailable
from usecases import permissions
from usecases.actions.access import refusal
from usecases.models import UseCase
from usecases.publishing import Refused

CHANNEL = "console_token"
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 20_000
USED_AGAIN = timedelta(minutes=1)
OF_PEOPLE = timedelta(days=90)  # how long a person's token works where nobody says otherwise
LONGEST = timedelta(days=366)
GRACE = timedelta(hours=24)  # how long the text before a rotation still works
LONGEST_GRACE = timedelta(days=14)
UNUSED = timedelta(days=30)
ENDING = timedelta(days=14)
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows. `key` is the token's SHA-256: it names the token and reveals nothing."""

    key: str
    name: str
    user_id: int | None
    use_cases: frozenset[str]
    expires_at: datetime | None
    reads_only: bool = False

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
    scope: str = "full",
) -> tuple[Token, str]:
    """Make a token for a person (`user`) or for assistants (`use_cases`); return it with its text, shown only now.

    A person's ends by itself, after 90 days where nothing is said; one with the scope `read` changes nothing.
    People make their own; admins those of assistants that serve what they see; the machine's own command line any.
    Raises `Refused` for a name that is taken or a token that allows nothing, `Forbidden`, `Http404`.
    """
    slugs = sorted(set(use_cases))
    _check_form(name, user, slugs)
    expires_at = _end(user, expires_at, scope)
    _check_maker(by, user, slugs)
    text = _text()
    with transaction.atomic():
        if Token.objects.filter(name=name).exists():
            raise refusal("name", f"There is a token named “{name}” already; choose another name.")
        token = Token.objects.create(
            name=name,
            prefix=text[:9],
            digest=key_of(text),
            user=user,
            use_cases=slugs,
            expires_at=expires_at,
            scope=scope,
        )
        _record_issued(token, by, reason)
    return token, text


def _record_issued(token: Token, by: log.Person, reason: str) -> None:
    log.record(
        kind="token.issued",
        sentence=f"{by.get_username()} created the token “{token.name}” for {_bearer_words(token)}.",
        by=by,
        reason=reason,
        new={
            "name": token.name,
            "user": token.user and token.user.get_username(),
            "use_cases": token.use_cases,
            "scope": token.scope,
            "expires_at": token.expires_at and token.expires_at.isoformat(),
        },
    )


def rotate(
    *, token: Token, by: log.Person, reason: str = "", grace: timedelta = GRACE, held: str = ""
) -> tuple[Token, str]:
    """Give a token a new text, shown only now; the text before works until the grace is over.

    A person's is theirs alone to rotate: whoever has the text acts as that person, and may approve as them.
    One that ends by itself works as long again as it did at first. `held`: the key of the text that asks for it, which
    has to be the present one: a program that runs twice must not take the other's new text away.
    """
    if not may_rotate(by, token):
        raise permissions.Forbidden(
            "Only its owner gets the text of a person's token. An admin can revoke it."
        )
    if not timedelta() <= grace <= LONGEST_GRACE:
        raise Refused("The text before may work for up to 14 days more.")
    text, until = _text(), timezone.now() + grace
    with transaction.atomic():
        token = Token.objects.select_for_update().get(pk=token.pk)
        if token.revoked_at is not None or _over(token.expires_at, timezone.now()):
            raise Refused("This token has ended; make a new one.")
        if held and held != token.digest:
            raise Refused("This text was replaced already; its successor can be rotated.")
        gone = _keys([token])
        _renew(token, text, until)
        log.record(
            kind="token.rotated",
            sentence=f"{by.get_username()} rotated the token “{token.name}” of {_bearer_words(token)}.",
            by=by,
            reason=reason,
            new={
                "use_cases": token.use_cases,
                "before_works_until": until.isoformat(),
                "expires_at": token.expires_at and token.expires_at.isoformat(),
            },
        )
        forget_everywhere(gone)
    return token, text


def _renew(token: Token, text: str, until: datetime) -> None:
    """Exchange a token's text, and count its time anew; the text before works until a moment."""
    now, since = timezone.now(), token.rotated_at or token.created_at
    token.previous_digest, token.previous_until = token.digest, until
    token.expires_at = token.expires_at and now + (token.expires_at - since)
    token.digest, token.prefix, token.rotated_at = key_of(text), text[:9], now
    token.save()


def may_rotate(by: log.Person, token: Token) -> bool:
    """Say whether somebody may have the text of a token: their own; of assistants' tokens, an admin."""
    if isinstance(by, log.System):
        return True
    own = isinstance(by, User) and token.user_id == by.pk
    return own or (token.user_id is None and permissions.can_create(by) and sees_all(by, token.use_cases))


def sees_all(by: log.Person, slugs: Iterable[str]) -> bool:
    """Say whether somebody sees every use case there is of these: who has the text of their token reads it all."""
    return not unseen(by) & set(slugs)


def unseen(by: log.Person) -> set[str]:
    """Return the short names of the use cases that somebody does not see."""
    if not isinstance(by, User):
        return set()
    hidden = UseCase.objects.exclude(pk__in=permissions.visible(by).values("pk"))
    return set(hidden.values_list("slug", flat=True))


def end(rows: Iterable[Token]) -> None:
    """End tokens now, in every web process; open streams that came with them are closed."""
    ended = list(rows)
    for token in ended:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
    forget_everywhere(_keys(ended))


def _keys(rows: Iterable[Token]) -> list[str]:
    return [key for token in rows for key in (token.digest, token.previous_digest) if key]


def forget_everywhere(keys: list[str]) -> None:
    """Have every web process ask the database about these again, and close the streams that came with them."""
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, key])
    transaction.on_commit(lambda: memory.forget(keys))


def _text() -> str:
    return f"oc_{secrets.token_urlsafe(32)}"


def _end(user: User | None, expires_at: datetime | None, scope: str) -> datetime | None:
    now = timezone.now()
    if scope not in ("full", "read") or (scope == "read" and user is None):
        raise Refused("A person's token may do all that the person may, or only read; an assistant's serves.")
    if user is None:
        return expires_at
    end = expires_at or now + OF_PEOPLE
    if end > now + LONGEST:
        raise Refused("A person's token works for a year at most.")
    return end


def worry(token: Token) -> str:
    """Say what is wrong with a token that still works; empty where nothing is."""
    now = timezone.now()
    if token.revoked_at is not None:
        return ""
    if token.expires_at is not None and token.expires_at <= now + ENDING:
        return "Ends soon: rotate it" if token.expires_at > now else ""
    used = token.last_used_at or token.created_at
    if max(used, token.rotated_at or used) < now - UNUSED:
        return "Unused for a month: revoke it"
    return ""


def revoke(*, token: Token, by: log.Person, reason: str = "") -> Token:
    """End a token now, in every web process; open streams that came with it are closed. Twice is fine."""
    _check_revoker(by, token.user)
    with transaction.atomic():
        token = Token.objects.select_for_update().get(pk=token.pk)
        if token.revoked_at is not None:
            return token
        end([token])
        log.record(
            kind="token.revoked",
            sentence=f"{by.get_username()} revoked the token “{token.name}” of {_bearer_words(token)}.",
            by=by,
            reason=reason,
            old={"revoked": False},
            new={"revoked": True, "use_cases": token.use_cases},
        )
    return token


def _check_form(name: str, user: User | None, slugs: list[str]) -> None:
    if not name or len(name) > 120 or not name.isprintable():
        raise refusal("name", "A token's name has 1 to 120 printable characters.")
    if (user is None) == (not slugs):
        words = "A token is for one person, or for assistants of at least one use case; not both."
        raise refusal("use_cases", words)
    wrong = [slug for slug in slugs if not SLUG.fullmatch(slug)]
    if wrong:
        raise refusal("use_cases", f"“{wrong[0]}” is not the short name of a use case.")


def _check_maker(by: log.Person, user: User | None, slugs: list[str]) -> None:
    """Refuse who may not have the text of a new token: it acts, and approves, as its person."""
    if isinstance(by, log.System) or _is_own(by, user):
        return
    if user is not None:
        raise permissions.Forbidden(
            "Only its owner makes a person's token. They can, on their own Tokens page."
        )
    if not permissions.can_create(by):
        raise permissions.Forbidden("You may create your own tokens only. An admin can do the rest.")
    if not sees_all(by, slugs):
        raise Http404("There is no such use case.")


def _check_revoker(by: log.Person, user: User | None) -> None:
    """People end their own tokens; admins, and the command line of the machine itself, any."""
    if not (isinstance(by, log.System) or _is_own(by, user) or permissions.can_create(by)):
        raise permissions.Forbidden("You may revoke your own tokens only. An admin can do the rest.")


def _is_own(by: log.Person, user: User | None) -> bool:
    return user is not None and isinstance(by, User) and by.pk == user.pk


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
    asked = set(keys)
    rows = Token.objects.filter(Q(digest__in=asked) | Q(previous_digest__in=asked), revoked_at=None)
    found: dict[str, Grant] = {}
    used: list[int] = []
    for token in rows.select_related("user"):
        if token.user is not None and not token.user.is_active:
            continue
        grants = [one for one in _grants(token) if one.key in asked and not _over(one.expires_at, now)]
        if not grants:
            continue
        if token.last_used_at is None or now - token.last_used_at > USED_AGAIN:
            used.append(token.pk)
        found |= {one.key: one for one in grants}
    if used:
        # No history for this column by design: it would bury the changes that people made.
        Token.objects.filter(pk__in=used).update(last_used_at=now)
    return found


def _grants(token: Token) -> list[Grant]:
    """Return what each text of a token allows: the present one, and for a while the one before."""
    ends = [(token.digest, token.expires_at)]
    if token.previous_digest and token.previous_until:
        ends.append((token.previous_digest, min(filter(None, [token.previous_until, token.expires_at]))))
    return [
        Grant(key, token.name, token.user_id, frozenset(token.use_cases), end, token.scope == "read")
        for key, end in ends
    ]


def _over(end: datetime | None, now: datetime) -> bool:
    return end is not None and end <= now


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
