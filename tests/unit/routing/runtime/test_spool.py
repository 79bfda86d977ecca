"""The spool: what is kept, in which order, and what happens when the disk refuses."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from routing.runtime.spool import Row, Spool


def row(number: int, body: str = "{}") -> Row:
    """A record."""
    return Row(f"id-{number:05d}", "claims", "2026-11-22", 0.5, body)


def within(path: Path, work: Callable[[Spool], Awaitable[None]]) -> list[Row]:
    """Open a spool, work with it, close it; returns what it found when it opened."""

    async def all_of_it() -> list[Row]:
        spool = Spool(path)
        left = spool.open()
        await work(spool)
        await spool.close()
        return left

    return asyncio.run(all_of_it())


async def nothing(spool: Spool) -> None:
    """Only open and close."""


def test_rows_come_back_in_order_and_only_until_removed(tmp_path: Path) -> None:
    async def work(spool: Spool) -> None:
        await asyncio.gather(*(spool.append(row(n)) for n in range(10)))
        assert spool.waiting == 10
        first = await spool.batch(4, 10_000)
        assert [r.id for r in first] == [f"id-{n:05d}" for n in range(4)]
        await spool.remove(first)
        assert [r.id for r in await spool.batch(1, 10_000)] == ["id-00004"]

    path = tmp_path / "spool.sqlite3"
    assert within(path, work) == []
    left = within(path, nothing)
    assert [r.id for r in left] == [f"id-{n:05d}" for n in range(4, 10)]
    assert sum(r.cost_usd for r in left) == 3.0


def test_a_batch_is_bounded_in_bytes_but_never_empty(tmp_path: Path) -> None:
    async def work(spool: Spool) -> None:
        for n in range(5):
            await spool.append(row(n, "x" * 100))
        assert len(await spool.batch(500, 250)) == 2
        assert len(await spool.batch(500, 1)) == 1

    within(tmp_path / "spool.sqlite3", work)


def test_the_same_record_is_kept_once(tmp_path: Path) -> None:
    async def work(spool: Spool) -> None:
        await asyncio.gather(spool.append(row(1)), spool.append(row(1)))
        assert len(await spool.batch(10, 1000)) == 1
        assert spool.waiting == 1

    within(tmp_path / "spool.sqlite3", work)


def test_a_refused_record_is_kept_apart(tmp_path: Path) -> None:
    async def work(spool: Spool) -> None:
        await spool.append(row(1))
        await spool.bury(row(1), 422, "wrong")
        assert await spool.batch(10, 1000) == []
        assert (spool.waiting, spool.state()["dead_letters"]) == (0, 1)

    within(tmp_path / "spool.sqlite3", work)
    within(tmp_path / "spool.sqlite3", nothing)


def test_while_the_disk_refuses_memory_keeps_so_many_and_counts_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.runtime.spool.MEMORY_LIMIT", 5)
    blocked = tmp_path / "file"
    blocked.touch()

    async def work(spool: Spool) -> None:
        for n in range(8):
            await spool.append(row(n))
        state = spool.state()
        assert (state["in_memory"], state["lost"], state["waiting"]) == (5, 3, 5)
        assert state["disk"].startswith("failing")
        rows = await spool.batch(10, 1000)
        assert [r.id for r in rows] == [f"id-{n:05d}" for n in range(3, 8)]
        await spool.remove(rows[:4])
        # The disk is back: what memory still holds goes there.
        blocked.unlink()
        spool._disk_again = 0.0
        await spool.batch(10, 1000)
        assert (spool.state()["disk"], spool.state()["in_memory"], spool.waiting) == ("ok", 0, 1)

    within(blocked / "spool.sqlite3", work)


def test_what_memory_holds_reaches_a_disk_that_returns_before_the_end(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()

    async def work(spool: Spool) -> None:
        await spool.append(row(1))
        blocked.unlink()

    within(blocked / "spool.sqlite3", work)
    assert [r.id for r in within(blocked / "spool.sqlite3", nothing)] == ["id-00001"]
