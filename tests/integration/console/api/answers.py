"""What tests of the API send and how they read what comes back."""

from collections.abc import Callable
from typing import Any

from uuid6 import uuid7

Api = Callable[..., Any]


def expect_problem(response: Any, status: int) -> dict[str, Any]:
    """Check that a response is a problem document; return it."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    return found


def paths(found: dict[str, Any]) -> list[str]:
    return [error["path"] for error in found.get("errors", [])]


def decision(**other: Any) -> dict[str, Any]:
    given = {"request_id": "r-1", "use_case": "claims", "action": "answer", "at": "2026-11-22T10:00:00Z"}
    return {"id": str(uuid7()), **given, **other}
