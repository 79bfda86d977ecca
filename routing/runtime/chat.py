"""A caller's request, from the bytes of an OpenAI chat completion to what an assistant works with. Pure.

What a client may get wrong is said in OpenAI's error shape, and nothing that a body holds raises anything
else than `BadRequest`.
"""

import json
import math
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

import uuid6

MAX_BODY_BYTES = 1024 * 1024
MAX_REQUEST_ID = 200
MAX_DEPTH = 64
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_TRACEPARENT = re.compile(r"\A[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_OWN_METADATA = frozenset({"signals", "request_id", "sources"})


class BadRequest(Exception):
    """What is wrong with a request, as OpenAI clients expect to be told."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request: which use case, what was said, what the caller tells of it."""

    use_case: str
    request_id: str
    messages: list[dict[str, Any]]
    attributes: dict[str, Any]
    signals: dict[str, Any]
    sources: list[Any]
    options: dict[str, Any] = field(default_factory=dict)
    stream: bool = False
    include_usage: bool = False
    trace_id: str | None = None

    @property
    def text(self) -> str:
        """Return the last thing the user said; empty where there is none."""
        for message in reversed(self.messages):
            if message["role"] == "user":
                return _text(message.get("content"))
        return ""


def parse_chat(body: bytes, headers: Mapping[str, str], use_cases: Container[str]) -> ChatRequest:
    """Read a chat completion request. Raises BadRequest."""
    given = _json_object(body)
    model = given.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest("model is to be the name of a use case", param="model")
    if model not in use_cases:
        raise BadRequest(
            f"The model {model[:100]!r} does not exist here; models are use cases, GET /v1/models lists them",
            param="model",
            code="model_not_found",
            status=404,
        )
    metadata = _optional(given, "metadata", dict, "an object") or {}
    stream_options = _optional(given, "stream_options", dict, "an object") or {}
    trace = _TRACEPARENT.match(headers.get("traceparent", ""))
    return ChatRequest(
        use_case=model,
        request_id=_request_id(metadata, headers),
        messages=_messages(given.get("messages")),
        attributes={name: value for name, value in metadata.items() if name not in _OWN_METADATA},
        signals=_signals(given, metadata),
        sources=_json_inside(metadata, "sources", list, "a list"),
        options=_options(given),
        stream=bool(_optional(given, "stream", bool, "true or false")),
        include_usage=stream_options.get("include_usage") is True,
        trace_id=trace.group(1) if trace else None,
    )


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not valid JSON", code="invalid_json") from None
    if not isinstance(given, dict):
        raise BadRequest("the body is to be a JSON object", code="invalid_json")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _deeper(given, MAX_DEPTH):
        raise BadRequest(f"the body is nested more than {MAX_DEPTH} deep", code="invalid_json")
    return given


def _deeper(value: object, limit: int) -> bool:
    # Level by level instead of by recursion, which is what the limit protects the rest from.
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _optional(given: Mapping[str, Any], name: str, kind: type | tuple[type, ...], words: str) -> Any:
    """Return a field that may be absent or null. Raises BadRequest where it is of another type."""
    value = given.get(name)
    if value is None:
        return None
    wanted = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise BadRequest(f"{name} is to be {words}", param=name)
    return value


def _request_id(metadata: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    given = metadata.get("request_id")
    if given is None:
        given = headers.get("x-request-id") or str(uuid6.uuid7())
    if not isinstance(given, str) or not 0 < len(given) <= MAX_REQUEST_ID:
        raise BadRequest(
            f"request_id is to be a text of 1 to {MAX_REQUEST_ID} characters", param="metadata.request_id"
        )
    return given


def _messages(given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given:
        raise BadRequest("messages is to be a list of at least one message", param="messages")
    for position, message in enumerate(given):
        path = f"messages[{position}]"
        if not isinstance(message, dict):
            raise BadRequest(f"{path} is to be an object", param=path)
        if not isinstance(message.get("role"), str) or message["role"] not in _ROLES:
            raise BadRequest(f"{path}.role is to be one of {', '.join(sorted(_ROLES))}", param=f"{path}.role")
        _check_content(message, f"{path}.content")
    return given


def _check_content(message: Mapping[str, Any], path: str) -> None:
    content = message.get("content")
    if isinstance(content, str) or (content is None and message["role"] in ("assistant", "function")):
        return
    if not isinstance(content, list) or not content:
        raise BadRequest(f"{path} is to be a text or a list of parts", param=path)
    for position, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str) or (kind == "text" and not isinstance(part.get("text"), str)):
            raise BadRequest(f"{path}[{position}] is no message part", param=f"{path}[{position}]")


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if part.get("type") == "text")


def _signals(given: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    inside: dict[str, Any] = _json_inside(metadata, "signals", dict, "an object")
    return inside | (_optional(given, "signals", dict, "an object") or {})


def _json_inside(metadata: Mapping[str, Any], name: str, kind: type, words: str) -> Any:
    """Return a metadata value that is JSON or, as OpenAI's metadata holds texts only, JSON in a text."""
    value = metadata.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            value = ...
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise BadRequest(f"metadata.{name} is to be {words}", param=f"metadata.{name}")
    return value


def _number(low: float, high: float) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return low <= value <= high and math.isfinite(value)

    return fits


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _stop(value: object) -> bool:
    listed = value if isinstance(value, list) else [value]
    return len(listed) <= 4 and all(isinstance(item, str) for item in listed)


# What a caller may set of the call to a model. The rest of a request is accepted and left out, as OpenAI's
# own servers do with fields they do not know; the model itself is the document's to choose.
_FORWARDED: dict[str, tuple[Callable[[object], bool], str]] = {
    "temperature": (_number(0, 2), "a number from 0 to 2"),
    "top_p": (_number(0, 1), "a number from 0 to 1"),
    "presence_penalty": (_number(-2, 2), "a number from -2 to 2"),
    "frequency_penalty": (_number(-2, 2), "a number from -2 to 2"),
    "max_tokens": (_whole(1, 10**9), "a whole number above 0"),
    "max_completion_tokens": (_whole(1, 10**9), "a whole number above 0"),
    "seed": (_whole(-(2**63), 2**63 - 1), "a whole number"),
    "stop": (_stop, "a text or up to four texts"),
    "user": (lambda value: isinstance(value, str), "a text"),
    "reasoning_effort": (lambda value: isinstance(value, str), "a text"),
    "response_format": (lambda value: isinstance(value, dict), "an object"),
}


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("n") not in (None, 1):
        raise BadRequest("n is to be 1: one answer passes the gate, not several", param="n")
    for name in ("tools", "functions"):
        if given.get(name):
            raise BadRequest(
                f"{name} are not supported: an answer is text that has passed the gate",
                param=name,
                code="unsupported_parameter",
            )
    options = {}
    for name, (fits, words) in _FORWARDED.items():
        value = given.get(name)
        if value is None:
            continue
        if not fits(value):
            raise BadRequest(f"{name} is to be {words}", param=name)
        options[name] = value
    return options
