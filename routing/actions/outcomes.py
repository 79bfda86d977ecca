"""Stores whether decisions turned out right. A later word of the same source replaces an earlier one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction


@dataclass(frozen=True, slots=True)
class Word:
    """One source's judgement of a decision, named by its id or by the request's."""

    use_case: str
    correct: bool
    source: str
    at: datetime
    decision_id: UUID | None = None
    request_id: str = ""
    corrected_answer: str = ""
    bucket: str = ""


UPSERT = """
INSERT INTO routing_outcome AS o
    (decision_id, request_id, use_case, correct, source, corrected_answer, bucket, at, received_at)
SELECT decision_id, request_id, use_case, correct, source, corrected_answer, bucket, at, now()
FROM unnest(%(decision_id)s::uuid[], %(request_id)s::text[], %(use_case)s::text[], %(correct)s::boolean[],
            %(source)s::text[], %(corrected_answer)s::text[], %(bucket)s::text[], %(at)s::timestamptz[])
    AS given (decision_id, request_id, use_case, correct, source, corrected_answer, bucket, at)
ON CONFLICT {target} DO UPDATE SET
    correct = EXCLUDED.correct, corrected_answer = EXCLUDED.corrected_answer, bucket = EXCLUDED.bucket,
    at = EXCLUDED.at, received_at = EXCLUDED.received_at
WHERE o.at <= EXCLUDED.at AND (o.correct, o.corrected_answer, o.bucket)
    IS DISTINCT FROM (EXCLUDED.correct, EXCLUDED.corrected_answer, EXCLUDED.bucket)
"""
BY_DECISION = UPSERT.replace("{target}", "(decision_id, source) WHERE decision_id IS NOT NULL")
BY_REQUEST = UPSERT.replace("{target}", "(use_case, request_id, source) WHERE decision_id IS NULL")
FIELDS = tuple(Word.__dataclass_fields__)


def store(words: Sequence[Word]) -> int:
    """Store judgements, all or none; return how many told something new."""
    named = _last(word for word in words if word.decision_id is not None)
    asked = _last(word for word in words if word.decision_id is None)
    with transaction.atomic():
        return _run(BY_DECISION, named) + _run(BY_REQUEST, asked)


def _last(words: Iterable[Word]) -> list[Word]:
    """Keep each source's last word on a decision: one statement may touch a row only once."""
    found: dict[tuple[Any, ...], Word] = {}
    for word in words:
        key = (word.decision_id, "" if word.decision_id else (word.use_case, word.request_id), word.source)
        if key not in found or found[key].at <= word.at:
            found[key] = word
    return list(found.values())


def _run(statement: str, words: Sequence[Word]) -> int:
    if not words:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statement, {name: [getattr(word, name) for word in words] for name in FIELDS})
        return int(cursor.rowcount)
