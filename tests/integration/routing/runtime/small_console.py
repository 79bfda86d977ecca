"""A console as small as assistants can tell: the real HTTP contracts, real signatures, and a hand on every fault."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from routing.engine.baseline import BUILT_IN
from routing.engine.envelope import build, encoded, key_id, sign

Json = dict[str, Any]
TOKEN = "assistant-token"


def wait_until(holds: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := holds():
            return result
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


class Served:
    """An ASGI application on a real socket, in a thread; may be stopped and started on the same port."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the port it had before if it had one."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self._app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        server = self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        self._thread.start()
        wait_until(lambda: server.started, "the server starts")

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(10)
        self._server = self._thread = None


class SmallConsole(Served):
    """Keeps what assistants report; publishes, withholds, forges and cuts as a test says."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.envelopes: dict[str, Json] = {}
        self.acks: list[Json] = []
        self.heartbeats: list[Json] = []
        self.decisions: list[Json] = []
        self.batches: list[int] = []
        self.outcomes: list[Json] = []
        self.spent_today: dict[str, float] = {}
        self.resumed_from: list[str] = []
        self.streams_open = True
        self.polls_answered = True
        self.lose_answers = 0
        self.strict = False
        self.content_fault: Callable[[Json], bool] = lambda record: False
        self._streams: dict[asyncio.Queue[bytes | None], asyncio.AbstractEventLoop] = {}
        self._sequence = 0
        super().__init__(self._application())

    def stop(self) -> None:
        """Go away as a crashed console does."""
        self.cut_streams()
        super().stop()

    # What a test does.

    def envelope(
        self, slug: str, version: int, document: Mapping[str, Any] | None = None, **more: Any
    ) -> Json:
        """Return a signed envelope."""
        given: Json = {"state": "live", "baseline": BUILT_IN, "message": "", "lease_seconds": 300} | more
        unsigned = build(
            use_case=slug,
            version=version,
            document=document or BUILT_IN,
            issued_at=datetime.now(UTC),
            **given,
        )
        return sign(unsigned, self.key)

    def publish(
        self, slug: str, version: int, document: Mapping[str, Any] | None = None, **more: Any
    ) -> Json:
        """Make a version current, and send it on every stream."""
        envelope = self.envelopes[slug] = self.envelope(slug, version, document, **more)
        self.push(envelope)
        return envelope

    def push(self, envelope: object) -> None:
        """Send anything as a config event, whether it is current or not."""
        self._sequence += 1
        data = envelope if isinstance(envelope, str) else json.dumps(envelope)
        self._send(f"event: config\nid: {self._sequence}\ndata: {data}\n\n".encode())

    def cut_streams(self) -> None:
        """End every stream."""
        self._send(None)

    def _send(self, event: bytes | None) -> None:
        for queue, loop in list(self._streams.items()):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.put_nowait, event)

    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def acked(self, version: int, status: str = "applied") -> Json | None:
        """The last ack of that version and status."""
        return next(
            (a for a in reversed(self.acks) if a["version"] == version and a["status"] == status), None
        )

    # What assistants meet.

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/v1/signing-keys", self._keys),
                Route("/api/v1/use-cases/{slug}/config", self._config),
                Route("/api/v1/stream", self._stream),
                Route("/api/v1/acks", self._take_acks, methods=["POST"]),
                Route("/api/v1/heartbeats", self._take_heartbeat, methods=["POST"]),
                Route("/api/v1/outcomes", self._take_outcomes, methods=["POST"]),
                Route("/api/v1/decisions", self._take_decisions, methods=["POST"]),
            ]
        )

    async def _keys(self, request: Request) -> Response:
        public = self.key.public_key()
        shown = {
            "key_id": key_id(public),
            "algorithm": "Ed25519",
            "public_key": encoded(public.public_bytes_raw()),
        }
        return JSONResponse({"keys": [shown]})

    async def _config(self, request: Request) -> Response:
        envelope = self.envelopes.get(request.path_params["slug"])
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"status": 401}, status_code=401)
        if envelope is None or not self.polls_answered:
            return JSONResponse({"status": 404}, status_code=404)
        etag = f'"{envelope["digest"]}"'
        current = request.query_params.get("version") == str(envelope["version"])
        if request.headers.get("if-none-match") == etag and current:
            return Response(status_code=304, headers={"ETag": etag})
        return JSONResponse(envelope, headers={"ETag": etag})

    async def _stream(self, request: Request) -> Response:
        if not self.streams_open:
            return JSONResponse({"status": 503}, status_code=503)
        self.resumed_from.append(request.headers.get("last-event-id", ""))
        slugs = request.query_params.getlist("use_case")
        return StreamingResponse(self._events(slugs), media_type="text/event-stream")

    async def _events(self, slugs: list[str]) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._streams[queue] = asyncio.get_running_loop()
        try:
            for slug in slugs:
                if envelope := self.envelopes.get(slug):
                    yield f"event: config\nid: 0\ndata: {json.dumps(envelope)}\n\n".encode()
            yield b"event: ping\ndata: {}\n\n"
            while (event := await queue.get()) is not None:
                yield event
        finally:
            del self._streams[queue]

    async def _take_acks(self, request: Request) -> Response:
        self.acks += await request.json()
        return JSONResponse({})

    async def _take_heartbeat(self, request: Request) -> Response:
        self.heartbeats.append(await request.json())
        listed = [
            {
                "use_case": slug,
                "version": envelope["version"],
                "digest": envelope["digest"],
                "spent_today_usd": self.spent_today.get(slug, 0.0),
            }
            for slug, envelope in self.envelopes.items()
        ]
        return JSONResponse({"use_cases": listed, "server_time": "2026-11-22T00:00:00.000Z"})

    async def _take_outcomes(self, request: Request) -> Response:
        self.outcomes += await request.json()
        return JSONResponse({})

    async def _take_decisions(self, request: Request) -> Response:
        records = await request.json()
        faulty = [n for n, record in enumerate(records) if self.content_fault(record)]
        if faulty and (self.strict or len(faulty) == len(records)):
            return JSONResponse({"title": "wrong", "errors": []}, status_code=422)
        self.batches.append(len(records))
        taken = [record for n, record in enumerate(records) if n not in faulty]
        self.decisions += taken
        for record in taken:  # the number that heartbeats are told counts what has been delivered
            if record["use_case"] in self.spent_today:
                self.spent_today[record["use_case"]] += record["cost_usd"]
        if self.lose_answers:
            # Taken, but the assistant never hears of it.
            self.lose_answers -= 1
            return JSONResponse({}, status_code=502)
        refused = [
            {"index": n, "id": records[n]["id"], "errors": [{"path": "", "message": "wrong"}]} for n in faulty
        ]
        return JSONResponse({"stored": len(records) - len(faulty), "duplicates": 0, "refused": refused})
