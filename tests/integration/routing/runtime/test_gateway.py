"""What callers of an assistant meet: an OpenAI-compatible API that never fails on bad input."""

import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from routing.engine.baseline import BUILT_IN
from tests.integration.routing.runtime.assistants import Assistant, said
from tests.integration.routing.runtime.conftest import Start
from tests.integration.routing.runtime.small_console import SmallConsole

Json = dict[str, Any]
GOOD: Json = {"model": "claims", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """One that has no console: its baseline needs none."""
    running = Assistant(
        "http://127.0.0.1:9", tmp_path_factory.mktemp("gateway") / "one", "claims", "disputes"
    )
    yield running
    running.kill()


def test_the_openai_client_works_unchanged(assistant: Assistant) -> None:
    with openai.OpenAI(base_url=f"{assistant.url}/v1", api_key="any") as client:
        assert [model.id for model in client.models.list()] == ["claims", "disputes"]
        raw = client.chat.completions.with_raw_response.create(
            model="claims",
            messages=[{"role": "user", "content": "Hello"}],
            metadata={"topic": "water", "amount": "120"},
            temperature=0.2,
        )
        completion = raw.parse()
        assert completion.choices[0].message.content == BUILT_IN["messages"]["escalate"]
        assert completion.model_extra is not None
        assert completion.model_extra["decision"] == json.loads(raw.headers["x-decision"])
        assert completion.usage is not None
        with pytest.raises(openai.NotFoundError) as missing:
            client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Hello"}])
        assert missing.value.code == "model_not_found"


def test_the_openai_client_streams_the_finished_answer(assistant: Assistant) -> None:
    with openai.OpenAI(base_url=f"{assistant.url}/v1", api_key="any") as client:
        chunks = list(
            client.chat.completions.create(
                model="claims",
                messages=[{"role": "user", "content": "Hello"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == BUILT_IN["messages"]["escalate"]
    assert [c.finish_reason for chunk in chunks for c in chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None


def test_the_decision_tells_what_was_decided_and_for_whom(assistant: Assistant) -> None:
    answer = assistant.ask("claims", request_id="r-1")
    decision = answer["decision"]
    assert decision["request_id"] == "r-1"
    assert decision["instance"] == "one"
    assert (decision["action"], decision["reason"], decision["version"]) == ("escalate", "DISABLED", 0)
    assert decision["ticket"] == decision["decision_id"]
    assert {"band", "rule", "queue", "digest", "detail", "confidence", "audited", "holdout"} <= set(decision)


def test_a_request_id_may_repeat_and_may_come_in_a_header(assistant: Assistant) -> None:
    first, second = (assistant.post(GOOD, headers={"x-request-id": "r-2"}).json()["decision"] for _ in "ab")
    assert first["request_id"] == second["request_id"] == "r-2"
    assert first["decision_id"] != second["decision_id"]


WRONG: list[tuple[str, Any, int, str | None]] = [
    ("no model", {"messages": GOOD["messages"]}, 400, "model"),
    ("a model that is a number", GOOD | {"model": 5}, 400, "model"),
    ("an unknown model", GOOD | {"model": "claim\ud800"}, 404, "model"),
    ("no messages", {"model": "claims"}, 400, "messages"),
    ("empty messages", GOOD | {"messages": []}, 400, "messages"),
    ("messages as a text", GOOD | {"messages": "Hello"}, 400, "messages"),
    ("a message that is a text", GOOD | {"messages": ["Hello"]}, 400, "messages[0]"),
    ("an unknown role", GOOD | {"messages": [{"role": "boss", "content": ""}]}, 400, "messages[0].role"),
    ("a role that is a list", GOOD | {"messages": [{"role": [], "content": ""}]}, 400, "messages[0].role"),
    (
        "content as a number",
        GOOD | {"messages": [{"role": "user", "content": 1}]},
        400,
        "messages[0].content",
    ),
    ("metadata as a list", GOOD | {"metadata": []}, 400, "metadata"),
    ("signals as a text", GOOD | {"metadata": {"signals": "{"}}, 400, "metadata.signals"),
    ("signals as a number", GOOD | {"signals": 3}, 400, "signals"),
    ("stream as a text", GOOD | {"stream": "yes"}, 400, "stream"),
    ("temperature as a text", GOOD | {"temperature": "hot"}, 400, "temperature"),
    ("several answers", GOOD | {"n": 3}, 400, "n"),
    ("tools", GOOD | {"tools": [{"type": "function"}]}, 400, "tools"),
    ("an endless request id", GOOD | {"metadata": {"request_id": "x" * 201}}, 400, "metadata.request_id"),
    ("a list", [], 400, None),
    ("null", None, 400, None),
]


@pytest.mark.parametrize(("body", "status", "param"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_named_the_way_openai_does(
    assistant: Assistant, body: Any, status: int, param: str | None
) -> None:
    response = assistant.client.post("/v1/chat/completions", content=json.dumps(body))
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert error["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"model": NaN}',
        b"1" * 5000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
    ],
    ids=["empty", "cut", "no text", "deep list", "nan", "long number", "deep object"],
)
def test_what_is_no_json_is_told_so(assistant: Assistant, body: bytes) -> None:
    response = assistant.client.post("/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_json"


def test_an_oversized_body_is_refused_declared_or_not(assistant: Assistant) -> None:
    large = b"x" * (1024 * 1024 + 1)
    assert assistant.client.post("/v1/chat/completions", content=large).status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 32768

    response = assistant.client.post("/v1/chat/completions", content=pieces())
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"
    body = GOOD | {"messages": [{"role": "user", "content": "x" * 1_000_000}]}
    assert assistant.post(body).status_code == 200


def test_other_paths_and_methods_are_openai_errors(assistant: Assistant) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/chat/completions", 405),
        ("GET", "/v1/models/nobody", 404),
        ("DELETE", "/healthz", 405),
    ):
        response = assistant.client.request(method, path)
        assert response.status_code == status
        assert response.json()["error"]["type"] == "invalid_request_error"


def test_what_is_no_http_does_not_stop_it(assistant: Assistant) -> None:
    host, port = assistant.url.removeprefix("http://").split(":")
    for rubbish in (
        b"\0" * 100,
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
        b"GET",
    ):
        with socket.create_connection((host, int(port)), timeout=5) as raw:
            raw.sendall(rubbish)
    assert said(assistant.ask("claims"))


def test_three_hundred_generated_bodies_never_fail_the_server(assistant: Assistant) -> None:
    chance = random.Random(2026)
    statuses = []
    for _ in range(300):
        body = _body(chance)
        response = assistant.client.post("/v1/chat/completions", content=body)
        statuses.append(response.status_code)
        assert response.status_code < 500, body
        assert ("error" in response.json()) == (response.status_code != 200)
    assert {200, 400, 404} <= set(statuses)
    assert "failed" not in assistant.errors.read_text()


ODD: list[Any] = [
    None, True, False, 0, -1, 10**30, 1e308, 0.5, "", "x", "\0", "\ud83d", "é" * 300, [], {}, [[]], {"": {}},
    {"type": "text"}, [{"type": "text", "text": None}], [{"type": "text", "text": "hi"}], "9" * 400,
]  # fmt: skip


def _body(chance: random.Random) -> bytes:
    """Return a request with some of its fields spoiled, sometimes cut or stirred."""
    body: Json = json.loads(json.dumps(GOOD | {"metadata": {"topic": "water", "amount": 5}}))
    fields = [
        "model", "messages", "metadata", "stream", "n", "temperature", "stop", "user", "signals", "tools",
        "max_tokens", "stream_options", "response_format", "new",
    ]  # fmt: skip
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        where = chance.random()
        if where < 0.6:
            body[chance.choice(fields)] = chance.choice(ODD)
        elif where < 0.8 and isinstance(body["metadata"], dict):
            name = chance.choice(["request_id", "signals", "sources", "topic", "x" * 300])
            body["metadata"][name] = chance.choice(ODD)
        elif isinstance(body["messages"], list) and body["messages"]:
            body["messages"][0] = {
                "role": chance.choice(["user", "tool", "", 5]),
                "content": chance.choice(ODD),
            }
    text = json.dumps(body).encode()
    if chance.random() < 0.15:
        text = text[: chance.randrange(len(text))]
    if chance.random() < 0.1:
        spoiled = bytearray(text or b"{")
        spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        text = bytes(spoiled)
    # A stream's answer is no JSON object; whether it streams well is asked elsewhere.
    return text.replace(b'"stream": true', b'"stream": null')


def test_a_key_is_asked_for_where_keys_are_set(console: SmallConsole, start: Start) -> None:
    asked = start(environment={"GATEWAY_API_KEYS": "first-key, second-key"})
    assert asked.client.get("/healthz").status_code == 200
    for wrong in (b"", b"Bearer wrong", b"Basic first-key", b"Bearer \xe9"):
        headers = {b"authorization": wrong}
        response = asked.client.post("/v1/chat/completions", json=GOOD, headers=headers)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "invalid_api_key"
        assert asked.client.get("/v1/models", headers=headers).status_code == 401
    with openai.OpenAI(base_url=f"{asked.url}/v1", api_key="second-key") as client:
        assert client.models.list().data
    assert not console.decisions


def test_without_a_writable_cache_it_still_serves_and_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assistant = Assistant("http://127.0.0.1:9", blocked, "claims")
    try:
        assert said(assistant.ask("claims"))
        health = assistant.health()
        assert health["status"] == "degraded"
        assert health["spool"]["in_memory"] == 1
    finally:
        assistant.kill()
