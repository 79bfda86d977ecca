"""The API as assistants call it; a module about other callers has an `api` of its own. Django's parts come late."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.console.api.answers import Api

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase


@pytest.fixture
def api(client: "Client", use_case: "UseCase", admin: "User") -> Api:
    """Call the API with an assistant's token for “claims”, or another token."""
    from console import tokens
    from routing import selectors

    selectors._spent.clear()
    token = tokens.issue(name="desk", by=admin, use_cases=["claims", "coming"])[1]

    def call(method: str, path: str, body: Any = None, *, token: str = token, **headers: str) -> Any:
        kind = headers.pop("kind", "application/json")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return client.generic(method, f"/api/v1{path}", data, content_type=kind, headers=headers)

    return call
