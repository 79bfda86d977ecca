"""One assistant, put together: its parts, the order they start in, and the order they stop in."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from routing.runtime.answering import Answering
from routing.runtime.cache import EnvelopeCache
from routing.runtime.completion import Completion
from routing.runtime.console import Console, ConsoleAway
from routing.runtime.gateway import Gateway
from routing.runtime.held import HeldConfig, Source
from routing.runtime.keys import PinnedKeys
from routing.runtime.lease import Contact
from routing.runtime.reports import Acks, Heartbeats
from routing.runtime.settings import Settings
from routing.runtime.shipping import Shipping
from routing.runtime.spend import Spend
from routing.runtime.spool import Row, Spool
from routing.runtime.stream import ConfigPoll, ConfigStream

log = logging.getLogger(__name__)

SOFTWARE = "operator-console-assistant/1"
# So long the first answers wait for the console; then the disk cache, or the baseline, must do.
FIRST_CONTACT_S = 1.5
LAST_FLUSH_S = 4.0


class Assistant:
    """Everything one process runs besides its HTTP server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.contact = Contact()
        keys = PinnedKeys(settings.cache, settings.public_keys)
        self.configs = {slug: HeldConfig(slug, self.contact, keys) for slug in settings.use_cases}
        self.console = Console(settings.console, settings.token, settings.instance, self.contact)
        self.spool = Spool(Path(settings.cache) / "spool.sqlite3")
        self.spend = Spend()
        self.completion = Completion()
        self.acks = Acks(self.console)
        self.heartbeats = Heartbeats(
            self.console, settings.heartbeat_seconds, self._heartbeat, self._heartbeat_answered
        )
        self.shipping = Shipping(self.console, self.spool, self._delivered)
        self.stream = ConfigStream(self.console, keys, self.configs, self._receive)
        self.poll = ConfigPoll(self.console, keys, self.configs, self._receive, settings.poll_seconds)
        answering = Answering(self.configs, self.completion, self.spool, self.spend, settings.instance)
        self.gateway = Gateway(answering, self.configs, settings.gateway_keys, self.health)
        self._cache = EnvelopeCache(settings.cache)
        self._cache_fault = ""
        self.failed = False
        self._saving: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Make ready to answer: what the disk holds first, then the console's word if it comes soon.

        An assistant that was down while the switch was pulled must not answer from its cache when the
        console is there to tell.
        """
        for row in self.spool.open():
            self.spend.add(row.use_case, row.cost_usd, row.day)
        for slug, config in self.configs.items():
            self._load(slug, config)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.poll.once(), FIRST_CONTACT_S)
        for work in (
            self.stream.run(),
            self.poll.run(),
            self.acks.run(),
            self.heartbeats.run(),
            self.shipping.run(),
        ):
            self._run(work)

    async def stop(self) -> None:
        """Deliver what can be delivered at once, say goodbye, close. What stays is in the spool."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._saving.values(), return_exceptions=True)
        with suppress(ConsoleAway, TimeoutError):
            await asyncio.wait_for(self._last_words(), LAST_FLUSH_S)
        await self.heartbeats.once(stopping=True)
        await self.spool.close()
        await self.console.close()

    async def _last_words(self) -> None:
        await self.shipping.flush()
        await self.acks.flush()

    def health(self) -> dict[str, Any]:
        """Describe the process for /healthz."""
        spool = self.spool.state()
        well = spool["disk"] == "ok" and not self._cache_fault
        return {
            "status": "ok" if well else "degraded",
            "instance": self.settings.instance,
            "use_cases": self._reported(),
            "console": {"heard_s_ago": round(self.contact.age(), 1) if self.contact.ever else None},
            "spool": spool,
            "cache": self._cache_fault or "ok",
        }

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._watched(work))
        self._tasks.append(task)

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            # A part that dies in silence would leave an assistant that answers and obeys nobody.
            # The supervisor starts a new process; the spool and the cache carry over.
            self.failed = True
            log.critical("a part of the assistant failed; stopping", exc_info=True)
            asyncio.get_running_loop().call_soon(_terminate)
            raise

    def _load(self, slug: str, config: HeldConfig) -> None:
        envelope = self._cache.read(slug)
        if envelope is None:
            return
        verdict = config.offer(envelope, "cache")
        if verdict.status == "refused":
            log.warning("cached config of %s does not hold (%s); set aside", slug, verdict.error)
            self._cache.discard(slug)
        self._warm(config)

    def _receive(self, slug: str, envelope: object, source: Source) -> None:
        config = self.configs[slug]
        verdict = config.offer(envelope, source)
        if not verdict.swapped:
            self.acks.put(slug, verdict)
            return
        self._warm(config)
        before = self._saving.get(slug)
        self._saving[slug] = asyncio.create_task(self._save(config, before))

    async def _save(self, config: HeldConfig, before: asyncio.Task[None] | None) -> None:
        """Write the last good envelope, then ack: what is confirmed must survive a crash."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        held = config.held
        if held.envelope is not None:
            try:
                await asyncio.to_thread(self._cache.write, config.use_case, held.envelope)
                self._cache_fault = ""
            except OSError as error:
                log.error("the last good config of %s is not on disk: %s", config.use_case, error)
                self._cache_fault = str(error)
        self.acks.put_held(config.use_case, held.version, held.digest)

    def _warm(self, config: HeldConfig) -> None:
        # The live document's ladder, also while the use case is stopped: restoring it must not wait seconds.
        envelope = config.held.envelope
        if envelope is not None and envelope["document"].get("ladder"):
            self.completion.warm()

    def _reported(self) -> list[dict[str, Any]]:
        return [
            {
                "use_case": slug,
                "version": config.held.version,
                "digest": config.held.digest,
                "enforced": config.enforced().digest,
                "held_version": config.held.version,
                "source": config.source(),
            }
            for slug, config in self.configs.items()
        ]

    def _heartbeat(self) -> dict[str, Any]:
        self.spend.heartbeat_sent()
        return {
            "instance": self.settings.instance,
            "use_cases": self._reported(),
            "started_at": self.started_at,
            "software": SOFTWARE,
            "spool": self.spool.state() | {"cache": self._cache_fault or "ok"},
        }

    def _heartbeat_answered(self, answer: dict[str, Any]) -> None:
        listed = answer.get("use_cases")
        told = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        spent = {}
        for item in told:
            slug, number, version = item.get("use_case"), item.get("spent_today_usd"), item.get("version")
            config = self.configs.get(slug) if isinstance(slug, str) else None
            if config is None:
                continue
            if isinstance(number, int | float) and number >= 0:
                spent[config.use_case] = float(number)
            if isinstance(version, int) and version > config.held.version:
                self.poll.poke()
        self.spend.told(spent)

    def _delivered(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.spend.delivered(row.use_case, row.cost_usd, row.day)


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
