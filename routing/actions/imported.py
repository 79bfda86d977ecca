"""Stores decisions of a log from elsewhere, a batch at a time: COPY, then one INSERT that counts nothing twice.

`Staging` keeps two temporary tables for one run on one connection: the batch, and every id of the file so far, so that
a request that is twice in a file is found without holding a million ids in memory.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import Error, connection

from routing.actions import outcomes
from routing.actions.decisions import COLUMNS, NAMES
from routing.imports.deciding import Imported
from routing.imports.records import INSTANCE

_TYPES = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
CREATE: Final = (
    "DROP TABLE IF EXISTS import_row, import_seen",
    f"CREATE TEMPORARY TABLE import_row (line integer, {_TYPES})",
    "CREATE TEMPORARY TABLE import_seen (id uuid PRIMARY KEY, line integer)",
)
COPY: Final = f"COPY import_row (line, {NAMES}) FROM STDIN"
SEE: Final = """
INSERT INTO import_seen (id, line) SELECT id, line FROM import_row ORDER BY line
ON CONFLICT (id) DO NOTHING RETURNING line
"""
TWICE: Final = """
SELECT r.line, s.line FROM import_row r JOIN import_seen s USING (id)
WHERE r.line <> s.line AND r.line = ANY(%s) ORDER BY 1
"""
# In the order of ids: two imports of overlapping files must not wait for each other in a circle.
INSERT: Final = f"""
INSERT INTO routing_decision ({NAMES}, received_at) SELECT {NAMES}, now() FROM import_row ORDER BY id
ON CONFLICT (id) DO NOTHING RETURNING id
"""  # noqa: S608 - made of the constants above
THERE: Final = "SELECT count(*) FROM import_row JOIN routing_decision USING (id)"


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch. `twice`: line and the line before it with the same request, which counts."""

    new: int = 0
    already: int = 0
    judged: int = 0
    twice: Sequence[tuple[int, int]] = field(default_factory=list)


@contextmanager
def staging() -> Iterator[None]:
    """Hold the temporary tables of one run; other connections never see them."""
    with connection.cursor() as cursor:
        for statement in CREATE:
            cursor.execute(statement)
    try:
        yield
    finally:
        # After a lost connection they are gone anyway, and in a broken transaction they go with it.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute(CREATE[0])


def store(rows: Sequence[Imported], *, dry_run: bool = False) -> Stored:
    """Store a batch in the caller's transaction; `dry_run` only finds out what would be new."""
    if not rows:
        return Stored()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE import_row")
        with cursor.copy(COPY) as copy:
            for row in rows:
                decision = row.decision
                copy.write_row([row.line, *[decision[name] for name in COLUMNS]])
        cursor.execute(SEE)
        twice = _twice(cursor, rows, {line for (line,) in cursor.fetchall()})
        count = len(rows) - len(twice)
        if dry_run:
            cursor.execute(THERE)
            already = int(cursor.fetchone()[0])
            return Stored(count - already, already, 0, twice)
        cursor.execute(INSERT)
        new = {str(identity) for (identity,) in cursor.fetchall()}
    lost = {line for line, _ in twice}
    told = [row for row in rows if row.decision["id"] in new and row.line not in lost]
    return Stored(len(new), count - len(new), _judge(told), twice)


def _twice(cursor: Any, rows: Sequence[Imported], kept: set[int]) -> list[tuple[int, int]]:
    """Take requests out of the batch that were in the file before; return their lines and those before."""
    lost = [row.line for row in rows if row.line not in kept]
    if not lost:
        return []
    cursor.execute(TWICE, [lost])
    found = [(int(line), int(before)) for line, before in cursor.fetchall()]
    cursor.execute("DELETE FROM import_row WHERE line = ANY(%s)", [lost])
    return found


def _judge(rows: Sequence[Imported]) -> int:
    """Store what is known of new decisions' answers."""
    words = [
        outcomes.Word(
            use_case=row.decision["use_case"],
            correct=row.correct,
            source=INSTANCE,
            at=datetime.fromisoformat(row.decision["at"]),
            decision_id=UUID(row.decision["id"]),
            request_id=row.decision["request_id"],
            corrected_answer=row.corrected_answer,
        )
        for row in rows
        if row.correct is not None
    ]
    return outcomes.store(words)
