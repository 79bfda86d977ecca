"""What fault tests ask a running stack, and how they wait for its answer."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.stack import Stack

SLUG = "claims-summary"


def until(found: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return what `found` returns once that is true; fail with `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = found()
        except httpx.TransportError:
            value = None
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def convergence(stack: Stack, slug: str = SLUG) -> dict[str, Any]:
    """Return what the console says of who enforces what."""
    answer = stack.api("GET", f"/api/v1/use-cases/{slug}/convergence")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def statuses(stack: Stack, slug: str = SLUG) -> dict[str, str]:
    """Return the status of each assistant by name."""
    return {one["instance"]: one["status"] for one in convergence(stack, slug)["assistants"]}


def converged(stack: Stack, version: int, seconds: float = 15, slug: str = SLUG) -> dict[str, Any]:
    """Wait until every assistant has confirmed a version; return the console's answer."""

    def reached() -> dict[str, Any] | None:
        found = convergence(stack, slug)
        return (
            found if found["version"] == version and found["converged_at"] and not found["laggards"] else None
        )

    found: dict[str, Any] = until(reached, seconds, f"r{version} confirmed: {convergence(stack, slug)}")
    return found


def click(stack: Stack, what: str, slug: str = SLUG) -> int:
    """Kill or restore a use case; return the published version."""
    answer = stack.api("POST", f"/api/v1/use-cases/{slug}/{what}", json={"reason": "fault test"})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["version"])


def decision(stack: Stack, assistant: str, slug: str = SLUG, text: str = "Hello") -> dict[str, Any]:
    """Ask an assistant something; return what it decided."""
    answer = stack.chat(assistant, slug, text)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["decision"]
    return found


def stored(stack: Stack, ids: list[str]) -> dict[str, int]:
    """Count the rows of each of these decisions."""
    rows = stack.rows(
        "SELECT id::text, count(*) FROM routing_decision WHERE id = ANY(%s::uuid[]) GROUP BY id", ids
    )
    return {row[0]: row[1] for row in rows}


def endings(stack: Stack, version: int, slug: str = SLUG) -> list[str]:
    """Return the sentences with which the record closes a version's rollout; there may be one."""
    rows = stack.rows(
        "SELECT sentence FROM audit_event WHERE kind = 'rollout.converged' AND use_case = %s AND version = %s",
        slug,
        version,
    )
    return [row[0] for row in rows]
