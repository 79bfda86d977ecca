"""Decisions as columns, out of PostgreSQL: loaded once, brought up to date by what is new, shared by all requests.

A use case's history is kept in the process from some moment on: as far back as anybody has asked. Who asks for more
gets the older part loaded in addition. All histories together stay within a budget of bytes; the one that was asked
least recently goes first. This module imports NumPy: whoever serves pages imports it when the first what-if is asked.
"""

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import numpy as np
from django.utils import timezone

from routing import follow_up, history_blocks, history_rows
from routing.history_blocks import NOTHING, Load, Plan
from routing.history_columns import Timed, between, chained, judged, merged, place, timed
from routing.history_rows import BEGINNING, CHUNK, END, Chunk, moment
from routing.replay.columns import Columns

BUDGET_BYTES: Final = 1 << 30
# What replays of a history keep with it, in bytes a decision.
REPLAYS: Final = 64
# A slider asks many times a second. What assistants send meanwhile is taken in between, not at each move.
FRESH_SECONDS: Final = 2.0
CUTS_KEPT: Final = 4
# More at once, such as an import, is read anew in pages: as objects they would take many times their place.
MOST_NEWS: Final = 50_000
# From here on reading row by row takes seconds.
MOST_UNSEALED: Final = 20_000
# How many questions wait for a history that another one is loading, and how long. The others hear how far it is.
WAITING: Final = 16
WAIT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load has come: rows read, of how many; `loading` is False once it is done."""

    rows: int = 0
    expected: int = 0
    loading: bool = False


class Busy(Exception):
    """The history is being loaded for somebody else, and takes longer than one should wait."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(
            f"The history is being read: {progress.rows:,} of {progress.expected:,} decisions so far. "
            "Ask again in a moment."
        )
        self.progress = progress


@dataclass(frozen=True, slots=True)
class Window:
    """Which decisions: the last `decisions`, those of the last `days`, or all where both are None."""

    decisions: int | None = None
    days: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The decisions of a window as of a moment. Not `complete` where memory did not suffice for all of them."""

    columns: Columns
    as_of: datetime
    complete: bool


@dataclass(eq=False)
class _Kept:
    """One use case's history. `floor` is the moment from which on it is whole; `full` where memory ended it there."""

    use_case: str
    lock: Lock = field(default_factory=Lock)
    decisions: Timed = field(default_factory=lambda: timed([], []))
    floor: datetime = END
    full: bool = False
    seen: datetime = BEGINNING
    as_of: datetime = BEGINNING
    checked: float = 0.0
    read: int = 0
    waiting: int = 0
    progress: Progress = Progress()
    cuts: OrderedDict[int, Columns] = field(default_factory=OrderedDict)

    @property
    def bytes(self) -> int:
        return self.decisions.bytes + REPLAYS * len(self.decisions)


class Histories:
    """The histories of a process. Safe to share between threads: one loads a use case, the others wait for it."""

    def __init__(
        self,
        budget_bytes: int = BUDGET_BYTES,
        fresh_seconds: float = FRESH_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self.budget_bytes = budget_bytes
        self.fresh_seconds = fresh_seconds
        self.wait_seconds = wait_seconds
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = Lock()

    def window(self, use_case: str, window: Window) -> History:
        """Return the decisions of a window, loading and updating what is needed for it.

        Raises `Busy` when another thread is still loading them after `wait_seconds`.
        """
        kept = self._entry(use_case)
        with self._turn(kept):
            if time.monotonic() - kept.checked > self.fresh_seconds or not kept.checked:
                self._update(kept)
            found = self._window(kept, window)
        self._forget_oldest(kept)
        return found

    def progress(self, use_case: str) -> Progress:
        """Return how far the load of a use case's history has come; never waits."""
        with self._lock:
            kept = self._kept.get(use_case)
        return kept.progress if kept else Progress()

    def rows_read(self, use_case: str) -> int:
        """Return how many rows of a use case came out of the database so far, repeated ones included."""
        with self._lock:
            kept = self._kept.get(use_case)
        return kept.read if kept else 0

    def forget(self, use_case: str | None = None) -> None:
        """Forget one history, or all."""
        with self._lock:
            for name in [use_case] if use_case else list(self._kept):
                self._kept.pop(name, None)

    def _entry(self, use_case: str) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(use_case, _Kept(use_case))
            self._kept.move_to_end(use_case)
            return kept

    @contextmanager
    def _turn(self, kept: _Kept) -> Iterator[None]:
        """Hold a history's lock. Who has to wait holds no connection meanwhile."""
        if not kept.lock.acquire(blocking=False):
            self._wait(kept)
        try:
            yield
        finally:
            kept.lock.release()

    def _wait(self, kept: _Kept) -> None:
        with self._lock:
            if kept.waiting >= WAITING:
                raise Busy(kept.progress)
            kept.waiting += 1
        try:
            history_rows.let_go()
            if not kept.lock.acquire(timeout=self.wait_seconds):
                raise Busy(kept.progress)
        finally:
            with self._lock:
                kept.waiting -= 1

    def _forget_oldest(self, asked: _Kept) -> None:
        with self._lock:
            sizes = {name: kept.bytes for name, kept in self._kept.items()}
            for name in list(self._kept):
                if sum(sizes.values()) <= self.budget_bytes:
                    return
                if name != asked.use_case:
                    del self._kept[name], sizes[name]

    # What is new

    def _update(self, kept: _Kept) -> None:
        """Take in decisions and verdicts that were received since the last time."""
        seen = history_rows.watermark()
        count = history_rows.news_count(kept.use_case, kept.seen) if kept.floor < END else 0
        if count > MOST_NEWS:
            kept.decisions, kept.floor, kept.full = timed([], []), END, False
            kept.cuts.clear()
        elif count:
            self._take(kept, history_rows.news(kept.use_case, kept.floor, kept.seen))
        kept.seen, kept.as_of, kept.checked = seen, timezone.now(), time.monotonic()

    def _take(self, kept: _Kept, news: Chunk) -> None:
        before = kept.decisions
        kept.read += len(news.rows)
        places = [
            place(before, micros, row["id"]) for row, micros in zip(news.rows, news.micros, strict=True)
        ]
        known = [(at, row) for at, row in zip(places, news.rows, strict=True) if at is not None]
        fresh = [place for place, at in enumerate(places) if at is None]
        kept.decisions = judged(before, [at for at, _ in known], [row for _, row in known])
        if fresh:
            rows = timed([news.rows[place] for place in fresh], [news.micros[place] for place in fresh])
            kept.decisions = merged(kept.decisions, rows)
            self._trim(kept)
        if kept.decisions is not before:
            kept.cuts.clear()

    def _trim(self, kept: _Kept) -> None:
        """Let the oldest decisions go where the history has outgrown the budget by itself."""
        if kept.bytes > self.budget_bytes:
            count = int(len(kept.decisions) * 0.9 * self.budget_bytes / kept.bytes)
            columns = kept.decisions.columns.last(count)
            kept.decisions = Timed(columns, kept.decisions.micros[len(kept.decisions) - count :].copy())
            kept.full = True
            kept.floor = moment(int(kept.decisions.micros[0])) if count else END

    # What is older

    def _window(self, kept: _Kept, window: Window) -> History:
        """Return a window of the decisions, after loading what is missing of it."""
        floor = self._floor(kept, window)
        if floor < kept.floor and not kept.full:
            self._load_older(kept, floor)
        whole, start = kept.decisions, 0
        if window.decisions is not None:
            start = max(0, len(whole) - window.decisions)
        elif window.days is not None:
            start = int(np.searchsorted(whole.micros, _micros(floor), "left"))
        return History(self._cut(kept, start), kept.as_of, complete=not kept.full or floor >= kept.floor)

    def _cut(self, kept: _Kept, start: int) -> Columns:
        """Return the decisions from a place on: the same columns again, with the replays that are kept with them."""
        if not start:
            return kept.decisions.columns
        if start not in kept.cuts:
            _ = kept.decisions.columns.audit_place  # drawn for the whole, so that the next cut finds it
            kept.cuts[start] = between(kept.decisions, start, len(kept.decisions)).columns
            if len(kept.cuts) > CUTS_KEPT:
                kept.cuts.popitem(last=False)
        kept.cuts.move_to_end(start)
        return kept.cuts[start]

    def _floor(self, kept: _Kept, window: Window) -> datetime:
        """Return from which moment on the decisions of a window are."""
        if window.days is not None:
            return kept.as_of - timedelta(days=window.days)
        if window.decisions is None:
            return BEGINNING
        if len(kept.decisions) >= window.decisions:
            return moment(int(kept.decisions.micros[-window.decisions]))
        if kept.floor == BEGINNING:
            return BEGINNING
        return history_rows.floor_of_last(kept.use_case, window.decisions) or BEGINNING

    def _load_older(self, kept: _Kept, floor: datetime) -> None:
        """Read from a moment on up to where the history begins, newest first, for as long as memory suffices."""
        planned = history_blocks.plan(kept.use_case, floor, kept.floor)
        if planned is not None and self._load_sealed(kept, floor, planned):
            return
        expected, read, parts = history_rows.count(kept.use_case, floor, kept.floor), 0, [kept.decisions]
        size = kept.bytes
        kept.progress = Progress(0, expected, loading=True)
        try:
            for chunk in history_rows.pages(kept.use_case, floor, kept.floor, CHUNK):
                parts.append(timed(chunk.rows, chunk.micros))
                read += len(chunk.rows)
                size += parts[-1].bytes + REPLAYS * len(chunk.rows)
                kept.progress = Progress(read, max(expected, read), loading=True)
                if size > self.budget_bytes:
                    kept.full = True
                    break
            if read:
                kept.decisions = chained(parts[::-1])
                kept.cuts.clear()
            # In the middle of one moment the rest of it is not there: whoever is new is still put in its place.
            kept.floor = moment(int(kept.decisions.micros[0])) if kept.full else floor
        finally:
            kept.read += read
            kept.progress = Progress(read, max(expected, read))
        self._seal(kept, read)

    def _load_sealed(self, kept: _Kept, floor: datetime, planned: Plan) -> bool:
        """Read blocks, and row by row what is not sealed. Say whether that could be done."""
        room, full = self._room(kept, planned), False
        if room < planned.expected:
            # Not more than there is memory for, and from a known moment on all of it.
            last = history_rows.floor_of_last(kept.use_case, max(1, len(kept.decisions) + room))
            floor, full = max(floor, last or floor), True
            planned = history_blocks.plan(kept.use_case, floor, kept.floor) or NOTHING
        kept.progress = Progress(0, planned.expected, loading=True)

        def told(read: int) -> None:
            kept.progress = Progress(read, max(planned.expected, read), loading=True)

        load = Load(kept.use_case, floor, kept.floor, told)
        try:
            older = history_blocks.load(planned, load)
        finally:
            kept.read += load.read
            kept.progress = Progress(load.read, max(planned.expected, load.read))
        if older is None:
            return False
        kept.decisions = chained([older, kept.decisions]) if len(kept.decisions) else older
        kept.floor, kept.full = floor, full
        kept.cuts.clear()
        self._trim(kept)
        self._seal(kept, planned.unsealed)
        return True

    def _room(self, kept: _Kept, planned: Plan) -> int:
        """Return for how many decisions there is memory left; a little stays free, so that nothing is cut again."""
        return int(0.95 * max(0, self.budget_bytes - kept.bytes)) // (planned.memory + REPLAYS)

    def _seal(self, kept: _Kept, unsealed: int) -> None:
        """Have sealed what took long to read, so that the next process need not."""
        if unsealed >= MOST_UNSEALED:
            follow_up.seal(kept.use_case)


def _micros(at: datetime) -> int:
    return (at - moment(0)) // timedelta(microseconds=1)


SHARED: Final = Histories()
