"""What recent requests looked like: how sure the answers were, which were wrong, which rules they met. Reads only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

BINS = 50
SAMPLE = 1000
VALUES_SHOWN = 12
_KINDS = {"number": "number", "boolean": "boolean", "string": "text"}

# The newest verdict counts, whether it came by the decision's id or by the request's.
_CONFIDENCE = """
WITH recent AS (
    SELECT id, request_id, confidence FROM routing_decision
    WHERE use_case = %(use_case)s AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND confidence BETWEEN 0 AND 1
), word AS (
    SELECT r.id, o.correct, o.at FROM recent r JOIN routing_outcome o ON o.decision_id = r.id
    UNION ALL
    SELECT r.id, o.correct, o.at FROM recent r JOIN routing_outcome o
      ON o.decision_id IS NULL AND o.use_case = %(use_case)s AND o.request_id = r.request_id
), newest AS (SELECT DISTINCT ON (id) id, correct FROM word ORDER BY id, at DESC)
SELECT least(floor(confidence * %(bins)s)::int, %(bins)s - 1) AS bin, count(*), count(*) FILTER (WHERE NOT correct)
FROM recent LEFT JOIN newest USING (id) GROUP BY bin
"""
_RULES = """
SELECT rule, count(*) FROM routing_decision
WHERE use_case = %(use_case)s AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) GROUP BY rule
"""
_ATTRIBUTES = """
SELECT pair.key, jsonb_typeof(pair.value), pair.value #>> '{}', count(*)
FROM (SELECT attributes FROM routing_decision WHERE use_case = %(use_case)s ORDER BY at DESC LIMIT %(sample)s) recent,
     jsonb_each(CASE jsonb_typeof(recent.attributes) WHEN 'object' THEN recent.attributes ELSE '{}'::jsonb END) pair
WHERE jsonb_typeof(pair.value) IN ('string', 'number', 'boolean')
GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 3
"""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that requests carry: what kind of value it has mostly, and its most frequent values as text."""

    name: str
    kind: str
    values: tuple[str, ...]


def confidence_counts(use_case: str, since: datetime | None) -> list[tuple[int, int]]:
    """Return for each of `BINS` equal stretches of confidence how many decisions fell in it and were wrong."""
    counts = [(0, 0)] * BINS
    for index, total, wrong in _rows(_CONFIDENCE, use_case=use_case, since=since, bins=BINS):
        counts[index] = (total, wrong)
    return counts


def rule_counts(use_case: str, since: datetime | None) -> dict[str, int]:
    """Return how many decisions met each rule, by its id; those under "" met none."""
    return dict(_rows(_RULES, use_case=use_case, since=since))


def attributes(use_case: str) -> list[Attribute]:
    """Return the attributes of the latest requests, by name, to suggest while somebody writes a rule."""
    kinds: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, kind, text, _ in _rows(_ATTRIBUTES, use_case=use_case, sample=SAMPLE):
        kinds.setdefault(name, _KINDS[kind])  # the most frequent value comes first
        if len(values.setdefault(name, [])) < VALUES_SHOWN and len(text) <= 80:
            values[name].append(text)
    return [Attribute(name, kinds[name], tuple(values[name])) for name in sorted(kinds)]


def _rows(sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
