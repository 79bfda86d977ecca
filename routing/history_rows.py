"""Decisions out of PostgreSQL for a replay: COPY in chunks, newest first, each with the verdict that counts.

Rows come in the order of the index (time descending, id ascending), so that no chunk sorts and the newest are there
first. What is new since a moment is found by when the console received it, never by when it says that it happened.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

# Rows are objects only until their chunk is made columns of.
CHUNK: Final = 20_000
# Parsed at once. Reading JSON lets no other thread run, and streams to assistants live in this process too.
BATCH: Final = 500

# A source is a person's verdict if it says so. A customer's silence or word is none, nor a model's on a model.
PEOPLE: Final = r"\m(audit|auditor|desk|expert|human|import|label|people|person|review|reviewer)\M"
NOT_PEOPLE: Final = r"\m(ai|auto|automatic|bot|caller|customer|judge|llm|machine|model|user)\M"

FIELDS: Final = (
    "id",
    "request_id",
    "micros",
    "attributes",
    "model",
    "tried",
    "confidence",
    "signal",
    "action",
    "audited",
    "audit_share",
    "holdout",
    "signals",
    "correct",
)
COLUMNS: Final = """
SELECT json_build_array(d.id, d.request_id, (extract(epoch FROM d.at) * 1000000)::bigint, d.attributes, d.model,
       d.tried, d.confidence, d.signal, d.action, d.audited, d.audit_share, d.holdout, d.signals,"""
# A verdict on an answer that went out unaudited came because somebody complained: it is not looked for. Where a verdict
# names its decision, the use case is compared as an expression: without statistics an index on use cases would look as
# good as the one on decisions.
SELECT: Final = f"""{COLUMNS} word.correct)
  FROM routing_decision d
  LEFT JOIN LATERAL (
       SELECT given.correct FROM (
              SELECT o.id, o.at, o.correct, o.source FROM routing_outcome o
               WHERE o.decision_id = d.id AND o.use_case || '' = d.use_case
              UNION ALL
              SELECT o.id, o.at, o.correct, o.source FROM routing_outcome o
               WHERE o.decision_id IS NULL AND o.use_case = d.use_case AND o.request_id = d.request_id) given
        WHERE (d.audited OR d.action <> 'answer')
          AND given.source ~* %(people)s AND given.source !~* %(not_people)s
        ORDER BY given.at DESC, given.id DESC LIMIT 1) word ON true
"""  # noqa: S608 - made of the constants above
UNJUDGED: Final = f"{COLUMNS} NULL) FROM routing_decision d"
PAGE: Final = """
 WHERE d.use_case = %(use_case)s AND d.at >= %(floor)s AND d.at <= %(at)s AND (d.at < %(at)s OR d.id > %(id)s)
 ORDER BY d.at DESC, d.id LIMIT %(limit)s
"""
RECEIVED: Final = """
 WHERE d.use_case = %(use_case)s AND d.received_at >= %(since)s AND d.received_at < %(until)s
   AND d.at >= %(floor)s AND d.at < %(before)s
 ORDER BY d.at DESC, d.id
"""
RECEIVED_COUNT: Final = """
SELECT count(*) FROM routing_decision
 WHERE use_case = %s AND received_at >= %s AND received_at < %s AND at >= %s AND at < %s
"""
NEWS: Final = """
 WHERE d.use_case = %(use_case)s AND d.at >= %(floor)s AND d.id = ANY(ARRAY(
       SELECT id FROM routing_decision WHERE use_case = %(use_case)s AND received_at >= %(since)s
       UNION SELECT decision_id FROM routing_outcome
              WHERE use_case = %(use_case)s AND received_at >= %(since)s AND decision_id IS NOT NULL
       UNION SELECT asked.id FROM routing_outcome o
               JOIN routing_decision asked ON asked.use_case = o.use_case AND asked.request_id = o.request_id
              WHERE o.use_case = %(use_case)s AND o.received_at >= %(since)s AND o.decision_id IS NULL))
 ORDER BY d.at DESC, d.id
"""
NEWS_COUNT: Final = """
SELECT (SELECT count(*) FROM routing_decision WHERE use_case = %(use_case)s AND received_at >= %(since)s)
     + (SELECT count(*) FROM routing_outcome WHERE use_case = %(use_case)s AND received_at >= %(since)s)
"""
# What a transaction that is still under way will have received has its start as time. A second for its bookkeeping.
WATERMARK: Final = """
SELECT least(now(), min(xact_start)) - interval '1 second'
  FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL
"""
FLOOR: Final = """
SELECT at FROM routing_decision WHERE use_case = %s ORDER BY at DESC, id OFFSET %s LIMIT 1
"""
COUNT: Final = "SELECT count(*) FROM routing_decision WHERE use_case = %s AND at >= %s AND at < %s"

BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
END: Final = datetime(9999, 1, 1, tzinfo=UTC)
LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows as `routing.replay.building` takes them, oldest first, and their times in microseconds since 1970."""

    rows: list[dict[str, Any]]
    micros: list[int]


def let_go() -> None:
    """Give the connection back, where no transaction needs it: who waits must not keep a kill from having one."""
    if not connection.in_atomic_block:
        connection.close()


def watermark() -> datetime:
    """Return a moment before which everything received can be seen by now."""
    found = _one(WATERMARK, [])
    assert isinstance(found, datetime)
    return found


def floor_of_last(use_case: str, count: int) -> datetime | None:
    """Return when the `count`-th newest decision was made; None where there are fewer."""
    found = _one(FLOOR, [use_case, count - 1])
    assert found is None or isinstance(found, datetime)
    return found


def count(use_case: str, floor: datetime, before: datetime) -> int:
    """Return how many decisions were made between two moments."""
    found = _one(COUNT, [use_case, floor, before])
    assert isinstance(found, int)
    return found


def pages(use_case: str, floor: datetime, before: datetime, most: int = CHUNK) -> Iterator[Chunk]:
    """Yield decisions from `floor` on and before `before`, newest first, `most` at a time."""
    # No id comes after the last one, so nothing of the moment `before` itself is read.
    place = {"at": before, "id": LAST_ID}
    while True:
        chunk = _copied(PAGE, {"use_case": use_case, "floor": floor, "limit": most, **place})
        if chunk.rows:
            yield chunk
        if len(chunk.rows) < most:
            return
        place = {"at": moment(chunk.micros[0]), "id": chunk.rows[0]["id"]}


def received(
    use_case: str,
    interval: tuple[datetime, datetime],
    floor: datetime = BEGINNING,
    before: datetime = END,
    *,
    judged: bool = True,
) -> Iterator[Chunk]:
    """Yield decisions that were received in an interval and made between two moments, newest first, in chunks.

    Without `judged` no verdict is looked for.
    """
    since, until = interval
    values = {"use_case": use_case, "since": since, "until": until, "floor": floor, "before": before}
    yield from _streamed((SELECT if judged else UNJUDGED) + RECEIVED, values, CHUNK)


def received_count(
    use_case: str, since: datetime, until: datetime, floor: datetime = BEGINNING, before: datetime = END
) -> int:
    """Return how many decisions `received` yields."""
    found = _one(RECEIVED_COUNT, [use_case, since, until, floor, before])
    assert isinstance(found, int)
    return found


def news_count(use_case: str, since: datetime) -> int:
    """Return how many decisions and verdicts were received since a moment."""
    with connection.cursor() as cursor:
        cursor.execute(NEWS_COUNT, {"use_case": use_case, "since": since})
        return int(cursor.fetchone()[0])


def news(use_case: str, floor: datetime, since: datetime) -> Chunk:
    """Return decisions that were received, or got a verdict, since a moment; older ones come again."""
    return _copied(NEWS, {"use_case": use_case, "floor": floor, "since": since})


def moment(micros: int) -> datetime:
    """Return a time from microseconds since 1970, exactly."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _copied(where: str, values: dict[str, Any]) -> Chunk:
    chunks = list(_streamed(SELECT + where, values, None))
    return chunks[0] if chunks else Chunk([], [])


def _streamed(query: str, values: dict[str, Any], most: int | None) -> Iterator[Chunk]:
    """Yield what a query gives, `most` rows at a time (None: all at once), each chunk in order of time."""
    values = values | {"people": PEOPLE, "not_people": NOT_PEOPLE}
    rows: list[dict[str, Any]] = []
    waiting: list[bytes] = []
    with _by_index(), connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT", values) as copy:
        for data in copy:
            waiting.append(bytes(data))
            if len(waiting) >= BATCH or (most and len(rows) + len(waiting) >= most):
                rows += _parsed(waiting)
                waiting.clear()
            if most and len(rows) >= most:
                yield _chunk(rows)
                rows = []
    rows += _parsed(waiting)
    if rows:
        yield _chunk(rows)


@contextmanager
def _by_index() -> Iterator[None]:
    """Have each verdict looked up by its index.

    Where the statistics are from before an import, verdicts look few, and reading all of them for each decision looks
    cheap: seconds become minutes.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        yield
        cursor.execute("SET LOCAL enable_seqscan TO DEFAULT")


def _chunk(rows: list[dict[str, Any]]) -> Chunk:
    rows.reverse()
    return Chunk(rows, [row["micros"] for row in rows])


def _parsed(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """Read rows as COPY writes them: a JSON array a line, backslashes doubled, no raw newline inside."""
    joined = b"".join(lines).replace(b"\\\\", b"\\").rstrip(b"\n").replace(b"\n", b",")
    for values in json.loads(b"[" + joined + b"]"):
        row = dict(zip(FIELDS, values, strict=True))
        row["at"] = row["micros"] // 1000
        if row["correct"] is not None:
            row["outcome"] = {"correct": row["correct"]}
        yield row


def _one(statement: str, values: list[Any]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return row[0] if row else None
