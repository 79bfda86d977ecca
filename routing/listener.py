"""One LISTEN connection to PostgreSQL for a web process: it says what changed, the moment it is committed.

It stands outside Django's pool, because it is never idle and never given back. Notifications sent while it was away
are lost by nature, so whoever subscribes says how to read everything anew after each connect.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

logger = logging.getLogger(__name__)

Connection = psycopg.AsyncConnection[Any]
Received = Callable[[Connection, list[str]], Awaitable[None]]
Connected = Callable[[Connection], Awaitable[None]]

PROBE_SECONDS = 3.0  # a connection silent for so long is asked whether it still lives
ANSWER_SECONDS = 5.0  # longer than that without an answer, and it is taken for dead
LONGEST_PAUSE = 5.0

# A cable pulled out sends no FIN: the kernel finds a dead peer in about 12 seconds, the probe in about 8.
OPTIONS: dict[str, Any] = {
    "application_name": "console listener",
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(frozen=True, slots=True)
class Subscription:
    """What to do with a channel's payloads, and what to read anew after each connect."""

    channel: LiteralString
    received: Received
    connected: Connected | None = None


class Listener:
    """Follow channels for as long as the process lives, through every outage of the database."""

    def __init__(self, dsn: str, subscriptions: list[Subscription]) -> None:
        self._dsn = dsn
        self._subscriptions = {subscription.channel: subscription for subscription in subscriptions}
        self._task: asyncio.Task[None] | None = None
        self.connected = False

    async def start(self, patience: float = 5.0) -> None:
        """Begin to listen; return once connected, or after `patience` seconds: a console starts without a database."""
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(ready), name="listener")
        try:
            await asyncio.wait_for(ready.wait(), patience)
        except TimeoutError:
            logger.warning("the database does not answer yet; listening begins when it does")

    async def stop(self) -> None:
        """End listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self, ready: asyncio.Event) -> None:
        pause = 0.1
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._dsn, autocommit=True, **OPTIONS
                ) as connection:
                    await self._subscribe(connection)
                    self.connected, pause = True, 0.1
                    ready.set()
                    await self._follow(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                if self.connected:
                    logger.warning("lost the database: %s", error)
            finally:
                self.connected = False
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))
            pause = min(pause * 2, LONGEST_PAUSE / 2)

    async def _subscribe(self, connection: Connection) -> None:
        """Listen first, read afterwards: what is committed in between arrives twice instead of never."""
        for channel in self._subscriptions:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        for subscription in self._subscriptions.values():
            if subscription.connected is not None:
                await asyncio.wait_for(subscription.connected(connection), 30)

    async def _follow(self, connection: Connection) -> None:
        while True:
            payloads: dict[str, list[str]] = {}
            async for notice in connection.notifies(timeout=PROBE_SECONDS, stop_after=1):
                payloads.setdefault(notice.channel, []).append(notice.payload)
            if not payloads:
                await asyncio.wait_for(connection.execute("SELECT 1"), ANSWER_SECONDS)
            for channel, texts in payloads.items():
                await asyncio.wait_for(self._subscriptions[channel].received(connection, texts), 30)
