"""Bringing spooled decisions to the console: in batches, for as long as it takes, each once.

A record carries its own id, so one that is sent again (the answer was lost) still counts once.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from routing.runtime.backoff import delay
from routing.runtime.console import Console, ConsoleAway
from routing.runtime.spool import Row, Spool

log = logging.getLogger(__name__)

BATCH = 500
BATCH_BYTES = 1_000_000
GATHER_S = 0.4

# The console has read the batch and found fault with its content. Other errors (a token, a proxy, a
# limit) say nothing about the records, so these stay where they are.
_CONTENT_REFUSED = frozenset({400, 403, 409, 413, 422})


class Shipping:
    """Empties the spool into the console."""

    def __init__(self, console: Console, spool: Spool, delivered: Callable[[Sequence[Row]], None]) -> None:
        self._console = console
        self._spool = spool
        self._delivered = delivered
        self._failures = 0

    async def run(self) -> None:
        """Deliver what arrives, until cancelled."""
        while True:
            await self._spool.added.wait()
            await asyncio.sleep(GATHER_S)
            self._spool.added.clear()
            try:
                await self._ship(self._spool.waiting)
                self._failures = 0
            except ConsoleAway as error:
                self._failures += 1
                self._spool.added.set()
                log.info("%d decisions wait: %s", self._spool.waiting, error)
                await asyncio.sleep(delay(self._failures))

    async def _ship(self, due: int) -> None:
        """Deliver as many as waited when it began: what comes meanwhile gathers for the next batch."""
        while due > 0 and (rows := await self._spool.batch(BATCH, BATCH_BYTES)):
            await self._send(rows)
            due -= len(rows)
        if self._spool.waiting:
            self._spool.added.set()

    async def flush(self) -> None:
        """Deliver all that waits now. Raises ConsoleAway; what was not taken stays spooled."""
        while rows := await self._spool.batch(BATCH, BATCH_BYTES):
            await self._send(rows)

    async def _send(self, rows: Sequence[Row]) -> None:
        # 1. the whole batch; 2. where its content is refused, halves, down to the single record at fault.
        body = "[" + ",".join(row.body for row in rows) + "]"
        answer = await self._console.deliver(body.encode())
        if 200 <= answer.status < 300:
            for index, words in answer.refused.items():
                if 0 <= index < len(rows):
                    await self._spool.bury(rows[index], answer.status, words)
            await self._spool.remove([row for n, row in enumerate(rows) if n not in answer.refused])
            self._delivered(rows)
        elif answer.status not in _CONTENT_REFUSED:
            raise ConsoleAway(f"the console answered {answer.status}: {answer.words[:200]}")
        elif len(rows) == 1:
            await self._spool.bury(rows[0], answer.status, answer.words)
            self._delivered(rows)
        else:
            middle = len(rows) // 2
            await self._send(rows[:middle])
            await self._send(rows[middle:])
