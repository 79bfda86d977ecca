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


# Returns a row for each heartbeat that counts: whose, and whether it tells of a new start or the end of a silence.
ASSISTANTS = """
WITH given AS (
    SELECT * FROM unnest(%(instances)s::text[], %(softwares)s::text[], %(started)s::timestamptz[],
                         %(stopped)s::timestamptz[], %(spools)s::jsonb[])
        AS given (instance, software, started_at, stopped_at, spool)
), known AS (
    SELECT instance, started_at, last_seen, stopped_at FROM routing_assistant
    WHERE instance = ANY(%(instances)s::text[])
), written AS (
    INSERT INTO routing_assistant AS a (instance, software, started_at, last_seen, stopped_at, spool)
    SELECT instance, software, started_at, %(now)s, stopped_at, spool FROM given ORDER BY instance
    ON CONFLICT (instance) DO UPDATE SET
        software = EXCLUDED.software,
        started_at = COALESCE(EXCLUDED.started_at, a.started_at),
        last_seen = GREATEST(a.last_seen, EXCLUDED.last_seen),
        stopped_at = EXCLUDED.stopped_at,
        spool = EXCLUDED.spool
    WHERE a.started_at IS NULL OR EXCLUDED.started_at IS NULL OR EXCLUDED.started_at > a.started_at
       OR (EXCLUDED.started_at = a.started_at AND (a.stopped_at IS NULL OR EXCLUDED.stopped_at IS NOT NULL))
    RETURNING instance
)
SELECT instance,
       known.instance IS NULL OR known.started_at IS DISTINCT FROM given.started_at,
       known.instance IS NULL OR known.last_seen < %(silent_since)s
           OR (known.stopped_at IS NULL) <> (given.stopped_at IS NULL)
FROM written JOIN given USING (instance) LEFT JOIN known USING (instance)
"""

HOLDINGS = """
INSERT INTO routing_holding AS h
    (assistant_id, use_case, version, digest, enforced, source, status, error, acked_at, last_seen)
SELECT instance, use_case, version, digest, enforced, source, 'applied', '', %(now)s, %(now)s
FROM unnest(%(instances)s::text[], %(use_cases)s::text[], %(versions)s::int[], %(digests)s::text[],
            %(enforced)s::text[], %(sources)s::text[])
    AS given (instance, use_case, version, digest, enforced, source)
ORDER BY instance, use_case
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
RETURNING h.assistant_id, use_case, acked_at = %(now)s
""".replace(
    "{late}",
    "(EXCLUDED.version < h.version AND h.acked_at > %(under_way)s "
    "AND h.assistant_id <> ALL(%(fresh)s::text[]))",
)

# Use cases that an assistant no longer names are no longer served by it.
GIVEN_UP = """
DELETE FROM routing_holding h WHERE h.assistant_id = ANY(%(all)s::text[])
    AND NOT EXISTS (SELECT 1 FROM unnest(%(instances)s::text[], %(use_cases)s::text[]) AS given (instance, use_case)
                    WHERE given.instance = h.assistant_id AND given.use_case = h.use_case)
RETURNING use_case
"""


def record(heartbeats: Sequence[Heartbeat], *, now: datetime | None = None) -> set[str]:
    """Write heartbeats of any number of assistants; return the use cases of which they told something new.

    Closes the rollouts that they complete.
    """
    now = now or timezone.now()
    latest = _latest(heartbeats)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ASSISTANTS, _assistants(latest, now))
        counted = {instance: (fresh, returned) for instance, fresh, returned in cursor.fetchall()}
        taken = [one for one in latest if one.instance in counted]
        columns = {**_columns(taken), "now": now, "under_way": now - UNDER_WAY}
        columns["fresh"] = [instance for instance, (fresh, _) in counted.items() if fresh]
        cursor.execute(HOLDINGS, columns)
        found = cursor.fetchall()
        news = {slug for instance, slug, is_news in found if is_news or counted[instance][1]}
        cursor.execute(GIVEN_UP, columns)
        news |= {slug for (slug,) in cursor.fetchall()}
        rollouts.changed(news)
    rollouts.settle(news)
    return news


def _latest(heartbeats: Sequence[Heartbeat]) -> list[Heartbeat]:
    """Keep each assistant's last heartbeat; a goodbye is the last one of its process, whatever comes behind it."""
    found: dict[str, Heartbeat] = {}
    for one in heartbeats:
        before = found.get(one.instance)
        if before is None or not (before.stopping and before.started_at == one.started_at):
            found[one.instance] = one
    return list(found.values())


def _assistants(heartbeats: Sequence[Heartbeat], now: datetime) -> dict[str, Any]:
    return {
        "instances": [one.instance for one in heartbeats],
        "softwares": [one.software for one in heartbeats],
        "started": [_started(one, now) for one in heartbeats],
        "stopped": [now if one.stopping else None for one in heartbeats],
        "spools": [json.dumps(one.spool) for one in heartbeats],
        "now": now,
        "silent_since": now - rollouts.SILENT_AFTER,
    }


def _started(heartbeat: Heartbeat, now: datetime) -> datetime | None:
    """Return when the process started; a clock far ahead would make every later start look old."""
    ahead = heartbeat.started_at is not None and heartbeat.started_at > now + timedelta(minutes=1)
    return now if ahead else heartbeat.started_at


def _columns(heartbeats: Sequence[Heartbeat]) -> dict[str, Any]:
    held = {(beat.instance, one.use_case): one for beat in heartbeats for one in beat.use_cases}
    return {
        "all": [beat.instance for beat in heartbeats],
        "instances": [instance for instance, _ in held],
        "use_cases": [slug for _, slug in held],
        "versions": [one.version for one in held.values()],
        "digests": [one.digest for one in held.values()],
        "enforced": [one.enforced for one in held.values()],
        "sources": [one.source for one in held.values()],
    }
