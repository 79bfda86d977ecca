"""Acks and heartbeats of many assistants, written together.

5,000 assistants report a thousand times a second, and all of them at once after a click. A request of Django's for
each would occupy the process that has to take the next click. So these two are read beside Django, and whatever
arrives while one transaction is being written goes into the next: a busy console writes larger batches, an idle one
adds no delay. The rules are the views' (`console.api.reports`); answers are the same to the letter.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, OperationalError, connection
from django.http import HttpRequest
from ninja.errors import AuthenticationError, HttpError

from audit import context
from console import tokens
from console.api import problems, reports
from console.tokens import Grant
from routing import selectors
from routing.actions import acks, heartbeats
from routing.actions.acks import Ack
from routing.actions.heartbeats import Heartbeat
from routing.fanout import Send
from routing.stream import Receive, Scope, Unavailable, bearer

logger = logging.getLogger(__name__)

LARGEST = (
    64 * 1024
)  # larger bodies are rare, and reading one would keep the streams waiting: Django takes them
MOST_AT_ONCE = 500
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Given]):
    """One request's reports, and where its answer goes."""

    given: Given
    answer: "asyncio.Future[dict[str, Any]]"


class Batch(Generic[Given]):
    """Collects reports while a transaction is under way; `write` turns a list of them into their answers."""

    def __init__(self, write: Callable[[Sequence[Given]], list[dict[str, Any]]]) -> None:
        self._write = write
        self._waiting: list[Waiting[Given]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, given: Given) -> dict[str, Any]:
        """Write reports together with others'; return their answer. Raises what the database said."""
        waiting = Waiting(given, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await waiting.answer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._write_some(taken)
        finally:
            self._writing = None

    async def _write_some(self, taken: list[Waiting[Given]]) -> None:
        try:
            answers = await _in_thread(self._write, [one.given for one in taken])
        except DatabaseError as error:
            if len(taken) > 1 and not isinstance(error, OperationalError):
                # One report that the database will not take must not cost the others theirs.
                for one in taken:
                    await self._write_some([one])
                return
            _fail(taken, error)
        except Exception as error:
            _fail(taken, error)
        else:
            for one, answer in zip(taken, answers, strict=True):
                if not one.answer.done():
                    one.answer.set_result(answer)


def _fail(taken: list[Waiting[Any]], error: Exception) -> None:
    for one in taken:
        if not one.answer.done():
            one.answer.set_exception(error)


async def _in_thread(write: Callable[[Any], Any], given: Any) -> Any:
    def run() -> Any:
        try:
            with context.through("api"):
                return write(given)
        finally:
            connection.close()

    return await sync_to_async(run, thread_sensitive=False)()


def write_acks(given: Sequence[list[Ack]]) -> list[dict[str, Any]]:
    """Write the acks of several requests."""
    news = acks.record([ack for one in given for ack in one])
    return [dict(reports.recorded(one, news)) for one in given]


def write_heartbeats(given: Sequence[Heartbeat]) -> list[dict[str, Any]]:
    """Write the heartbeats of several requests."""
    heartbeats.record(given)
    desired = selectors.desired({held.use_case for one in given for held in one.use_cases})
    return [reports.told(one, desired) for one in given]


class Reports:
    """The ASGI app for `POST /api/v1/acks` and `POST /api/v1/heartbeats`."""

    def __init__(self) -> None:
        self._acks = Batch(write_acks)
        self._heartbeats = Batch(write_heartbeats)

    def takes(self, scope: Scope) -> bool:
        """Say whether a request is one of these two, and small."""
        if scope["method"] != "POST" or scope["path"] not in ("/api/v1/acks", "/api/v1/heartbeats"):
            return False
        declared = [value for name, value in scope["headers"] if name == b"content-length"]
        return len(declared) == 1 and declared[0].isdigit() and int(declared[0]) <= LARGEST

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            grant = await _assistant(scope)
            body = await _read(receive)
            content = await self._take(grant, scope, body)
        except Exception as error:
            if isinstance(error, Unavailable):
                error = OperationalError("the token cannot be checked")
            request = HttpRequest()
            request.method, request.path = scope["method"], scope["path"]
            refused = problems.answer(request, error)
            headers = {name.lower(): value for name, value in refused.headers.items()}
            await _send(send, refused.status_code, refused.content, headers)
            return
        await _send(
            send, 200, json.dumps(content).encode(), {"content-type": "application/json; charset=utf-8"}
        )

    async def _take(self, grant: Grant, scope: Scope, body: bytes) -> dict[str, Any]:
        if scope["path"].endswith("/heartbeats"):
            return await self._heartbeats.put(reports.heartbeat_in(grant, body))
        kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        return await self._acks.put(reports.acks_in(grant, body, kind.decode("latin-1")))


async def _assistant(scope: Scope) -> Grant:
    token = bearer(scope)
    grant = await tokens.authenticate(token) if token else None
    if grant is None:
        raise AuthenticationError
    if not grant.is_assistant:
        raise HttpError(403, "This is for assistants; a person's token cannot do it.")
    return grant


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return body


async def _send(send: Send, status: int, content: bytes, headers: dict[str, str]) -> None:
    lines = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    lines.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": content, "more_body": False})
