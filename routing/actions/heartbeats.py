"""Heartbeats: an assistant says what it holds and enforces now, for every use case that it serves.

A heartbeat is the whole truth at its time, downwards as well: an assistant that lost its disk holds less than before.
Two exceptions, both about heartbeats that travelled slowly. One of an earlier start of the process says nothing about
the present one. One that was under way while an ack arrived must not take back what the ack said.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from routing.actions import rollouts

UNDER_WAY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held (`version`, `digest`) and enforced for one use case; `source`: where it came from."""

    use_case: str
    version: int
    digest: str
    enforced: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The state of one assistant. `started_at` tells one start of its process from the next."""

    instance: str
    use_cases: Sequence[Held]
    started_at: datetime | None = None
    software: str = ""
    spool: dict[str, Any] = field(default_factory=dict)
    stopping: bool = False


# Returns one row if the heartbeat counts, with whether it tells of a new start or the end of a silence.
ASSISTANT = """
WITH known AS (
    SELECT started_at, last_seen, stopped_at FROM routing_assistant WHERE instance = %(instance)s
), written AS (
    INSERT INTO routing_assistant AS a (instance, software, started_at, last_seen, stopped_at, spool)
    VALUES (%(instance)s, %(software)s, %(started_at)s, %(now)s, %(stopped_at)s, %(spool)s)
    ON CONFLICT (instance) DO UPDATE SET
        software = EXCLUDED.software,
        started_at = COALESCE(EXCLUDED.started_at, a.started_at),
        last_seen = GREATEST(a.last_seen, EXCLUDED.last_seen),
        stopped_at = EXCLUDED.stopped_at,
        spool = EXCLUDED.spool
    WHERE a.started_at IS NULL OR EXCLUDED.started_at IS NULL OR EXCLUDED.started_at > a.started_at
       OR (EXCLUDED.started_at = a.started_at AND (a.stopped_at IS NULL OR EXCLUDED.stopped_at IS NOT NULL))
    RETURNING 1
)
SELECT
    COALESCE((SELECT started_at IS DISTINCT FROM %(started_at)s FROM known), true),
    COALESCE((SELECT last_seen < %(silent_since)s OR (stopped_at IS NULL) <> (%(stopped_at)s::timestamptz IS NULL)
              FROM known), true)
FROM written
"""

HOLDINGS = """
INSERT INTO routing_holding AS h
    (assistant_id, use_case, version, digest, enforced, source, status, error, acked_at, last_seen)
SELECT %(instance)s, use_case, version, digest, enforced, source, 'applied', '', %(now)s, %(now)s
FROM unnest(%(use_cases)s::text[], %(versions)s::int[], %(digests)s::text[], %(enforced)s::text[], %(sources)s::text[])
    AS given (use_case, version, digest, enforced, source)
ORDER BY use_case
ON CONFLICT (assistant_id, use_case) DO UPDATE SET
    version = CASE WHEN {late} THEN h.version ELSE EXCLUDED.version END,
    digest = CASE WHEN {late} THEN h.digest ELSE EXCLUDED.digest END,
    enforced = CASE WHEN {late} THEN h.enforced ELSE EXCLUDED.enforced END,
    source = CASE WHEN {late} THEN h.source ELSE EXCLUDED.source END,
    acked_at = CASE WHEN {late} OR (h.version, h.enforced) = (EXCLUDED.version, EXCLUDED.enforced)
        THEN COALESCE(h.acked_at, EXCLUDED.acked_at) ELSE EXCLUDED.acked_at END,
    last_seen = GREATEST(h.last_seen, EXCLUDED.last_seen),
    status = CASE WHEN EXCLUDED.version >= h.refused_version THEN 'applied' ELSE h.status END,
    error = CASE WHEN EXCLUDED.version >= h.refused_version THEN '' ELSE h.error END,
    refused_version = CASE WHEN EXCLUDED.version >= h.refused_version THEN NULL ELSE h.refused_version END
RETURNING use_case, acked_at = %(now)s
""".replace("{late}", "(EXCLUDED.version < h.version AND h.acked_at > %(under_way)s AND NOT %(fresh)s)")

# Use cases that it no longer names are no longer served by it.
GIVEN_UP = """
DELETE FROM routing_holding WHERE assistant_id = %(instance)s AND use_case <> ALL(%(use_cases)s::text[])
RETURNING use_case
"""


def record(heartbeat: Heartbeat, *, now: datetime | None = None) -> bool:
    """Write a heartbeat; return whether it told something new. Closes the rollouts that it completes."""
    now = now or timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ASSISTANT, _assistant(heartbeat, now))
        row = cursor.fetchone()
        if row is None:
            return False
        fresh, returned = row
        columns = {**_columns(heartbeat), "now": now, "under_way": now - UNDER_WAY, "fresh": fresh}
        cursor.execute(HOLDINGS, columns)
        news = [slug for slug, is_news in cursor.fetchall() if is_news or returned]
        cursor.execute(GIVEN_UP, columns)
        news += [slug for (slug,) in cursor.fetchall()]
        rollouts.changed(news)
    if news:
        rollouts.settle(news)
    return bool(news)


def _assistant(heartbeat: Heartbeat, now: datetime) -> dict[str, Any]:
    started = heartbeat.started_at
    if started is not None and started > now + timedelta(minutes=1):
        started = now  # a clock far ahead would make every later start look old
    return {
        "instance": heartbeat.instance,
        "software": heartbeat.software,
        "started_at": started,
        "stopped_at": now if heartbeat.stopping else None,
        "spool": json.dumps(heartbeat.spool),
        "now": now,
        "silent_since": now - rollouts.SILENT_AFTER,
    }


def _columns(heartbeat: Heartbeat) -> dict[str, Any]:
    held = list({one.use_case: one for one in heartbeat.use_cases}.values())
    return {
        "instance": heartbeat.instance,
        "use_cases": [one.use_case for one in held],
        "versions": [one.version for one in held],
        "digests": [one.digest for one in held],
        "enforced": [one.enforced for one in held],
        "sources": [one.source for one in held],
    }
