"""Keeps the decisions' table in monthly partitions, some months ahead.

Ids are UUIDv7: their first 48 bits are the time in milliseconds, so a month is a range of ids. What falls outside
every month (older logs, ids of other kinds) lives in the default partition.
"""

from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

MONTHS_AHEAD = 3
MOVE = """
WITH moved AS (DELETE FROM routing_decision_other WHERE id >= %s AND id < %s RETURNING *)
INSERT INTO {name} SELECT * FROM moved"""
LOCK = 7_301_846  # any number, the same everywhere: two processes never cut the same month


def ensure(now: datetime | None = None, *, months_ahead: int = MONTHS_AHEAD) -> list[str]:
    """Create the partitions of this month and the following; return the names of new ones."""
    start = (now or timezone.now()).astimezone(UTC)
    months = [_month(start.year, start.month + offset) for offset in range(months_ahead + 1)]
    return [_name(month) for month in months if _create(month)]


def _month(year: int, month: int) -> datetime:
    """Return the first moment of a month; months beyond twelve run into the next year."""
    return datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC)


def _name(month: datetime) -> str:
    return f"routing_decision_{month:%Y_%m}"


def lowest_id(at: datetime) -> UUID:
    """Return the lowest id that can have been made at a time."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def _create(month: datetime) -> bool:
    name = _name(month)
    bounds = [lowest_id(month), lowest_id(_month(month.year, month.month + 1))]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone()[0]:
            return False
        # Rows that came before their partition wait in the default one, which must be rid of them first.
        cursor.execute("LOCK TABLE routing_decision_other IN ACCESS EXCLUSIVE MODE")
        cursor.execute(
            f"CREATE TABLE {name} (LIKE routing_decision INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )
        cursor.execute(MOVE.format(name=name), bounds)
        low, high = bounds
        cursor.execute(
            f"ALTER TABLE routing_decision ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')"
        )
    return True
