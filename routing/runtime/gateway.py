"""What callers meet: an OpenAI-compatible API whose models are use cases."""

import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from routing.runtime.answering import Answered, Answering
from routing.runtime.chat import MAX_BODY_BYTES, BadRequest, parse_chat

log = logging.getLogger(__name__)

Health = Callable[[], dict[str, Any]]


class Json(JSONResponse):
    """JSON in ASCII: half of a surrogate pair that a caller sent comes back as it was, not as a 500."""

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


class Gateway:
    """The HTTP face of one assistant."""

    def __init__(
        self, answering: Answering, use_cases: Collection[str], keys: Collection[str], health: Health
    ) -> None:
        self._answering = answering
        self._use_cases = use_cases
        self._keys = [key.encode() for key in keys]
        self._health = health
        self._started = int(time.time())

    def app(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/v1/models/{name:path}", self.model, methods=["GET"]),
            Route("/healthz", self.healthz, methods=["GET"]),
        ]
        handlers: dict[Any, Any] = {BadRequest: _refused, HTTPException: _http_error, Exception: _failed}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def chat(self, request: Request) -> Response:
        """Answer one chat completion, whole or as a stream of the finished answer."""
        self._check_key(request)
        body = await _body(request)
        chat = parse_chat(body, request.headers, self._use_cases)
        answered = await self._answering.answer(chat)
        headers = {"x-decision": json.dumps(answered.decision, separators=(",", ":"))}
        if chat.stream:
            chunks = _chunks(answered, chat.use_case, chat.include_usage)
            return StreamingResponse(chunks, media_type="text/event-stream", headers=headers)
        return Json(_completion(answered, chat.use_case), headers=headers)

    async def models(self, request: Request) -> Response:
        """List the use cases as models."""
        self._check_key(request)
        return Json({"object": "list", "data": [self._model(slug) for slug in self._use_cases]})

    async def model(self, request: Request) -> Response:
        """Describe one use case as a model."""
        self._check_key(request)
        name = request.path_params["name"]
        if name not in self._use_cases:
            message = f"The model {name[:100]!r} does not exist here"
            raise BadRequest(message, param="model", code="model_not_found", status=404)
        return Json(self._model(name))

    async def healthz(self, request: Request) -> Response:
        """Say that the process lives, what it enforces, and what troubles it."""
        return Json(self._health())

    def _model(self, slug: str) -> dict[str, Any]:
        return {"id": slug, "object": "model", "created": self._started, "owned_by": "operator-console"}

    def _check_key(self, request: Request) -> None:
        if not self._keys:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        sent = given.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""
        # In constant time: how long a refusal takes must not tell how much of a key was right.
        if not any(hmac.compare_digest(sent, key) for key in self._keys):
            message = "A valid API key is needed: Authorization: Bearer KEY"
            raise BadRequest(message, code="invalid_api_key", status=401, kind="authentication_error")


async def _body(request: Request) -> bytes:
    too_large = BadRequest(
        f"the body is larger than {MAX_BODY_BYTES} bytes", code="request_too_large", status=413
    )
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise too_large
    except ClientDisconnect:
        raise BadRequest("the connection ended before the body did", status=400) from None
    return bytes(body)


def _completion(answered: Answered, model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": answered.content, "refusal": None}
    return {
        "id": f"chatcmpl-{answered.decision['decision_id']}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _usage(answered),
        "decision": answered.decision,
    }


def _usage(answered: Answered) -> dict[str, int]:
    return {
        "prompt_tokens": answered.tokens_in,
        "completion_tokens": answered.tokens_out,
        "total_tokens": answered.tokens_in + answered.tokens_out,
    }


async def _chunks(answered: Answered, model: str, include_usage: bool) -> AsyncIterator[str]:
    """Yield a finished answer as the events of a stream: gating needs the whole, clients like pieces."""
    frame = {
        "id": f"chatcmpl-{answered.decision['decision_id']}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
    }

    def event(delta: dict[str, Any], finish: str | None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return f"data: {json.dumps(frame | {'choices': [choice]} | more)}\n\n"

    yield event({"role": "assistant", "content": answered.content}, None)
    yield event({}, "stop", decision=answered.decision)
    if include_usage:
        yield f"data: {json.dumps(frame | {'choices': [], 'usage': _usage(answered)})}\n\n"
    yield "data: [DONE]\n\n"


async def _refused(request: Request, error: BadRequest) -> Response:
    return Json(error.body, status_code=error.status)


async def _http_error(request: Request, error: HTTPException) -> Response:
    body = BadRequest(f"{request.method} {request.url.path[:200]}: {error.detail}").body
    return Json(body, status_code=error.status_code, headers=error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    body = BadRequest("the assistant failed; the fault is in its log", kind="server_error").body
    return Json(body, status_code=500)
