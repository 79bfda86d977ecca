"""The fan-out: one encoding, no waiting, nobody owed more than the newest publication."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from routing import fanout
from routing.fanout import Consumer, Fanout, Message, Notice, Publication

START = datetime(2026, 11, 22, tzinfo=UTC)


def publication(version: int, slug: str = "claims", text: str = "{}") -> Publication:
    return Publication.of(slug, version, START + timedelta(seconds=version), text)


class Socket:
    """Stands in for a server's `send`: remembers what was written, and can be full."""

    def __init__(self) -> None:
        self.written = b""
        self.ended = False
        self.room = asyncio.Event()
        self.room.set()

    async def send(self, message: Message) -> None:
        await self.room.wait()
        self.written += message["body"]
        self.ended = self.ended or not message["more_body"]


def connected(hub: Fanout, *slugs: str, instance: str = "a", key: str = "k") -> tuple[Socket, Consumer]:
    socket = Socket()
    consumer = Consumer(instance=instance, key=key, use_cases=slugs or ("claims",), send=socket.send)
    hub.join(consumer, 1000)
    return socket, consumer


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def test_a_stream_starts_with_where_everything_stands() -> None:
    async def scenario() -> None:
        hub = Fanout()
        await hub.publish([publication(2), publication(1, "fraud")])
        socket, _ = connected(hub, "claims", "fraud")
        first, second = publication(1, "fraud"), publication(2)
        assert socket.written == b"retry: 1000\n\n" + first.frame + second.frame

    run(scenario())


def test_an_event_has_a_rising_id_and_one_data_line() -> None:
    frame = publication(3, text='{"text": "a\u2028b\x85c"}').frame.decode()
    sequence = int((START + timedelta(seconds=3)).timestamp() * 1_000_000)
    assert frame == f'event: config\nid: {sequence}\ndata: {{"text": "a\\u2028b\\u0085c"}}\n\n'
    assert len(frame.splitlines()) == 4


def test_a_publication_reaches_those_who_serve_the_use_case_once() -> None:
    async def scenario() -> None:
        hub = Fanout()
        await hub.publish([publication(1), publication(1, "fraud")])
        claims, _ = connected(hub, "claims")
        fraud, _ = connected(hub, "fraud")
        claims.written = fraud.written = b""

        assert await hub.publish([publication(2)]) == [publication(2)]
        assert await hub.publish([publication(2)]) == []
        assert await hub.publish([publication(1)]) == []

        assert claims.written == publication(2).frame
        assert fraud.written == b""

    run(scenario())


def test_a_use_case_created_later_appears_without_a_restart() -> None:
    async def scenario() -> None:
        hub = Fanout()
        await hub.publish([publication(1, "new")])
        socket, _ = connected(hub, "new")
        assert publication(1, "new").frame in socket.written

    run(scenario())


def test_a_full_socket_is_owed_the_newest_publication_and_no_backlog() -> None:
    async def scenario() -> None:
        hub = Fanout()
        await hub.publish([publication(1)])
        slow, _ = connected(hub)
        quick, _ = connected(hub)
        slow.written = quick.written = b""
        slow.room.clear()

        for version in (2, 3, 4):
            await hub.publish([publication(version)])
        assert slow.written == b""
        assert quick.written == b"".join(publication(version).frame for version in (2, 3, 4))

        slow.room.set()
        await asyncio.sleep(0.01)
        assert slow.written == publication(4).frame
        await hub.publish([publication(5)])
        assert slow.written.endswith(publication(5).frame)

    run(scenario())


def test_a_socket_that_stays_full_is_cut_off(monkeypatch: Any) -> None:
    monkeypatch.setattr(fanout, "STALL_SECONDS", 0.01)

    async def scenario() -> None:
        hub = Fanout()
        socket, _ = connected(hub)
        socket.room.clear()
        await hub.publish([publication(2)])
        await asyncio.sleep(0.05)
        assert len(hub) == 0

    run(scenario())


def test_sending_again_reaches_only_those_named() -> None:
    async def scenario() -> None:
        hub = Fanout()
        await hub.publish([publication(1)])
        (a, _), (b, _) = connected(hub, instance="a"), connected(hub, instance="b")
        a.written = b.written = b""

        hub.resend("claims", ["b", "nobody"])
        hub.resend("unknown", ["b"])

        assert (a.written, b.written) == (b"", publication(1).frame)

    run(scenario())


def test_every_consumer_is_pinged(monkeypatch: Any) -> None:
    monkeypatch.setattr(fanout, "PING_SECONDS", 0.04)

    async def scenario() -> None:
        hub = Fanout()
        sockets = [connected(hub)[0] for _ in range(50)]
        timer = asyncio.create_task(hub.keep_alive())
        await asyncio.sleep(0.3)
        timer.cancel()
        assert all(b"event: ping\n" in socket.written for socket in sockets)

    run(scenario())


def test_closing_ends_the_streams_of_a_token() -> None:
    async def scenario() -> None:
        hub = Fanout()
        (a, _), (b, _) = connected(hub, key="a"), connected(hub, key="b")
        assert hub.keys() == {"a", "b"}

        hub.close(["a"])
        assert (a.ended, b.ended, len(hub)) == (True, False, 1)
        hub.close()
        assert (b.ended, len(hub)) == (True, 0)

    run(scenario())


def test_leaving_twice_is_fine() -> None:
    async def scenario() -> None:
        hub = Fanout()
        _, consumer = connected(hub)
        hub.leave(consumer)
        hub.leave(consumer)
        assert len(hub) == 0

    run(scenario())


def test_a_notification_that_is_not_ours_names_nothing() -> None:
    assert Notice.of("not json") == Notice("")
    assert Notice.of("[1]") == Notice("")
    assert Notice.of('{"use_case": "claims", "to": ["a"]}') == Notice("claims", ("a",))
