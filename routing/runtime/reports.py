"""What an assistant tells the console of itself: acks and heartbeats."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

from routing.runtime.backoff import delay
from routing.runtime.console import Console, ConsoleAway, ConsoleRefused
from routing.runtime.held import Verdict

log = logging.getLogger(__name__)

# Refusals kept for an absent console; more would be the same fault told again.
MAX_REFUSALS = 20


class Acks:
    """Verdicts on envelopes, kept until the console has taken them; the newest of a use case counts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._applied: dict[str, dict[str, Any]] = {}
        self._refused: dict[tuple[str, int, str], dict[str, Any]] = {}
        self._waiting = asyncio.Event()

    def put(self, use_case: str, verdict: Verdict) -> None:
        """Queue one verdict for delivery."""
        ack: dict[str, Any] = {
            "instance": self._console.instance,
            "use_case": use_case,
            "version": verdict.version,
            "digest": verdict.digest,
            "status": verdict.status,
        }
        if verdict.status == "applied":
            # A refusal never takes the place of an ack: an old envelope that turns up late
            # would hide that the new one is in force.
            self._applied[use_case] = ack
        else:
            self._refused[use_case, verdict.version, verdict.error] = ack | {"error": verdict.error}
            while len(self._refused) > MAX_REFUSALS:
                self._refused.pop(next(iter(self._refused)))
        self._waiting.set()

    def put_held(self, use_case: str, version: int, digest: str) -> None:
        """Queue the confirmation of what is held now."""
        self.put(use_case, Verdict("applied", version, digest))

    async def run(self) -> None:
        """Deliver whatever waits, until cancelled."""
        failures = 0
        while True:
            await self._waiting.wait()
            try:
                await self.flush()
                failures = 0
            except ConsoleAway as error:
                failures += 1
                log.info("ack: %s", error)
                await asyncio.sleep(delay(failures))

    async def flush(self) -> None:
        """Deliver once what waits. Raises ConsoleAway."""
        self._waiting.clear()
        waiting = [*self._refused.values(), *self._applied.values()]
        if not waiting:
            return
        try:
            await self._send(waiting)
        except ConsoleAway:
            self._waiting.set()
            raise

    async def _send(self, waiting: list[dict[str, Any]]) -> None:
        try:
            await self._console.acknowledge(waiting)
        except ConsoleRefused as error:
            if len(waiting) > 1:
                # One ack the console cannot read must not hold the others back.
                for ack in waiting:
                    await self._send([ack])
                return
            log.warning("the console would not take an ack: %s", error)
        self._forget(waiting)

    def _forget(self, delivered: list[dict[str, Any]]) -> None:
        # By identity: a newer verdict that came meanwhile stays.
        gone = {id(ack) for ack in delivered}
        self._applied = {key: ack for key, ack in self._applied.items() if id(ack) not in gone}
        self._refused = {key: ack for key, ack in self._refused.items() if id(ack) not in gone}


class Heartbeats:
    """A sign of life every so often, with all that is held and enforced."""

    def __init__(
        self,
        console: Console,
        every_s: float,
        compose: Callable[[], dict[str, Any]],
        answered: Callable[[dict[str, Any]], None],
    ) -> None:
        self._console = console
        self._every_s = every_s
        self._compose = compose
        self._answered = answered

    async def run(self) -> None:
        """Send heartbeats until cancelled; the console being away is no reason to stop."""
        while True:
            await self.once()
            await asyncio.sleep(random.uniform(0.9, 1.1) * self._every_s)

    async def once(self, *, stopping: bool = False) -> None:
        """Send one heartbeat and pass on the console's answer, if it gives one."""
        body = self._compose() | ({"stopping": True} if stopping else {})
        try:
            answer = await self._console.heartbeat(body, timeout_s=2.0 if stopping else 5.0)
        except ConsoleAway as error:
            log.info("heartbeat: %s", error)
            return
        self._answered(answer)
