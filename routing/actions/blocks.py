"""Seals decisions: what the console received some time ago is written once more, as blocks of columns.

A history of a million decisions is then read in seconds. Nothing depends on it: what is not sealed is read row by row,
and a block that does not hold what the table holds counts for nothing and is made anew.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from routing import history_rows
from routing.models import Block

# Fewer are read row by row in no time, and blocks of a few would be many.
LEAST: Final = 10_000
# Sealed in one transaction, which takes some seconds; so long the watermark of all histories stays.
MOST: Final = 200_000
LOCK: Final = 7_301_847
# The moment of receipt after which an interval holds as many decisions as one run should.
EDGE: Final = """
SELECT received_at FROM routing_decision WHERE use_case = %s AND received_at >= %s AND received_at < %s
 ORDER BY received_at OFFSET %s LIMIT 1
"""
NEXT: Final = """
SELECT min(received_at) FROM routing_decision WHERE use_case = %s AND received_at > %s AND received_at < %s
"""


def seal(use_case: str, *, least: int | None = None, most: int = MOST) -> int:
    """Seal what has been received and is not sealed, `least` decisions at least (`LEAST`); return how many were.

    Safe to repeat, to run twice at a time and to be cut off: a run is written whole or not at all. Blocks that hold
    something else than the table are deleted first.
    """
    total = 0
    while True:
        with transaction.atomic():
            if not _locked(use_case):
                return total
            if not total:
                _tidy(use_case)
            found = next(_unsealed(use_case, LEAST if least is None else least, most), None)
            if found is None:
                return total
            total += _seal(use_case, *found)


def _locked(use_case: str) -> bool:
    """Say whether nobody else seals this use case; to the end of the transaction nobody will."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [LOCK, use_case])
        return bool(cursor.fetchone()[0])


def _tidy(use_case: str) -> None:
    """Delete the blocks that must not be read: something was deleted of what they hold, or nobody can read them."""
    from routing.history_blocks import runs, valid

    found = runs(use_case)
    kept = {run.since for run in valid(use_case, found)}
    lost = [block.id for run in found if run.since not in kept for block in run.blocks]
    if lost:
        Block.objects.filter(id__in=lost).delete()


def _unsealed(use_case: str, least: int, most: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield intervals of receipt that are worth a run, none of them with much more than `most` decisions."""
    from routing.history_blocks import gaps_between, runs

    seen = history_rows.watermark()
    for since, end in gaps_between(runs(use_case)):
        until = min(end, seen)
        if since < until and history_rows.received_count(use_case, since, until) >= max(1, least):
            yield since, _edge(use_case, since, until, most)


def _edge(use_case: str, since: datetime, until: datetime, most: int) -> datetime:
    """Return where a run ends that has `most` decisions or few more: those of one moment stay together."""
    with connection.cursor() as cursor:
        cursor.execute(EDGE, [use_case, since, until, most])
        row = cursor.fetchone()
        if row is None:
            return until
        cursor.execute(EDGE, [use_case, since, until, 0])
        if cursor.fetchone()[0] < row[0]:
            return _moment(row[0])
        cursor.execute(NEXT, [use_case, row[0], until])
        after = cursor.fetchone()[0]
    return until if after is None else _moment(after)


def _moment(found: object) -> datetime:
    assert isinstance(found, datetime)
    return found


def _seal(use_case: str, since: datetime, until: datetime) -> int:
    """Write the blocks of one run; return how many decisions they hold."""
    from routing.history_sealing import sealed

    made = list(sealed(use_case, since, until))
    Block.objects.bulk_create(made, batch_size=8)
    return sum(block.count for block in made)
