"""The least that can carry a notification to many sockets: no HTTP, no tokens, no database read.

`python -m tests.benchmarks._bare_loop DSN`, then the event's bytes on stdin with `VERSION` where its number goes.
Prints the port. On `NOTIFY bare, '7'` it writes the event with version 7 to every open connection.
"""

import asyncio
import gc
import sys
from typing import cast

import psycopg
import uvloop

FIRST = 1


class Socket(asyncio.Protocol):
    """An open connection: gets the first event when it has asked for it, as a stream's client would."""

    def __init__(self, every: set[asyncio.WriteTransport], first: bytes) -> None:
        self._every = every
        self._first = first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._every.add(self._transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._first)

    def connection_lost(self, error: Exception | None) -> None:
        self._every.discard(self._transport)


async def serve(dsn: str, event: bytes) -> None:
    """Serve until killed."""
    every: set[asyncio.WriteTransport] = set()
    first = event.replace(b"VERSION", str(FIRST).encode())
    server = await asyncio.get_running_loop().create_server(
        lambda: Socket(every, first), "127.0.0.1", 0, backlog=4096
    )
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("LISTEN bare")
        gc.freeze()
        print(server.sockets[0].getsockname()[1], flush=True)
        async for notice in connection.notifies():
            content = event.replace(b"VERSION", notice.payload.encode())
            for transport in every:
                transport.write(content)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.stdin.buffer.read()))
