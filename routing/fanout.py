"""Who listens to the config stream in this process, and how a publication reaches all of them at once.

No HTTP here (`routing.stream`) and no database (`routing.listener` hands in what it read). A publication is encoded
once. Each send is driven by hand: no task, no queue a consumer, so 5,000 of them cost one loop. A consumer whose
socket is full is set aside; it is owed the newest publication, never a backlog, and is cut off if it stays full.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]

PING_SECONDS = 10.0
PING_SLOTS = 40  # consumers are pinged in so many groups, one after the other: no thundering herd, one timer
STALL_SECONDS = 10.0
SLICE = 250  # so many sends, then the loop writes them out: sockets are drained while the next are filled

PING: Message = {"type": "http.response.body", "body": b"event: ping\ndata: {}\n\n", "more_body": True}
NOTHING: Message = {"type": "http.response.body", "body": b"", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}

# JSON leaves these alone, but some clients take them for line ends, and an event is made of lines.
LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@dataclass(frozen=True, slots=True)
class Publication:
    """What one use case's assistants should run, ready for the wire.

    `sequence` is the time of publication in microseconds: it rises from one publication to the next over all use
    cases, and is the same in every web process and after every restart.
    """

    use_case: str
    version: int
    sequence: int
    frame: bytes

    @classmethod
    def of(cls, use_case: str, version: int, issued_at: datetime, envelope: str) -> "Publication":
        sequence = int(issued_at.timestamp() * 1_000_000)
        frame = f"event: config\nid: {sequence}\ndata: {envelope.translate(LINE_ENDS)}\n\n"
        return cls(use_case, version, sequence, frame.encode())


class Consumer:
    """One open stream. `owed` is None while it keeps up, else the use cases whose newest publication it lacks."""

    __slots__ = ("instance", "key", "owed", "send", "slot", "use_cases")

    def __init__(self, *, instance: str, key: str, use_cases: tuple[str, ...], send: Send) -> None:
        self.instance = instance
        self.key = key
        self.use_cases = use_cases
        self.send = send
        self.slot = random.randrange(PING_SLOTS)
        self.owed: set[str] | None = None


class Fanout:
    """All open streams of this process and the current publication of each use case."""

    def __init__(self) -> None:
        self.current: dict[str, Publication] = {}
        self._consumers: dict[str, dict[Consumer, None]] = {}
        self._slots: list[dict[Consumer, None]] = [{} for _ in range(PING_SLOTS)]
        self._catching_up: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots)

    def keys(self) -> set[str]:
        """Return the keys of the tokens that the open streams came with."""
        return {consumer.key for slot in self._slots for consumer in slot}

    def snapshot(self, use_cases: Iterable[str]) -> bytes:
        """Return the current publications of some use cases, in the order they were published."""
        known = [self.current[slug] for slug in use_cases if slug in self.current]
        return b"".join(publication.frame for publication in sorted(known, key=lambda one: one.sequence))

    def join(self, consumer: Consumer, retry_ms: int) -> None:
        """Send a new consumer where everything stands, and everything that follows."""
        self._slots[consumer.slot][consumer] = None
        for slug in consumer.use_cases:
            self._consumers.setdefault(slug, {})[consumer] = None
        first = b"retry: %d\n\n" % retry_ms + self.snapshot(consumer.use_cases)
        self._push(consumer, _body(first), consumer.use_cases)

    def leave(self, consumer: Consumer) -> None:
        """Forget a consumer; forgetting twice is fine."""
        self._slots[consumer.slot].pop(consumer, None)
        for slug in consumer.use_cases:
            listening = self._consumers.get(slug)
            if listening is not None:
                listening.pop(consumer, None)
                if not listening:
                    del self._consumers[slug]

    async def publish(self, publications: Iterable[Publication]) -> list[Publication]:
        """Send what is newer than what was sent before; return it."""
        news = [one for one in publications if self._is_news(one)]
        for one in news:
            self.current[one.use_case] = one
        for one in news:
            await self._send_out(one)
        return news

    def resend(self, use_case: str, instances: Iterable[str]) -> None:
        """Send the current publication again to some assistants: they have not confirmed it."""
        wanted = set(instances)
        for consumer in list(self._consumers.get(use_case, ())) if wanted else ():
            if consumer.instance in wanted:
                self._push(consumer, _body(self.snapshot([use_case])), (use_case,))

    def _is_news(self, publication: Publication) -> bool:
        """A notification may come twice or late; numbers only rise."""
        known = self.current.get(publication.use_case)
        return known is None or publication.version > known.version

    async def _send_out(self, publication: Publication) -> None:
        message = _body(publication.frame)
        waiting = list(self._consumers.get(publication.use_case, ()))
        owed = (publication.use_case,)
        for start in range(0, len(waiting), SLICE):
            for consumer in waiting[start : start + SLICE]:
                self._push(consumer, message, owed)
            await asyncio.sleep(0)

    def _push(self, consumer: Consumer, message: Message, owed: tuple[str, ...]) -> None:
        """Send without waiting; if the socket is full, set the consumer aside."""
        if consumer.owed is not None:
            consumer.owed.update(owed)
        elif not sent_at_once(consumer.send(message)):
            consumer.owed = set(owed)
            task = asyncio.create_task(self._catch_up(consumer))
            self._catching_up.add(task)
            task.add_done_callback(self._catching_up.discard)

    async def _catch_up(self, consumer: Consumer) -> None:
        """Wait for a full socket to drain, then send what stands by then. Nothing piles up meanwhile."""
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await consumer.send(NOTHING)
                while consumer.owed:
                    owed, consumer.owed = consumer.owed, set()
                    body = self.snapshot(slug for slug in consumer.use_cases if slug in owed)
                    await consumer.send(_body(body))
            consumer.owed = None
        except TimeoutError:
            self.cut_off(consumer)

    def cut_off(self, consumer: Consumer) -> None:
        """End a stream whose client does not read. It reconnects, and starts with what stands then."""
        self.leave(consumer)
        abort(consumer.send)

    def close(self, keys: Iterable[str] | None = None) -> None:
        """End the streams that came with one of these tokens, or all of them."""
        wanted = None if keys is None else set(keys)
        for consumer in [consumer for slot in self._slots for consumer in slot]:
            if wanted is None or consumer.key in wanted:
                self.leave(consumer)
                if not sent_at_once(consumer.send(END)):
                    self.cut_off(consumer)

    async def keep_alive(self) -> None:
        """Ping every consumer every ten seconds, one group after the other."""
        while True:
            for slot in self._slots:
                await asyncio.sleep(PING_SECONDS / PING_SLOTS)
                for consumer in list(slot):
                    self._push(consumer, PING, ())


def _body(content: bytes) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": True}


def sent_at_once(sending: Awaitable[None]) -> bool:
    """Drive one send to its end; if it would have to wait, give it up and say so."""
    assert isinstance(sending, Coroutine)
    try:
        sending.send(None)
    except StopIteration:
        return True
    sending.close()
    return False


def abort(send: Send) -> None:
    """Cut a connection whose buffer is full: a polite end would wait behind that buffer for ever.

    Under uvicorn `send` is a method of the request's cycle, which holds the transport; aborting it frees the buffer
    and ends the request.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification names: a use case, and the assistants that should be sent its target once more."""

    use_case: str
    to: tuple[str, ...] = ()

    @classmethod
    def of(cls, payload: str) -> "Notice":
        """Read a payload; one that is not ours names no use case."""
        try:
            found = json.loads(payload)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return cls("")
        return cls(str(found.get("use_case", "")), tuple(str(name) for name in found.get("to") or ()))
