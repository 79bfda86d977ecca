"""A stand-in for a model provider: `python -m console.samples.model_server --port N`.

OpenAI-compatible. A request is found by its text; its answer is the one recorded for that model, as JSON with
`answer` and `confidence`. A text nobody recorded gets an honest answer of low confidence.
"""

import argparse
import asyncio
import json
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from console.samples.recorded import Recorded, SampleRequest, read

# Waiting as long as the recorded model did would teach nobody anything.
PACE = 0.2
UNKNOWN = Recorded("I cannot answer this from what I have; a colleague should look at it.", 0.2, False, 300)


class ModelServer:
    """Answers by text and model from what was recorded."""

    def __init__(self, requests: Sequence[SampleRequest], pace: float = PACE) -> None:
        self._answers = {request.text: request.models for request in requests}
        self._models = sorted({model for request in requests for model in request.models})
        self._pace = pace

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/healthz", self.healthz),
            ]
        )

    async def chat(self, request: Request) -> JSONResponse:
        """Answer one chat completion."""
        try:
            body = await request.json()
            model, text, asked = str(body["model"]), question(body["messages"]), len(str(body["messages"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return _problem(400, "the body is to be a chat completion request")
        if model not in self._models:
            return _problem(404, f"there is no model {model[:100]!r}")
        recorded = self._answers.get(text, {}).get(model, UNKNOWN)
        await asyncio.sleep(recorded.latency_ms / 1000 * self._pace)
        return JSONResponse(completion(model, recorded, asked))

    async def models(self, request: Request) -> JSONResponse:
        """List the models."""
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "samples"} for name in self._models
        ]
        return JSONResponse({"object": "list", "data": listed})

    async def healthz(self, request: Request) -> JSONResponse:
        """Say that the process lives."""
        return JSONResponse({"status": "ok", "requests": len(self._answers)})


def question(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the last thing the user said. Raises TypeError or KeyError where messages are none."""
    content = next(message["content"] for message in reversed(messages) if message["role"] == "user")
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def completion(model: str, recorded: Recorded, asked: int) -> dict[str, Any]:
    """Return an OpenAI chat completion; `asked` is the request's length in characters."""
    content = json.dumps({"answer": recorded.answer, "confidence": recorded.confidence}, ensure_ascii=False)
    tokens_in, tokens_out = asked // 4 + 1, len(content) // 4 + 1
    return {
        "id": f"chatcmpl-{time.time_ns()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        ],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }


def _problem(status: int, message: str) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status_code=status)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description="Serve recorded model answers to the sample requests.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    serve(ModelServer(read()).app(), given.host, given.port)


def serve(app: Starlette, host: str, port: int) -> None:
    """Serve an application; prints `ready URL` once its socket is open."""
    listener = socket.create_server((host, port), backlog=512)
    print(f"ready http://{host}:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run([listener])


if __name__ == "__main__":
    main()
