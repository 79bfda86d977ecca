"""Stores decision records. One statement a batch; the id is the primary key, so sent twice counts once."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

# Columns of `routing_decision` that a record fills, with their types; the rest is the console's.
COLUMNS = {
    "id": "uuid",
    "request_id": "text",
    "use_case": "text",
    "version": "integer",
    "digest": "text",
    "state": "text",
    "instance": "text",
    "at": "timestamptz",
    "attributes": "jsonb",
    "text": "text",
    "answer": "text",
    "model": "text",
    "tried": "jsonb",
    "confidence": "double precision",
    "signal": "text",
    "band": "text",
    "action": "text",
    "rule": "text",
    "queue": "text",
    "reason": "text",
    "detail": "text",
    "audited": "boolean",
    "audit_share": "double precision",
    "holdout": "boolean",
    "cost_usd": "double precision",
    "latency_ms": "double precision",
    "tokens_in": "integer",
    "tokens_out": "integer",
    "prompt": "text",
    "retrieval_index": "text",
    "sources": "jsonb",
    "input_digest": "text",
    "trace_id": "text",
    "signals": "jsonb",
}
NAMES = ", ".join(COLUMNS)
INSERT = f"""
INSERT INTO routing_decision ({NAMES}, received_at)
SELECT {NAMES}, now() FROM jsonb_to_recordset(%s::jsonb)
    AS given ({", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())})
ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 - made of the constants above


def store(records: Sequence[dict[str, Any]]) -> int:
    """Store checked records, all or none; return how many were new. Each holds every column, JSON-ready."""
    if not records:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, [json.dumps(list(records))])
        return int(cursor.rowcount)
