"""The stream on real sockets, where faults take longer than a process test should."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from routing.runtime import console as runtime_console
from routing.runtime.console import Console
from routing.runtime.held import HeldConfig, Source
from routing.runtime.keys import PinnedKeys
from routing.runtime.lease import Contact
from routing.runtime.stream import ConfigStream

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
PING = b"event: ping\ndata: {}\n\n"


class Line:
    """A console that accepts streams and then says only what it is told to, byte by byte if need be."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.says: list[list[bytes]] = []
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        for piece in self.says.pop(0) if self.says else []:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        with contextlib.suppress(ConnectionError):
            await reader.read()  # silent until the other side gives up

    async def hang_up(self) -> None:
        """Close every connection."""
        for writer in self._open:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._open), return_exceptions=True)


@contextlib.asynccontextmanager
async def following(line: Line, folder: Path, received: list[Any]) -> AsyncIterator[Contact]:
    """Follow the line's streams with one use case."""
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    contact = Contact()
    console = Console(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "t", "one", contact)
    keys = PinnedKeys(folder)
    keys.keys = {"known": object()}  # type: ignore[dict-item]

    def receive(slug: str, envelope: object, source: Source) -> None:
        received.append((slug, envelope, source))

    stream = ConfigStream(console, keys, {"claims": HeldConfig("claims", contact, keys)}, receive)
    task = asyncio.create_task(stream.run())
    try:
        yield contact
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await console.close()
        server.close()
        await line.hang_up()


async def until(holds: Any) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


def test_a_stream_that_has_fallen_silent_is_given_up_and_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runtime_console.STREAM_SILENCE_S == 25.0
    monkeypatch.setattr(runtime_console, "STREAM_SILENCE_S", 0.3)
    line = Line()
    line.says = [[HEAD, b"id: 41\n" + PING]]

    async def work() -> None:
        async with following(line, tmp_path, []) as contact:
            await until(lambda: len(line.requests) >= 2)
            assert contact.ever

    asyncio.run(work())
    assert "last-event-id" not in line.requests[0].lower()
    assert "last-event-id: 41" in line.requests[1].lower()
    assert "instance=one&use_case=claims" in line.requests[0]


def test_an_event_cut_into_single_bytes_arrives_whole_and_half_an_event_not_at_all(tmp_path: Path) -> None:
    event = b'event: config\nid: 1\ndata: {"use_case": "claims", "text": "\xe2\x9c\x93"}\n\n'
    line = Line()
    line.says = [[HEAD, *(bytes([b]) for b in event), b'event: config\ndata: {"use_case"']]
    received: list[Any] = []

    async def work() -> None:
        async with following(line, tmp_path, received):
            await until(lambda: received)
            await asyncio.sleep(0.2)

    asyncio.run(work())
    assert received == [("claims", json.loads('{"use_case": "claims", "text": "✓"}'), "stream")]


def test_an_answer_that_is_no_stream_is_tried_again(tmp_path: Path) -> None:
    line = Line()
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n"
    line.says = [[page], [b"HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n"], [HEAD, PING]]

    async def work() -> None:
        async with following(line, tmp_path, []) as contact:
            await until(lambda: contact.ever)

    asyncio.run(work())
    assert len(line.requests) == 3
