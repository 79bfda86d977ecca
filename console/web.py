"""What one web process holds besides Django: the streams, the listener that feeds them, and their beginning and end."""

import asyncio
import gc
import signal
import threading
from contextlib import suppress
from typing import Any

from django.db import InterfaceError, OperationalError

from console import presence, sessions, tokens
from console.live import Live
from routing.actions.rollouts import CHANNEL as REPORTS
from routing.actions.rollouts import WORKER
from routing.actions.targets import CHANNEL as TARGETS
from routing.fanout import Fanout, Notice, Publication, Send
from routing.listener import Connection, Listener, Subscription
from routing.stream import Receive, Source, Stream

ENDS_SECONDS = 60.0
COLLECT_AFTER = 50_000  # new objects: a collection in the middle of a round would be its slowest consumer


class Web:
    """The streams of this process and what keeps them current."""

    def __init__(self, database_url: str) -> None:
        self.fanout = Fanout()
        self.stream = Stream(self.fanout, tokens.authenticate)
        self.live = Live(self._versions)
        source = Source(self.fanout, self._published)
        self.listener = Listener(
            database_url,
            [
                Subscription(TARGETS, source.received, source.connected),
                Subscription(REPORTS, self._reported),
                Subscription(tokens.CHANNEL, self._revoked, self._recheck),
                Subscription(sessions.CHANNEL, self._dismissed, self._dismiss_all),
                Subscription(WORKER, self._worked),
            ],
        )
        presence.watch(self.listener)
        self._tasks: list[asyncio.Task[None]] = []
        self._known: set[str] = set()

    def _versions(self) -> dict[str, int]:
        return {slug: publication.version for slug, publication in self.fanout.current.items()}

    def _published(self, news: list[Publication]) -> None:
        slugs = {publication.use_case for publication in news}
        if slugs - self._known:
            self._known |= slugs
            self.live.created()
        self.live.changed(slugs)

    async def _reported(self, connection: Connection, payloads: list[str]) -> None:
        self.live.changed({Notice.of(payload).use_case for payload in payloads} - {""})

    async def _worked(self, connection: Connection, payloads: list[str]) -> None:
        presence.worker_heard()

    async def _revoked(self, connection: Connection, keys: list[str]) -> None:
        tokens.memory.forget(keys)
        self.fanout.close(keys)

    async def _recheck(self, connection: Connection) -> None:
        """Close the streams of tokens that were revoked while nobody listened."""
        tokens.memory.forget()
        await self._close_ended()

    async def _close_ended(self) -> None:
        held = self.fanout.keys()
        if held:
            self.fanout.close(held - await tokens.authenticate_keys(held))

    async def _watch_ends(self) -> None:
        """Close the streams of tokens whose time is over: nobody notifies of that."""
        while True:
            await asyncio.sleep(ENDS_SECONDS)
            with suppress(OperationalError, InterfaceError):
                await self._close_ended()

    async def _dismissed(self, connection: Connection, names: list[str]) -> None:
        self.live.dismiss(names)

    async def _dismiss_all(self, connection: Connection) -> None:
        """Have open pages ask anew who they are: a session may have ended while nobody listened."""
        self.live.close()

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Start with the server, end with it."""
        await receive()
        await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        self._end_streams_on_signals()
        await self.listener.start()
        self._tasks = [
            asyncio.create_task(self.fanout.keep_alive()),
            asyncio.create_task(self.live.keep_alive()),
            asyncio.create_task(self._watch_ends()),
        ]
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, 50, 100)

    async def _stop(self) -> None:
        self._end_streams()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.listener.stop()

    def _end_streams(self) -> None:
        self.fanout.close()
        self.live.close()

    def _end_streams_on_signals(self) -> None:
        """End the streams as soon as the server is asked to stop: it waits for open requests, and these never end."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def handle(received: int, frame: Any, before: Any = before) -> None:
                loop.call_soon_threadsafe(self._end_streams)
                if callable(before):
                    before(received, frame)

            signal.signal(number, handle)
