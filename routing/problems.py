"""Problem documents (RFC 9457): what every door of the console says when it refuses."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


def document(
    status: int, detail: str, *, title: str = "", errors: Iterable[Mapping[str, str]] = (), **more: Any
) -> dict[str, Any]:
    """Return a problem document; `errors` name where the input is at fault: `{path, message}`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    listed = [dict(error) for error in errors]
    return {**body, "errors": listed} if listed else body


def encoded(problem: Mapping[str, Any]) -> bytes:
    """Return a problem document as it goes over the wire."""
    return json.dumps(problem).encode()
