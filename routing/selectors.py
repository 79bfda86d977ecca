"""Reads of the machines' side: how far a version has come, what is desired, what decisions were made of late.

Set-based SQL over (use_case, at), so that 100,000 decisions cost a fraction of a second.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from routing.actions.rollouts import SILENT_AFTER, duration, heard_since
from routing.models import Rollout, Target

SHOWN_FOR = timedelta(hours=24)
STOPPED_SHOWN_FOR = timedelta(minutes=15)
SPENT_SECONDS = 5.0

# The latest word on each decision, whichever source and name it came by.
JUDGED = """
LEFT JOIN LATERAL (
    SELECT o.correct FROM routing_outcome o
    WHERE o.decision_id = d.id OR (o.decision_id IS NULL AND o.use_case = d.use_case AND o.request_id = d.request_id)
    ORDER BY o.at DESC LIMIT 1
) judged ON true
"""
RECENT = "FROM routing_decision d {join} WHERE d.use_case = %(use_case)s AND d.at >= %(since)s"


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
    query = (
        "SELECT COALESCE(sum(cost_usd), 0) AS spent FROM routing_decision WHERE use_case = %s AND at >= %s"
    )
    spent = float(rows(query, [use_case, midnight])[0]["spent"])
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


# What was decided of late


def histogram(use_case: str, since: datetime, bins: int = 40) -> list[dict[str, Any]]:
    """Count decisions by confidence: per bin `{low, high, count, judged, wrong}`; 1.0 belongs to the last bin.

    Decisions without a confidence are left out.
    """
    query = f"""
        SELECT LEAST(GREATEST(width_bucket(d.confidence, 0, 1, %(bins)s), 1), %(bins)s) - 1 AS bin,
               count(*) AS count, count(judged.correct) AS judged,
               count(*) FILTER (WHERE NOT judged.correct) AS wrong
        {RECENT.format(join=JUDGED)} AND d.confidence IS NOT NULL GROUP BY 1"""
    found = {row["bin"]: row for row in rows(query, {"use_case": use_case, "since": since, "bins": bins})}
    nothing = {"count": 0, "judged": 0, "wrong": 0}
    return [
        {"low": number / bins, "high": (number + 1) / bins}
        | {name: found.get(number, nothing)[name] for name in nothing}
        for number in range(bins)
    ]


def mix(use_case: str, since: datetime) -> dict[str, Any]:
    """Return what became of requests: `{decisions, answered, reviewed, escalated}` (shares of 1, None without any),
    `cost_per_task_usd`, `latency_ms_p95`, `wrong_among_answered` and how many answers were `judged`.
    """
    query = f"""
        SELECT count(*) AS decisions,
               avg((d.action = 'answer')::int)::float AS answered,
               avg((d.action = 'review')::int)::float AS reviewed,
               avg((d.action = 'escalate')::int)::float AS escalated,
               avg(d.cost_usd) AS cost_per_task_usd,
               percentile_cont(0.95) WITHIN GROUP (ORDER BY d.latency_ms) AS latency_ms_p95,
               count(judged.correct) FILTER (WHERE d.action = 'answer') AS judged,
               avg((NOT judged.correct)::int) FILTER (WHERE d.action = 'answer')::float AS wrong_among_answered
        {RECENT.format(join=JUDGED)}"""
    return rows(query, {"use_case": use_case, "since": since})[0]


def rule_shares(use_case: str, since: datetime) -> dict[str, float]:
    """Return, for each rule that matched, the share of requests that it matched first."""
    query = f"""
        SELECT d.rule, count(*)::float / sum(count(*)) OVER () AS share
        {RECENT.format(join="")} GROUP BY d.rule"""
    found = rows(query, {"use_case": use_case, "since": since})
    return {row["rule"]: row["share"] for row in found if row["rule"]}


FILTERS = {
    "action": "d.action = %(action)s",
    "band": "d.band = %(band)s",
    "rule": "d.rule = %(rule)s",
    "queue": "d.queue = %(queue)s",
    "model": "d.model = %(model)s",
    "instance": "d.instance = %(instance)s",
    "version": "d.version = %(version)s",
    "state": "d.state = %(state)s",
    "request_id": "d.request_id = %(request_id)s",
    "since": "d.at >= %(since)s",
    "until": "d.at < %(until)s",
    "from_confidence": "d.confidence >= %(from_confidence)s",
    "to_confidence": "d.confidence < %(to_confidence)s",
}


def recent_decisions(
    use_case: str, filters: dict[str, Any] | None = None, page: int = 1, size: int = 50
) -> list[dict[str, Any]]:
    """Return a page of decisions, newest first, each with `correct` (None: nobody said). Filters as in `FILTERS`."""
    given = {
        name: value for name, value in (filters or {}).items() if name in FILTERS and value not in (None, "")
    }
    where = "".join(f" AND {FILTERS[name]}" for name in given)
    query = f"""
        SELECT d.id, d.request_id, d.at, d.version, d.state, d.instance, d.text, d.answer, d.model, d.confidence,
               d.band, d.action, d.rule, d.queue, d.reason, d.detail, d.audited, d.holdout, d.cost_usd,
               d.latency_ms, d.attributes, judged.correct
        FROM (SELECT * FROM routing_decision d WHERE d.use_case = %(use_case)s{where}
              ORDER BY d.at DESC, d.id LIMIT %(size)s OFFSET %(skip)s) d {JUDGED}
        ORDER BY d.at DESC, d.id"""  # noqa: S608 - made of the constants above; values are bound
    return rows(query, {**given, "use_case": use_case, "size": size, "skip": max(0, page - 1) * size})
