"""A small record, and what its inspection says."""

from typing import Any

import psycopg
from django.db import connection

from audit import log
from audit.inspection.faults import Fault
from audit.inspection.whole import Report, inspect
from audit.keys import audit_key
from audit.models import Event

OPS = log.System("ops")


def write(number: int = 0, **other: Any) -> Event:
    """Record one event, of no use case or of every second one."""
    fields: dict[str, Any] = {
        "kind": "version.applied",
        "sentence": f"Answer from 0.{number} instead of 0.85.",
        "by": OPS,
        "use_case": f"case-{number}" if number % 2 else "",
        "version": number or None,
        "reason": "Complaints rise.",
        "old": {"bands.answer.from": 0.85, "state": "live"},
        "new": {"bands.answer.from": number / 100, "state": "live", "é": [1e-7, None, "\u2028"]},
    }
    return log.record(**fields | other)


def seal() -> None:
    """Do what a commit does to the events so far, within a test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def execute(query: str, values: Any = None) -> list[tuple[Any, ...]]:
    """Run a statement as somebody would who reaches the database."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def unguarded() -> None:
    """Take every guard off, as the tables' owner can."""
    for table in ("event", "link", "subtree", "checkpoint"):
        execute(f"ALTER TABLE audit_{table} DISABLE TRIGGER ALL")


def raw() -> psycopg.Connection[Any]:
    """The test's own connection, with what it has not committed."""
    connection.ensure_connection()
    held: psycopg.Connection[Any] | None = connection.connection
    assert held is not None
    return held


def inspected() -> Report:
    return inspect(raw(), [audit_key().public_key()])


def faults() -> list[Fault]:
    return inspected().faults
