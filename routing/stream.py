"""`GET /api/v1/stream`: the config stream of assistants, a small ASGI app that stands beside Django.

A Django view would be three times slower to the last of 5,000 subscribers (docs/adr). Opening a stream touches no
database: publications are held in memory, and so are verified tokens for a short while.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import parse_qs

import psycopg

from routing import problems
from routing.fanout import Consumer, Fanout, Notice, Publication, Send
from routing.listener import Connection

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

PATH = "/api/v1/stream"
MAX_USE_CASES = 500
MAX_INSTANCE = 120
RETRY_MS = (250, 2500)  # clients that lose a web process together come back spread over so long
FIRST = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-accel-buffering", b"no"),
    ],
}
READ = "SELECT use_case, version, issued_at, envelope FROM routing_target"


class Caller(Protocol):
    """Whose token it is. `key` names the token without revealing it."""

    @property
    def key(self) -> str: ...
    @property
    def is_assistant(self) -> bool: ...
    @property
    def use_cases(self) -> frozenset[str]: ...


class Unavailable(Exception):
    """The token cannot be checked now, because the database does not answer."""


class Refusal(Exception):
    """What the caller is told instead of a stream."""

    def __init__(self, status: int, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = problems.document(status, detail, errors=errors or [])


Authenticate = Callable[[str], Awaitable[Caller | None]]


class Stream:
    """The ASGI app. `authenticate` maps a bearer token to its caller, or to None."""

    def __init__(self, fanout: Fanout, authenticate: Authenticate) -> None:
        self._fanout = fanout
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            consumer = await self._admit(scope, send)
        except Refusal as refusal:
            await refuse(send, refusal)
            return
        await send(FIRST)
        self._fanout.join(consumer, random.randint(*RETRY_MS))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._fanout.leave(consumer)

    async def _admit(self, scope: Scope, send: Send) -> Consumer:
        if scope["method"] != "GET":
            raise Refusal(405, "The stream is read with GET.")
        caller = await self._caller(scope)
        instance, slugs = _asked(scope)
        foreign = [slug for slug in slugs if slug not in caller.use_cases]
        if foreign:
            raise Refusal(403, f"This token may not serve {', '.join(foreign[:5])}.")
        unknown = [slug for slug in slugs if slug not in self._fanout.current]
        if unknown:
            raise Refusal(404, f"Nothing is published for {', '.join(unknown[:5])}.")
        return Consumer(instance=instance, key=caller.key, use_cases=slugs, send=send)

    async def _caller(self, scope: Scope) -> Caller:
        token = bearer(scope)
        try:
            caller = await self._authenticate(token) if token else None
        except Unavailable as error:
            raise Refusal(503, "The token cannot be checked now; try again shortly.") from error
        if caller is None:
            raise Refusal(401, "Send a valid token: “Authorization: Bearer …”.")
        if not caller.is_assistant:
            raise Refusal(403, "The stream is for assistants; a person's token cannot open it.")
        return caller


def bearer(scope: Scope) -> str:
    """Return the bearer token of a request, or an empty string."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
    return ""


def _asked(scope: Scope) -> tuple[str, tuple[str, ...]]:
    """Return the instance and the use cases that the query names. Raises `Refusal` with every fault."""
    query = parse_qs(scope["query_string"].decode("latin-1"), errors="replace", max_num_fields=None)
    instance = query.get("instance", [""])[0]
    slugs = tuple(dict.fromkeys(query.get("use_case", [])))
    errors = []
    if not instance or len(instance) > MAX_INSTANCE:
        errors.append(
            {"path": "instance", "message": f"Name the assistant in 1 to {MAX_INSTANCE} characters."}
        )
    if not slugs or len(slugs) > MAX_USE_CASES:
        errors.append({"path": "use_case", "message": f"Name 1 to {MAX_USE_CASES} use cases."})
    if errors:
        raise Refusal(422, "The query is not complete.", errors)
    return instance, slugs


async def refuse(send: Send, refusal: Refusal) -> None:
    """Answer with a problem document."""
    body = problems.encoded(refusal.problem)
    headers = [
        (b"content-type", problems.CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    more = {401: (b"www-authenticate", b"Bearer"), 503: (b"retry-after", b"5"), 405: (b"allow", b"GET")}
    if refusal.status in more:
        headers.append(more[refusal.status])
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class Source:
    """Reads publications for a fan-out: all of them after each connect, and those that a notification names."""

    def __init__(self, fanout: Fanout, told: Callable[[list[Publication]], None]) -> None:
        self._fanout = fanout
        self._told = told

    async def connected(self, connection: Connection) -> None:
        """Send whatever was published while nobody listened."""
        await self._publish(await connection.execute(READ))

    async def received(self, connection: Connection, payloads: list[str]) -> None:
        """Read and send the use cases that the notifications name."""
        notices = [Notice.of(payload) for payload in payloads]
        slugs = sorted({notice.use_case for notice in notices})
        await self._publish(
            await connection.execute(READ + " WHERE use_case = ANY(%s)", [slugs], prepare=True)
        )
        for notice in notices:
            self._fanout.resend(notice.use_case, notice.to)

    async def _publish(self, cursor: psycopg.AsyncCursor[Any]) -> None:
        rows = await cursor.fetchall()
        news = await self._fanout.publish(
            Publication.of(slug, version, at, text) for slug, version, at, text in rows
        )
        self._told(news)
