"""Decisions waiting for delivery, on disk.

A record is written before the answer it belongs to leaves the process, and removed once the console has
taken it, so neither kill -9 nor an absent console loses one. SQLite in WAL mode does the writing, in one
thread; records that arrive together share a transaction. Where the disk refuses (full, read-only), records
wait in memory, bounded, and the disk is tried again.
"""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from routing.runtime.disk import set_aside

log = logging.getLogger(__name__)

T = TypeVar("T")

MEMORY_LIMIT = 10_000
DISK_AGAIN_S = 2.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS decisions (
    id TEXT PRIMARY KEY, use_case TEXT NOT NULL, day TEXT NOT NULL, cost_usd REAL NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS dead_letters (
    id TEXT PRIMARY KEY, at TEXT NOT NULL, status INTEGER NOT NULL, words TEXT NOT NULL, body TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One record to deliver: its JSON, and what the spend needs to know of it (US dollars, UTC day)."""

    id: str
    use_case: str
    day: str
    cost_usd: float
    body: str


class Spool:
    """Rows by arrival, on disk or, while the disk refuses, in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._connection: sqlite3.Connection | None = None
        self._arriving: list[tuple[Row, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._memory: dict[str, Row] = {}
        # Delivered, but the disk would not delete them: not to be sent again in a circle.
        self._delivered: set[str] = set()
        self._disk_again = 0.0
        self.fault = ""
        self.on_disk = 0
        self.dead_letters = 0
        self.lost = 0
        self.added = asyncio.Event()

    def open(self) -> list[Row]:
        """Open the file; returns the rows that an earlier process left. Never raises."""
        left = self._thread.submit(self._attempt, self._left).result() or []
        if left:
            self.added.set()
        return left

    @property
    def waiting(self) -> int:
        """How many records are not delivered yet."""
        return max(0, self.on_disk - len(self._delivered)) + len(self._memory) + len(self._arriving)

    def state(self) -> dict[str, Any]:
        """Describe the spool for heartbeats and /healthz."""
        return {
            "waiting": self.waiting,
            "in_memory": len(self._memory),
            "dead_letters": self.dead_letters,
            "lost": self.lost,
            "disk": "ok" if not self.fault else f"failing: {self.fault}",
        }

    async def append(self, row: Row) -> None:
        """Keep a record; returns once it is on disk, or in memory where the disk refuses."""
        kept = asyncio.get_running_loop().create_future()
        self._arriving.append((row, kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await kept

    async def batch(self, limit: int, max_bytes: int) -> list[Row]:
        """Return the oldest rows, at least one if any waits, at most so many and so large together."""
        if self._memory:
            await self._persist_memory()
        if self._delivered:
            await self.remove([])
        rows = await self._on_thread(self._oldest, limit + len(self._delivered)) or []
        rows = [row for row in rows if row.id not in self._delivered]
        known = {row.id for row in rows}
        rows += [row for row in self._memory.values() if row.id not in known]
        size, taken = 0, 0
        for row in rows[:limit]:
            size += len(row.body) + 1
            if taken and size > max_bytes:
                break
            taken += 1
        return rows[:taken]

    async def remove(self, rows: Sequence[Row]) -> None:
        """Forget rows that the console has taken."""
        self._delivered.update(row.id for row in rows if self._memory.pop(row.id, None) is None)
        if not self._delivered:
            return
        await self._on_thread(self._delete, list(self._delivered))

    async def bury(self, row: Row, status: int, words: str) -> None:
        """Put a row that the console will never take aside, for a person to look at."""
        log.error("decision %s was refused with %d: %s", row.id, status, words[:200])
        if await self._on_thread(self._bury, row, status, words):
            self.dead_letters += 1
        else:
            self.lost += 1
        await self.remove([row])

    async def close(self) -> None:
        """Write what still arrives, then close the file."""
        if self._writer is not None:
            await self._writer
        if self._memory:
            self._disk_again = 0.0
            await self._persist_memory()
        await self._on_thread(self._close)
        self._thread.shutdown(wait=True)

    # The loop's side: batches what arrives, and falls back to memory.

    async def _write(self) -> None:
        while self._arriving:
            arriving, self._arriving = self._arriving, []
            rows = [row for row, _ in arriving]
            try:
                written = await self._insert_or_not(rows)
            except Exception:  # a caller must get its answer, whatever the disk does
                log.exception("the spool's writer failed")
                written = False
            if not written:
                self._remember(rows)
            for _, kept in arriving:
                if not kept.done():
                    kept.set_result(None)
            self.added.set()

    async def _insert_or_not(self, rows: list[Row]) -> bool:
        if self.fault and time.monotonic() < self._disk_again:
            return False
        return await self._on_thread(self._insert, rows) is True

    async def _persist_memory(self) -> None:
        rows = list(self._memory.values())
        if await self._insert_or_not(rows):
            for row in rows:
                self._memory.pop(row.id, None)

    def _remember(self, rows: list[Row]) -> None:
        for row in rows:
            self._memory[row.id] = row
        while len(self._memory) > MEMORY_LIMIT:
            self._memory.pop(next(iter(self._memory)))
            self.lost += 1

    async def _on_thread(self, work: Callable[..., T], *arguments: Any) -> T | None:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._attempt, work, *arguments)

    # The thread's side: the only one that touches the file.

    def _attempt(self, work: Callable[..., T], *arguments: Any) -> T | None:
        """Do something with the file; None, with the fault noted, where the disk refuses."""
        try:
            self._connect()
            return work(*arguments)
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            return None

    def _failed(self, error: Exception) -> None:
        if not self.fault:
            log.error("the spool cannot use its disk: %s", error)
        self.fault = str(error) or type(error).__name__
        self._disk_again = time.monotonic() + DISK_AGAIN_S
        self._close()
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError | sqlite3.IntegrityError
        )
        if damaged:
            for suffix in ("", "-wal", "-shm"):
                set_aside(self._path.with_name(self._path.name + suffix))

    def _connect(self) -> None:
        if self._connection is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(_SCHEMA)
            self.on_disk = connection.execute("SELECT count(*) FROM decisions").fetchone()[0]
            self.dead_letters = connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0]
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    @property
    def _file(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the spool is closed")
        return self._connection

    def _transaction(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        self._file.execute("BEGIN IMMEDIATE")
        try:
            changed = self._file.executemany(statement, rows).rowcount
            self._file.execute("COMMIT")
            # Only writing shows that the disk is well: a full one can still be read.
            self.fault = ""
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            raise
        return changed

    def _insert(self, rows: list[Row]) -> bool:
        values = [(row.id, row.use_case, row.day, row.cost_usd, row.body) for row in rows]
        self.on_disk += self._transaction("INSERT OR IGNORE INTO decisions VALUES (?, ?, ?, ?, ?)", values)
        return True

    def _oldest(self, limit: int) -> list[Row]:
        found = self._file.execute("SELECT * FROM decisions ORDER BY rowid LIMIT ?", (limit,))
        return [Row(*values) for values in found]

    def _left(self) -> list[Row]:
        found = self._file.execute("SELECT id, use_case, day, cost_usd, '' FROM decisions")
        return [Row(*values) for values in found]

    def _delete(self, ids: list[str]) -> bool:
        self.on_disk -= self._transaction("DELETE FROM decisions WHERE id = ?", [(i,) for i in ids])
        self._delivered.difference_update(ids)
        return True

    def _bury(self, row: Row, status: int, words: str) -> bool:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._transaction(
            "INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?, ?)",
            [(row.id, at, status, words, row.body)],
        )
        return True
