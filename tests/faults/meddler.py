"""Stands between a real assistant and a real console, and does to the config stream what networks and forgers do."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any, Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from console.stack import HOST
from tests.ports import own_port

Envelope = dict[str, Any]
DROPPED = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}


class Meddler:
    """Passes everything on, but for the config events while `holding`: these wait in `held`. Polls are turned away.

    `send` puts an event of the test's own on the stream.
    """

    def __init__(self, console: str) -> None:
        self.console = console
        self.holding = False
        self.held: list[Envelope] = []
        self.passed: list[Envelope] = []
        port = own_port()
        self.url = f"http://{HOST}:{port}"
        routes = [
            Route("/api/v1/stream", self._stream),
            Route("/{path:path}", self._pass_on, methods=["GET", "POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host=HOST, port=port, log_level="error", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._own: asyncio.Queue[bytes] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *caught: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)

    def send(self, event: Envelope | bytes) -> None:
        """Put an envelope, or any data, on the stream."""
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        assert self._loop is not None
        assert self._own is not None
        self._loop.call_soon_threadsafe(self._own.put_nowait, b"event: config\ndata: " + data + b"\n\n")

    async def _pass_on(self, request: Request) -> Response:
        if request.url.path.endswith("/config"):
            return Response(status_code=503)
        async with httpx.AsyncClient(base_url=self.console, timeout=30) as client:
            answer = await client.request(
                request.method,
                str(request.url.path),
                content=await request.body(),
                headers=_kept(request.headers),
            )
        return Response(answer.content, answer.status_code, headers=_kept(answer.headers))

    async def _stream(self, request: Request) -> Response:
        self._loop, self._own = asyncio.get_running_loop(), asyncio.Queue()
        return StreamingResponse(self._events(request, self._own), media_type="text/event-stream")

    async def _events(self, request: Request, events: "asyncio.Queue[bytes]") -> AsyncIterator[bytes]:
        reading = asyncio.create_task(self._read(request, events))
        try:
            while True:
                yield await events.get()
        finally:
            reading.cancel()

    async def _read(self, request: Request, events: "asyncio.Queue[bytes]") -> None:
        address = f"{self.console}/api/v1/stream?{request.url.query}"
        async with (
            httpx.AsyncClient(timeout=httpx.Timeout(5, read=30)) as client,
            client.stream("GET", address, headers=_kept(request.headers)) as answer,
        ):
            rest = b""
            async for part in answer.aiter_bytes():
                *complete, rest = (rest + part).split(b"\n\n")
                for event in complete:
                    if self._may_pass(event):
                        events.put_nowait(event + b"\n\n")

    def _may_pass(self, event: bytes) -> bool:
        if not event.startswith(b"event: config"):
            return True
        envelope = json.loads(event.partition(b"\ndata: ")[2])
        (self.held if self.holding else self.passed).append(envelope)
        return not self.holding


def _kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in DROPPED}
