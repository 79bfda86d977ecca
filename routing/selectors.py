"""Reads of the machines' side: how far a version has come, and what assistants are told.

What traffic looked like is in `routing.traffic`.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from routing.actions.rollouts import SILENT_AFTER, duration, heard_since
from routing.imports.records import INSTANCE as IMPORTED
from routing.models import Rollout, Target

SHOWN_FOR = timedelta(hours=24)
STOPPED_SHOWN_FOR = timedelta(minutes=15)
SPENT_SECONDS = 5.0


def rows(query: str, values: Any) -> list[dict[str, Any]]:
    """Run a query; return its rows by column name."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# How far a version has come


def convergence(use_case: str) -> dict[str, Any]:
    """Return what is desired of a use case and what each of its assistants holds and enforces, by its own last word.

    `status` of an assistant: `confirmed`, `pending`, `refused`, `silent`, `gone` (silent for longer than its lease)
    or `stopped`; `words` say the same to people. `seconds` is the time to convergence. Empty dict: nothing published.
    """
    target = Target.objects.filter(use_case=use_case).first()
    if target is None:
        return {}
    now = timezone.now()
    assistants = [_assistant(row, target, now) for row in rows(HOLDINGS, _holdings_of(target, now))]
    counted = [one for one in assistants if one["status"] not in ("gone", "stopped")]
    confirmed = [one for one in counted if one["confirmed"]]
    rollout = Rollout.objects.filter(use_case=use_case, version=target.version).first()
    converged_at = rollout.converged_at if rollout else None
    return {
        "use_case": use_case,
        "version": target.version,
        "digest": target.digest,
        "state": target.state,
        "desired_at": target.issued_at,
        "converged_at": converged_at,
        "seconds": rollout.seconds if rollout else None,
        "last_instance": rollout.last_instance if rollout else "",
        "expected": len(counted),
        "confirmed": len(confirmed),
        "laggards": [one["instance"] for one in counted if not one["confirmed"]],
        "words": _words(len(counted), len(confirmed), rollout),
        "assistants": assistants,
    }


HOLDINGS = """
SELECT h.assistant_id AS instance, h.version, h.digest, h.enforced, h.source, h.status, h.error, h.refused_version,
       h.acked_at, h.last_seen, a.started_at, a.stopped_at, a.software
FROM routing_holding h JOIN routing_assistant a ON a.instance = h.assistant_id
WHERE h.use_case = %(use_case)s AND h.last_seen > %(shown_since)s
  AND (a.stopped_at IS NULL OR a.stopped_at > %(stopped_since)s)
ORDER BY h.assistant_id
"""


def _holdings_of(target: Target, now: datetime) -> dict[str, Any]:
    return {
        "use_case": target.use_case,
        "shown_since": now - SHOWN_FOR,
        "stopped_since": now - STOPPED_SHOWN_FOR,
    }


def _assistant(row: dict[str, Any], target: Target, now: datetime) -> dict[str, Any]:
    confirmed = (row["version"], row["enforced"]) == (target.version, target.digest)
    status, words = _status(row, target, now, confirmed)
    return {
        "instance": row["instance"],
        "held": row["digest"],
        "held_version": row["version"],
        "enforced": row["enforced"],
        "status": status,
        "confirmed": confirmed and status == "confirmed",
        "words": words,
        "error": row["error"],
        "refused_version": row["refused_version"],
        "source": row["source"],
        "confirmed_at": row["acked_at"] if confirmed else None,
        "last_seen": row["last_seen"],
        "started_at": row["started_at"],
        "software": row["software"],
    }


def _status(row: dict[str, Any], target: Target, now: datetime, confirmed: bool) -> tuple[str, str]:
    """Say how an assistant stands, the worst thing first."""
    silence = now - row["last_seen"]
    said = f"Last heard of {duration(silence.total_seconds())} ago"
    if row["stopped_at"] is not None:
        return "stopped", "Stopped."
    if row["last_seen"] <= heard_since(target.lease_seconds, now):
        return "gone", f"{said}; its lease has run out, so it enforces its own fallback if it still runs."
    if silence > SILENT_AFTER:
        return "silent", f"{said}, on r{row['version']} then." if row["version"] else f"{said}."
    if confirmed:
        return "confirmed", f"Confirmed r{target.version}."
    if row["refused_version"] is not None and row["refused_version"] >= target.version:
        return "refused", f"Refused r{row['refused_version']}: {row['error'] or 'no reason given'}"
    if row["source"] in ("lease", "built_in"):
        return "pending", "Enforces its own baseline: it was alone for longer than its lease."
    return "pending", f"Still on r{row['version']}." if row["version"] else "Holds nothing yet."


def _words(expected: int, confirmed: int, rollout: Rollout | None) -> str:
    if expected == 0:
        return "No assistant is connected."
    if confirmed < expected:
        return f"{confirmed} of {expected} assistants confirmed."
    if rollout is None or rollout.seconds is None:
        return f"{expected} of {expected} assistants confirmed."
    return f"{expected} of {expected} assistants confirmed, the last after {duration(rollout.seconds)}."


# What assistants are told


def desired(use_cases: Iterable[str]) -> list[dict[str, Any]]:
    """Return version and digest that each use case should be at, and what it has spent today."""
    found = Target.objects.filter(use_case__in=set(use_cases)).values("use_case", "version", "digest")
    return [{**row, "spent_today_usd": spent_today(row["use_case"])} for row in found.order_by("use_case")]


_spent: dict[str, tuple[float, float]] = {}


def spent_today(use_case: str) -> float:
    """Return the money a use case has spent since midnight in the console's time zone; seconds old at most.

    Remembered for a moment, since every assistant asks with every heartbeat.
    """
    deadline, spent = _spent.get(use_case, (0.0, 0.0))
    if time.monotonic() < deadline:
        return spent
    midnight = timezone.localtime(timezone=timezone.get_default_timezone()).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    # Imported history was paid elsewhere; a log without times is of today, and must not end today's budget.
    query = (
        "SELECT COALESCE(sum(cost_usd), 0) AS spent FROM routing_decision"
        " WHERE use_case = %s AND at >= %s AND instance <> %s"
    )
    spent = float(rows(query, [use_case, midnight, IMPORTED])[0]["spent"])
    _spent[use_case] = (time.monotonic() + SPENT_SECONDS, spent)
    return spent


def use_cases_of_decisions(ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the use case of each of these decisions that is known."""
    found = (
        rows("SELECT id, use_case FROM routing_decision WHERE id = ANY(%s::uuid[])", [list(ids)])
        if ids
        else []
    )
    return {row["id"]: row["use_case"] for row in found}


def use_cases_of_requests(requests: Sequence[str], allowed: Iterable[str]) -> dict[str, str]:
    """Return the use case in which each of these requests was last decided, of those allowed."""
    query = """
        SELECT DISTINCT ON (request_id) request_id, use_case FROM routing_decision
        WHERE use_case = ANY(%s::text[]) AND request_id = ANY(%s::text[]) ORDER BY request_id, at DESC"""
    found = rows(query, [sorted(allowed), list(requests)]) if requests else []
    return {row["request_id"]: row["use_case"] for row in found}
