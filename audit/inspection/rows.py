"""Read links with their events, in bytes as the database holds them, and tell which are sound.

There are a million rows: nearly all are sound, so the way to see that is short, and makes no text of what is there.
What is wrong with the others is found out in `ranges`, which reads a `Row`.
"""

import json
from binascii import hexlify
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.types.string import ByteaBinaryLoader

from audit import leaves
from audit.canonical import NotCanonical, canonical, text_bytes
from audit.inspection.faults import named

Stored = tuple[Any, ...]  # a row as read: numbers are int, everything else is bytes or None

# Times come as PostgreSQL spells them itself, which costs a third of what `to_char` does.
ROWS = """
SELECT l.seq, l.event_id, l.leaf, l.head, e.id, e.uid::text, (e.at AT TIME ZONE 'UTC')::text, e.kind, e.actor_kind,
    e.entry_point, e.request_id, e.use_case, e.version::text, e.actor, e.new::text, e.old::text, e.reason, e.sentence,
    e.salts, e.digests, (e.erased_at AT TIME ZONE 'UTC')::text, e.erased_by
FROM audit_link l LEFT JOIN audit_event e ON e.id = l.event_id
WHERE l.seq > {} AND l.seq <= {} ORDER BY l.seq
"""
BATCH = 256  # rows held at a time: each may carry two whole documents
# A stretch is a small part of the record: its events are found one by one, whatever the planner thinks of that.
READING = (
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "max_parallel_workers_per_gather = 0",
    "DateStyle = ISO",
)

SALTS = leaves.SALT * len(leaves.ERASABLE)
MICROSECONDS = len("2026-01-01 00:00:00.000001")
SECONDS = len("2026-01-01 00:00:00")
ESCAPED = bytes(range(0x20)) + b'"\\'  # what JSON does not spell as it is
NULL = canonical(None)
SHORT = 512  # bytes of a JSON value that is worth remembering: what is new in one event is old in the next
TELLS = leaves.ERASURE.encode()


class Row(NamedTuple):
    """A link and the event it points to, as texts; of a missing event everything is None."""

    seq: int
    event_id: int
    leaf: bytes
    head: bytes
    id: int | None
    uid: str
    at: str
    kind: str
    actor_kind: str
    entry_point: str
    request_id: str
    use_case: str
    version: int | None
    actor: str
    new: str | None
    old: str | None
    reason: str
    sentence: str
    salts: bytes
    digests: bytes
    erased_at: str | None
    erased_by: str

    @classmethod
    def of(cls, stored: Stored) -> "Row":
        """Make texts of what was read."""
        row = cls(*stored)
        texts: dict[str, Any] = {
            name: value.decode(errors="backslashreplace")
            for name, value in row._asdict().items()
            if isinstance(value, bytes) and name not in ("leaf", "head", "salts", "digests")
        }
        for name in ("at", "erased_at"):
            if name in texts:
                texts[name] = _moment(texts[name].encode()).decode()
        if "version" in texts:
            texts["version"] = int(texts["version"])
        return row._replace(**texts)

    @property
    def name(self) -> str:
        return named(self.event_id, self.at, self.sentence)


def batches(connection: psycopg.Connection[Any], first: int, end: int) -> Iterator[list[Stored]]:
    """Read links `first` + 1 to `end` and their events, in order, some at a time."""
    query = sql.SQL(ROWS).format(sql.Literal(first), sql.Literal(end))
    with psycopg.Cursor(connection) as cursor:  # of its own: a caller’s may be one without binary results
        for kind in ("text", "varchar"):
            cursor.adapters.register_loader(kind, ByteaBinaryLoader)
        batch = []
        for row in cursor.stream(query, binary=True, size=BATCH):
            batch.append(row)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def unsound(rows: Iterable[Stored]) -> Iterator[Stored]:
    """Yield the rows that are not as they were sealed, and those that erasures have to do with."""
    for row in rows:
        try:
            if not _is_sound(row):
                yield row
        except (TypeError, ValueError, AttributeError):  # a column without a value, or a value that is none
            yield row


def _is_sound(row: Stored) -> bool:
    """Hold each value against its commitment, and all that is sealed against the leaf."""
    # fmt: off
    (_, _, leaf, _, _, uid, at, kind, actor_kind, entry_point, request_id, use_case, version,
     actor, new, old, reason, sentence, salts, digests, erased_at, erased_by) = row
    # fmt: on
    if erased_at or erased_by or kind == TELLS or NULL in (new, old) or len(salts) != SALTS:
        return False
    texts = b"".join((kind, actor_kind, entry_point, request_id, use_case, actor, reason, sentence))
    if len(texts.translate(None, ESCAPED)) != len(texts):
        texts_of = kind, actor_kind, entry_point, request_id, use_case, actor, reason, sentence
        kind, actor_kind, entry_point, request_id, use_case, actor, reason, sentence = map(_escaped, texts_of)
    commitments = (
        sha256(salts[:16] + b'"' + actor + b'"').digest()
        + sha256(salts[16:32] + (NULL if new is None else _spelled(new))).digest()
        + sha256(salts[32:48] + (NULL if old is None else _spelled(old))).digest()
        + sha256(salts[48:64] + b'"' + reason + b'"').digest()
        + sha256(salts[64:] + b'"' + sentence + b'"').digest()
    )
    if commitments != digests:
        return False
    told, at = hexlify(digests), _moment(at)
    # As `leaves.content_bytes` spells it.
    # fmt: off
    content = b"".join((
        b'\x00{"actor_kind":"', actor_kind, b'","at":"', at,
        b'","digests":{"actor":"', told[:64], b'","new":"', told[64:128], b'","old":"', told[128:192],
        b'","reason":"', told[192:256], b'","sentence":"', told[256:],
        b'"},"entry_point":"', entry_point, b'","kind":"', kind, b'","request_id":"', request_id,
        b'","uid":"', uid, b'","use_case":"', use_case, b'","v":1,"version":', version or NULL, b"}",
    ))
    # fmt: on
    return bool(sha256(content).digest() == leaf)


def _moment(at: bytes) -> bytes:
    """Spell a time as it is sealed; one that could not be sealed stays as it is."""
    if len(at) == MICROSECONDS:
        return at[:10] + b"T" + at[11:] + b"Z"
    if at[10:11] != b" " or at.endswith(b"BC"):
        return at
    fraction = at[SECONDS + 1 :].ljust(6, b"0")
    return at[:10] + b"T" + at[11:SECONDS] + b"." + fraction + b"Z"


def _escaped(text: bytes) -> bytes:
    return text_bytes(text.decode())[1:-1]


def _spelled(stored: bytes) -> bytes:
    return _remembered(stored) if len(stored) <= SHORT else _canonical(stored)


def _canonical(stored: bytes) -> bytes:
    return canonical(json.loads(stored.decode()))


_remembered = lru_cache(4096)(_canonical)

assert issubclass(NotCanonical, ValueError)
