"""Who may open the config stream, and what others are told."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from routing.fanout import Fanout, Publication
from routing.stream import Stream, Unavailable


@dataclass(frozen=True)
class Caller:
    key: str = "k"
    is_assistant: bool = True
    use_cases: frozenset[str] = frozenset({"claims", "coming"})


async def authenticate(text: str) -> Caller | None:
    if text == "away":
        raise Unavailable
    return {"good": Caller(), "person": Caller(is_assistant=False)}.get(text)


async def ask(query: str, token: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Open a stream whose client leaves at once; return status, headers and body."""
    hub, sent = Fanout(), []
    await hub.publish([Publication.of("claims", 1, datetime(2026, 11, 22, tzinfo=UTC), '{"version":1}')])

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"authorization", token.encode())] if token else []
    scope = {"type": "http", "method": method, "query_string": query.encode(), "headers": headers}
    await Stream(hub, authenticate)(scope, receive, send)
    assert len(hub) == 0
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message["body"] for message in sent[1:])


def test_an_assistant_gets_its_use_case() -> None:
    status, headers, body = asyncio.run(ask("instance=a&use_case=claims", "Bearer good"))
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert body.startswith(b"retry: ")
    assert b'event: config\nid: 1795305600000000\ndata: {"version":1}\n\n' in body


@pytest.mark.parametrize(
    ("query", "token", "status", "paths"),
    [
        ("instance=a&use_case=claims", "", 401, []),
        ("instance=a&use_case=claims", "Bearer wrong", 401, []),
        ("instance=a&use_case=claims", "Basic good", 401, []),
        ("instance=a&use_case=claims", "Bearer person", 403, []),
        ("instance=a&use_case=claims&use_case=foreign", "Bearer good", 403, []),
        ("instance=a&use_case=coming", "Bearer good", 404, []),
        ("", "Bearer good", 422, ["instance", "use_case"]),
        ("instance=" + "a" * 121 + "&use_case=claims", "Bearer good", 422, ["instance"]),
        ("instance=a&use_case=%00%ff", "Bearer good", 403, []),
        ("instance=a&use_case=claims", "Bearer away", 503, []),
    ],
)
def test_everybody_else_gets_a_problem_document(
    query: str, token: str, status: int, paths: list[str]
) -> None:
    found, headers, body = asyncio.run(ask(query, token))
    problem = json.loads(body)
    assert (found, problem["status"], headers["content-type"]) == (status, status, "application/problem+json")
    assert [error["path"] for error in problem.get("errors", [])] == paths


def test_the_stream_is_only_read() -> None:
    status, headers, _ = asyncio.run(ask("instance=a&use_case=claims", "Bearer good", "POST"))
    assert (status, headers["allow"]) == (405, "GET")
