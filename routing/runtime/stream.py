"""How new config reaches an assistant: the console's event stream, and the poll beside it.

The stream is quick, the poll is sure: a lost event costs seconds. Both hand what they get to the same
`receive`, which decides; neither knows what an envelope is.
"""

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Callable, Mapping

from routing.runtime.backoff import delay
from routing.runtime.console import Console, ConsoleAway
from routing.runtime.events import Event, EventParser, StreamBroken
from routing.runtime.held import HeldConfig, Source
from routing.runtime.keys import PinnedKeys

log = logging.getLogger(__name__)

Receive = Callable[[str, object, Source], None]


class ConfigStream:
    """Follows the console's event stream for as long as the process lives."""

    def __init__(
        self, console: Console, keys: PinnedKeys, configs: Mapping[str, HeldConfig], receive: Receive
    ) -> None:
        self._console = console
        self._keys = keys
        self._configs = configs
        self._receive = receive
        self._last_id = ""
        self._failures = 0
        self._retry_s = 0.25

    async def run(self) -> None:
        """Connect, read, reconnect with jitter; never returns."""
        while True:
            try:
                await ensure_keys(self._console, self._keys)
                await self._follow()
                reason = "ended"
            except (ConsoleAway, StreamBroken) as error:
                reason = str(error)
            self._failures += 1
            pause = delay(self._failures, base=self._retry_s)
            log.info("config stream %s; again in %.2f s", reason, pause)
            await asyncio.sleep(pause)

    async def _follow(self) -> None:
        parser = EventParser(self._last_id)
        async with self._console.stream(list(self._configs), self._last_id) as pieces:
            async for piece in pieces:
                for event in parser.feed(piece):
                    self._failures = 0
                    self._console.heard()
                    self._take(event)
                if parser.retry_ms is not None:
                    self._retry_s = min(5.0, parser.retry_ms / 1000)

    def _take(self, event: Event) -> None:
        self._last_id = event.last_id
        if event.name != "config":
            return
        try:
            envelope = json.loads(event.data)
        except (ValueError, RecursionError):
            # Only a stream for one use case tells whose envelope was damaged; the poll mends it anyway.
            log.warning("the stream brought a config that is not JSON")
            if len(self._configs) == 1:
                self._receive(next(iter(self._configs)), None, "stream")
            return
        slug = envelope.get("use_case") if isinstance(envelope, dict) else None
        if isinstance(slug, str) and slug in self._configs:
            self._receive(slug, envelope, "stream")
        else:
            log.warning("the stream brought a config for a use case that is not ours")


class ConfigPoll:
    """Asks for each use case's config every so often, jittered, and at once when poked."""

    def __init__(
        self,
        console: Console,
        keys: PinnedKeys,
        configs: Mapping[str, HeldConfig],
        receive: Receive,
        every_s: float,
    ) -> None:
        self._console = console
        self._keys = keys
        self._configs = configs
        self._receive = receive
        self._every_s = every_s
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """Poll now: something says that there is a newer version."""
        self._poked.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), random.uniform(0.7, 1.3) * self._every_s)
            self._poked.clear()
            await self.once()

    async def once(self) -> bool:
        """Ask for every use case's config; True where the console answered for all."""
        try:
            await ensure_keys(self._console, self._keys)
        except ConsoleAway as error:
            log.info("poll: %s", error)
            return False
        answered = True
        for slug, config in self._configs.items():
            try:
                envelope = await self._console.config(slug, config.held.version, config.held.digest)
            except ConsoleAway as error:
                log.info("poll of %s: %s", slug, error)
                answered = False
                continue
            if envelope is not None:
                self._receive(slug, envelope, "poll")
        return answered


async def ensure_keys(console: Console, keys: PinnedKeys) -> None:
    """Pin the console's keys before anything it signed is read. Raises ConsoleAway."""
    if keys.keys:
        return
    answer = await console.signing_keys()
    try:
        keys.pin(answer)
    except ValueError as error:
        raise ConsoleAway(str(error)) from error
