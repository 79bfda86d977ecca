"""Many subscribers in one process, as cheap as can be: the streams of `propagation`'s assistants.

Reads JSON commands from stdin, one a line: `{"address": [host, port], "head": TEXT, "count": N}` opens N connections,
each sending `head` with `{number}` filled in. Writes one JSON line when all have their first event, and one for each
version when the last of them has parsed it: `{"version": V, "at": NS}` on the monotonic clock that all processes share.
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

VERSION = re.compile(rb'"version":(\d+)')
CONNECTING_AT_ONCE = 100


class Subscribers:
    """Counts how many have parsed each version."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen: dict[int, int] = {}
        self.lost = 0
        self.first = asyncio.Event()

    def parsed(self, version: int) -> None:
        self.seen[version] = self.seen.get(version, 0) + 1
        if self.seen[version] == self.count:
            if self.first.is_set():
                say({"version": version, "at": time.monotonic_ns()})
            self.first.set()


class Subscriber(asyncio.Protocol):
    """One stream: finds the version in each complete event."""

    def __init__(self, every: Subscribers, head: bytes) -> None:
        self._every = every
        self._head = head
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(self._head)

    def data_received(self, data: bytes) -> None:
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            found = VERSION.search(event)
            if found:
                self._every.parsed(int(found[1]))

    def connection_lost(self, error: Exception | None) -> None:
        self._every.lost += 1
        say({"lost": self._every.lost})


def say(words: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


async def subscribe(host: str, port: int, head: str, count: int) -> None:
    """Open all connections and stay until the caller closes stdin."""
    loop, every, gate = asyncio.get_running_loop(), Subscribers(count), asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def connect(number: int) -> None:
        async with gate:
            opening = head.replace("{number}", str(number)).encode()
            await loop.create_connection(lambda: Subscriber(every, opening), host, port)

    begun = time.monotonic()
    await asyncio.gather(*(connect(number) for number in range(count)))
    await asyncio.wait_for(every.first.wait(), 120)
    say({"connected": count, "seconds": time.monotonic() - begun})
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    command = json.loads(sys.stdin.readline())
    host, port = command["address"]
    uvloop.run(subscribe(host, port, command["head"], command["count"]))
