"""The recorded chatbots as use cases: their documents, every question asked, the published metrics from the record."""

import asyncio
import csv
import gzip
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.chatbot_server import NO_INTENT, PUBLISHED, Row, read_rows

AT_ONCE = 24


def questions(bot: str) -> list[Row]:
    """Return every recorded question of one chatbot."""
    return [row for row in read_rows() if row["bot"] == bot]


def document(engine: str, answer_from: float, api_base: str) -> dict[str, Any]:
    """Return a config document: this engine answers from this confidence, people get the rest."""
    return {
        "schema": 1,
        "models": [
            {"name": "engine", "litellm": f"openai/{engine}", "api_base": api_base, "timeout_s": 20.0}
        ],
        "confidence": {"source": "verbalised", "missing": 0.0},
        "bands": [
            {"name": "answer", "from": answer_from, "action": "answer"},
            {"name": "escalate", "from": 0.0, "action": "escalate", "queue": "desk"},
        ],
        "ladder": [{"model": "engine", "accept_from": 0.0}],
        "thresholds": {"audit_share": 0.0, "holdout_share": 0.0},
        "rules": [],
        "queues": [{"name": "desk", "sla_minutes": 30, "capacity_per_hour": 60, "on_breach": None}],
        "messages": {"escalate": "A colleague will answer you."},
    }


def ask_all(assistants: Sequence[str], use_case: str, rows: Sequence[Row]) -> int:
    """Put every question to the assistants in turn, as customers' programs would; return how many were taken.

    In a thread of its own: a test that drives a browser has an event loop in its own already.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(_ask_all(assistants, use_case, rows))).result()


async def _ask_all(assistants: Sequence[str], use_case: str, rows: Sequence[Row]) -> int:
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(client: httpx.AsyncClient, number: int, row: Row) -> int:
        body = {
            "model": use_case,
            "messages": [{"role": "user", "content": row["text"]}],
            "user": row["request_id"],
            "metadata": {"request_id": row["request_id"]},
        }
        async with turns:
            url = assistants[number % len(assistants)]
            return (await client.post(f"{url}/v1/chat/completions", json=body)).status_code

    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=AT_ONCE)) as client:
        statuses = await asyncio.gather(*(ask(client, number, row) for number, row in enumerate(rows)))
    return statuses.count(200)


def metrics(decided: Iterable[tuple[str, str, str]], rows: Sequence[Row]) -> dict[str, float]:
    """Return the authors' Accuracy and OOS Recall from decision records `(request_id, action, answer)`.

    Whatever was not answered without a person counts as “no intent”, and so does answering just that.
    """
    given = {request: answer if action == "answer" else NO_INTENT for request, action, answer in decided}
    right = [given[row["request_id"]] == row["true_intent"] for row in rows]
    outside = [given[row["request_id"]] == NO_INTENT for row in rows if row["true_intent"] == NO_INTENT]
    return {"Accuracy": sum(right) / len(right), "OOS Recall": sum(outside) / len(outside)}


def published(bot: str, engine: str, threshold: float) -> dict[str, float]:
    """Return what the authors published for a chatbot, an engine and a threshold."""
    with gzip.open(PUBLISHED, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if (row["bot"], row["model"]) == (bot, engine) and abs(
                float(row["Threshold"]) - threshold
            ) < 1e-9:
                return {name: float(row[name]) for name in ("Accuracy", "OOS Recall")}
    raise LookupError(f"nothing published for {bot}, {engine}, {threshold}")
