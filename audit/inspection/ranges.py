"""Inspect one stretch of the chain: its events against their commitments and leaves, its links against one another.

A stretch is read and judged some rows at a time, most of them by the short way of `rows`; what is wrong with an unsound
one is found out here.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

import psycopg

from audit import leaves, merkle
from audit.canonical import NotCanonical
from audit.inspection import rows
from audit.inspection.faults import Fault, numbers
from audit.inspection.rows import Row, Stored

BLOCK = 1024  # leaves of a subtree
STRETCH = 4 * BLOCK
# How times are told.
MOMENT = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || CASE WHEN {0} < '0001-01-01' THEN ' BC' ELSE '' END"""


class Erased(NamedTuple):
    """Fields of an event that are empty, and who is said to have emptied them; or what an erasing event tells."""

    uid: str
    fields: tuple[str, ...]
    at: str | None
    by: str | None
    seq: int
    event: int
    name: str


@dataclass(slots=True)
class Found:
    """What one stretch holds. `blocks`: roots by number of 1,024 leaves; `tails`, `heads`: at the sizes asked for."""

    first: int
    events: int = 0
    faults: list[Fault] = field(default_factory=list)
    blocks: dict[int, bytes] = field(default_factory=dict)
    tails: dict[int, bytes | None] = field(default_factory=dict)
    heads: dict[int, bytes] = field(default_factory=dict)
    erased: list[Erased] = field(default_factory=list)
    told: list[Erased] = field(default_factory=list)


def inspect_stretch(
    connection: psycopg.Connection[Any], first: int, *, last: bool, sizes: Sequence[int]
) -> Found:
    """Inspect links `first` + 1 to `first` + STRETCH; `last`: none come after, so the stretch may end early.

    `sizes`: of the checkpoints that end in this stretch.
    """
    found = Found(first)
    chain = _Chain(found, _head_at(connection, first))
    events = _Events(found)
    for batch in rows.batches(connection, first, first + STRETCH):
        chain.follow(batch)
        events.inspect(batch)
    chain.close(first + STRETCH if not last else None, sizes)
    return found


def _head_at(connection: psycopg.Connection[Any], seq: int) -> bytes | None:
    if seq == 0:
        return leaves.GENESIS
    row = connection.execute("SELECT head FROM audit_link WHERE seq = %s", [seq]).fetchone()
    return row[0] if row else None


class _Chain:
    """Follows the links: no number is missing or there twice, and each head is made of the one before and the leaf."""

    def __init__(self, found: Found, head: bytes | None) -> None:
        self.found, self.seq, self.head = found, found.first, head
        self.stored: bytes | None = None  # head of the link before, where it is not the computed one
        self.hashes: list[bytes] = []
        self.heads: list[bytes] = []

    def follow(self, batch: Sequence[Stored]) -> None:
        """Take the next links: a run of sound ones in one go, another one by itself."""
        at = 0
        while at < len(batch):
            if self.head is not None and self.stored is None:
                at += self._run(batch[at:] if at else batch)
            if at < len(batch):
                self._mend(Row.of(batch[at]))
                at += 1

    def _run(self, batch: Sequence[Stored]) -> int:
        """Take links for as long as each follows from the one before; return how many."""
        seq, head, begun = self.seq, self.head, len(self.heads)
        assert head is not None
        for row in batch:
            if row[0] != seq + 1 or sha256(head + row[2]).digest() != row[3]:
                break
            seq, head = row[0], row[3]
            self.hashes.append(row[2])
            self.heads.append(head)
        self.seq, self.head = seq, head
        return len(self.heads) - begun

    def _mend(self, row: Row) -> None:
        """Say what is wrong with a link, and go on from what it says."""
        if row.seq <= self.seq:
            self._fault("fork", f"there are two links with number {row.seq}: the chain is forked", row)
            return
        if row.seq > self.seq + 1:
            self.missing(row.seq - 1)
        before = [head for head in (self.head, self.stored) if head is not None]
        heads = [leaves.head(head, row.leaf) for head in before]
        self.stored = None
        if heads and row.head not in heads:
            text = f"the chain breaks at number {row.seq}: its head is not made of the one before and its leaf, so one"
            self._fault(
                "chain", f"{text} of them was changed, or rows were exchanged, removed or put in", row
            )
            self.stored, self.head = row.head, heads[0]
        else:
            self.head = row.head
        self.seq = row.seq
        self.hashes.append(row.leaf)
        self.heads.append(row.head)

    def missing(self, until: int) -> None:
        """Say that links are missing up to and with a number; nothing is known of the head there."""
        text = f"{numbers(self.seq + 1, until)} of the record are missing: the links were removed"
        self.found.faults.append(Fault("missing link", text, seq=self.seq + 1))
        # What stands in for them fits nothing: the subtree and checkpoints over them are found not to fit.
        self.hashes += [bytes(leaves.DIGEST)] * (until - self.seq)
        self.heads += [bytes(leaves.DIGEST)] * (until - self.seq)
        self.seq, self.head, self.stored = until, None, None

    def close(self, end: int | None, sizes: Sequence[int]) -> None:
        """Make the roots of this stretch, once its last link is taken."""
        if end is not None and self.seq < end:
            self.missing(end)
        first, found = self.found.first, self.found
        wanted = [size for size in sizes if size <= self.seq]
        for start in range(0, len(self.hashes), BLOCK):
            over = merkle.levels(self.hashes[start : start + BLOCK])
            begin, count = first + start, len(over[0])
            if count == BLOCK:
                found.blocks[begin // BLOCK] = over[-1][0]
            for size in wanted:
                if begin < size < begin + BLOCK:
                    found.tails[size] = merkle.root_of_first(size - begin, over)
                elif size == begin + BLOCK:
                    found.tails[size] = None
        found.heads |= {size: self.heads[size - first - 1] for size in wanted}

    def _fault(self, kind: str, text: str, row: Row) -> None:
        self.found.faults.append(Fault(kind, f"{text}; it is that of {row.name}", row.seq, row.event_id))


class _Events:
    """Judges events: each value against its commitment, and all that is sealed against the leaf."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def inspect(self, batch: Sequence[Stored]) -> None:
        """Judge events by the shortest way; whatever is unusual about one is looked at apart."""
        self.found.events += len(batch)
        for stored in rows.unsound(batch):
            self._look(Row.of(stored))

    def _look(self, row: Row) -> None:
        if row.id is None:
            text = f"event {row.event_id}, number {row.seq} of the record, is missing: it was deleted"
            self._fault("missing event", text, row)
            return
        changed, gone = _changed(row)
        for name in changed:
            text = (
                f"{row.name}: {name} is not what was written (the value, its salt or its digest was changed)"
            )
            self._fault("value", text, row)
        if not _fits_leaf(row):
            text = f"{row.name}, number {row.seq} of the record, is not what was sealed there"
            what = (
                f"one of {', '.join(leaves.PLAIN)}, a digest or the leaf was changed, or rows were exchanged"
            )
            self._fault("leaf", f"{text}: {what}", row)
        if gone or row.erased_at or row.erased_by:
            self.found.erased.append(
                Erased(row.uid, gone, row.erased_at, row.erased_by, row.seq, row.event_id, row.name)
            )
        if row.kind == leaves.ERASURE and "new" not in (*changed, *gone):
            self._told(row, "actor" in gone)

    def _told(self, row: Row, anonymous: bool) -> None:
        """Keep what an erasing event tells of the one it erased."""
        told = json.loads(row.new or "null")
        if isinstance(told, dict) and isinstance(told.get("fields"), list):
            by = None if anonymous else row.actor
            fields = tuple(told["fields"])
            self.found.told.append(
                Erased(told.get("event", ""), fields, row.at, by, row.seq, row.event_id, row.name)
            )

    def _fault(self, kind: str, text: str, row: Row) -> None:
        self.found.faults.append(Fault(kind, text, row.seq, row.event_id))


def _fits_leaf(row: Row) -> bool:
    try:
        return leaves.leaf(leaves.content_bytes(leaves.Plain(*row[5:13]), row.digests)) == row.leaf
    except (TypeError, AttributeError):  # a column without a value, or a time without end
        return False


def _changed(row: Row) -> tuple[list[str], tuple[str, ...]]:
    """Return the fields whose values do not fit their digests, and those that are erased."""
    sizes = (len(row.salts or b""), len(row.digests or b""))
    if sizes != (leaves.SALT * len(leaves.ERASABLE), leaves.DIGEST * len(leaves.ERASABLE)):
        return list(leaves.ERASABLE), ()
    changed, gone = [], []
    parts = zip(leaves.ERASABLE, leaves.split(row.salts), leaves.split(row.digests), strict=True)
    for name, salt, digest in parts:
        stored = getattr(row, name)
        value = _value(stored) if name in ("new", "old") else stored
        if salt == leaves.ERASED and stored == leaves.EMPTY[name]:
            gone.append(name)
        elif value is _UNREADABLE or _commitment(salt, value) != digest:
            changed.append(name)
    return changed, tuple(gone)


_UNREADABLE = object()


def _value(stored: str | None) -> Any:
    """Read JSON as stored. An absent value is stored as absent: a JSON null in its place was put there."""
    try:
        value = None if stored is None else json.loads(stored)
    except ValueError:
        return _UNREADABLE
    return _UNREADABLE if value is None and stored is not None else value


def _commitment(salt: bytes, value: Any) -> bytes | None:
    try:
        return leaves.commitment(salt, value)
    except NotCanonical:
        return None
