"""Acks: an assistant says that it applied or refused a version.

They may come late, twice and in any order. An ack below what is known changes nothing; the same one again changes
nothing. All acks of a request are written by two statements, whatever their number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from routing.actions import rollouts


@dataclass(frozen=True, slots=True)
class Ack:
    """One verdict of an assistant; `digest` is what it enforces since (`applied`), or what it would not take."""

    instance: str
    use_case: str
    version: int
    digest: str
    applied: bool
    error: str = ""


SEEN = """
INSERT INTO routing_assistant AS a (instance, software, last_seen, spool)
SELECT instance, '', %(now)s, '{}' FROM unnest(%(instances)s::text[]) AS instance ORDER BY instance
ON CONFLICT (instance) DO UPDATE SET last_seen = GREATEST(a.last_seen, EXCLUDED.last_seen)
"""

# `acked_at` is when the console first heard of what is held now; repetitions leave it alone. A refusal is settled by
# applying that version or a later one, or when it was of a number that was never published (a forged envelope).
APPLIED = """
INSERT INTO routing_holding AS h
    (assistant_id, use_case, version, digest, enforced, source, status, error, acked_at, last_seen)
SELECT instance, use_case, version, digest, digest, '', 'applied', '', %(now)s, %(now)s
FROM unnest(%(instances)s::text[], %(use_cases)s::text[], %(versions)s::int[], %(digests)s::text[])
    AS given (instance, use_case, version, digest)
ORDER BY instance, use_case
ON CONFLICT (assistant_id, use_case) DO UPDATE SET
    version = EXCLUDED.version,
    digest = EXCLUDED.digest,
    enforced = EXCLUDED.enforced,
    acked_at = CASE WHEN (h.version, h.enforced) = (EXCLUDED.version, EXCLUDED.enforced) AND h.acked_at IS NOT NULL
        THEN h.acked_at ELSE EXCLUDED.acked_at END,
    last_seen = EXCLUDED.last_seen,
    status = CASE WHEN {keep} THEN h.status ELSE 'applied' END,
    error = CASE WHEN {keep} THEN h.error ELSE '' END,
    refused_version = CASE WHEN {keep} THEN h.refused_version END
WHERE EXCLUDED.version >= h.version
RETURNING h.assistant_id, use_case, acked_at = %(now)s
""".replace(
    "{keep}",
    "(h.refused_version > EXCLUDED.version AND h.refused_version <= "
    "(SELECT t.version FROM routing_target t WHERE t.use_case = EXCLUDED.use_case))",
)

REFUSED = """
INSERT INTO routing_holding AS h
    (assistant_id, use_case, version, digest, enforced, source, status, error, refused_version, last_seen)
SELECT instance, use_case, 0, '', '', '', 'refused', error, version, %(now)s
FROM unnest(%(instances)s::text[], %(use_cases)s::text[], %(versions)s::int[], %(errors)s::text[])
    AS given (instance, use_case, version, error)
ORDER BY instance, use_case
ON CONFLICT (assistant_id, use_case) DO UPDATE SET
    status = 'refused', error = EXCLUDED.error, refused_version = EXCLUDED.refused_version, last_seen = %(now)s
WHERE EXCLUDED.refused_version > h.version
RETURNING h.assistant_id, use_case, true
"""


def record(acks: Sequence[Ack], *, now: datetime | None = None) -> set[tuple[str, str]]:
    """Write acks of any number of assistants; return (instance, use case) of those that told something new.

    Closes the rollouts that they complete.
    """
    now = now or timezone.now()
    if not acks:
        return set()
    with transaction.atomic():
        _run(SEEN, instances=sorted({ack.instance for ack in acks}), now=now)
        told = _run(APPLIED, **_columns(_newest(ack for ack in acks if ack.applied)), now=now)
        told += _run(REFUSED, **_columns(_newest(ack for ack in acks if not ack.applied)), now=now)
        news = {(instance, slug) for instance, slug, is_news in told if is_news}
        slugs = {slug for _, slug in news}
        rollouts.changed(slugs)
    rollouts.settle(slugs)
    return news


def _newest(acks: Iterable[Ack]) -> list[Ack]:
    """Keep the highest version an assistant names for a use case: one statement may touch a row only once."""
    found: dict[tuple[str, str], Ack] = {}
    for ack in acks:
        key = (ack.instance, ack.use_case)
        if key not in found or found[key].version <= ack.version:
            found[key] = ack
    return list(found.values())


def _columns(acks: Sequence[Ack]) -> dict[str, Any]:
    return {
        "instances": [ack.instance for ack in acks],
        "use_cases": [ack.use_case for ack in acks],
        "versions": [ack.version for ack in acks],
        "digests": [ack.digest for ack in acks],
        "errors": [ack.error for ack in acks],
    }


def _run(statement: str, **values: Any) -> list[tuple[str, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
