"""A model provider whose models behave as their names say."""

import asyncio
import json
import math
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.integration.routing.runtime.small_console import Served

Json = dict[str, Any]
CONTENTS = {
    "sure": json.dumps({"answer": "Surely.", "confidence": 0.95}),
    "unsure": json.dumps({"answer": "Perhaps.", "confidence": 0.3}),
    "middling": json.dumps({"answer": "Probably.", "confidence": 0.7}),
    "fenced": "```json\n" + json.dumps({"answer": "In a fence.", "confidence": 0.9}) + "\n```",
    "plain": "Just words.",
    "boastful": json.dumps({"answer": "Very sure.", "confidence": "0.99"}),
    "slow": json.dumps({"answer": "At last.", "confidence": 0.95}),
    "hanging": json.dumps({"answer": "Too late.", "confidence": 0.95}),
    "logprobs": "Token by token.",
    "gpt-4o-mini": json.dumps({"answer": "With a price.", "confidence": 0.3}),
}
PAUSES = {"slow": 0.7, "hanging": 30.0}


class ModelProvider(Served):
    """OpenAI-compatible; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.keys: list[str] = []
        super().__init__(Starlette(routes=[Route("/v1/chat/completions", self._chat, methods=["POST"])]))

    @property
    def base(self) -> str:
        """What goes into `api_base`."""
        return f"{self.url}/v1"

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        name = body["model"]
        await asyncio.sleep(PAUSES.get(name, 0))
        if name not in CONTENTS:
            return JSONResponse(
                {"error": {"message": "out of order", "type": "server_error"}}, status_code=500
            )
        choice: Json = {
            "index": 0,
            "message": {"role": "assistant", "content": CONTENTS[name]},
            "finish_reason": "stop",
        }
        if body.get("logprobs"):
            tokens: list[Json] = [
                {"token": "x", "logprob": math.log(p), "bytes": None, "top_logprobs": []} for p in (0.9, 0.4)
            ]
            choice["logprobs"] = {"content": tokens}
        usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": name}
        return JSONResponse(answer | {"choices": [choice], "usage": usage})


def document(provider: ModelProvider, *models: str, source: str = "verbalised", **thresholds: float) -> Json:
    """Return a document whose ladder is those models, each accepted from 0.8 on."""
    return {
        "schema": 1,
        "models": [
            {"name": m, "litellm": f"openai/{m}", "timeout_s": 3.0, "api_base": provider.base} for m in models
        ],
        "confidence": {"source": source, "missing": 0.0},
        "bands": [
            {"name": "answer", "from": 0.8, "action": "answer"},
            {"name": "review", "from": 0.5, "action": "review", "queue": "desk"},
            {"name": "escalate", "from": 0.0, "action": "escalate", "queue": "desk"},
        ],
        "ladder": [{"model": m, "accept_from": 0.8} for m in models],
        "thresholds": thresholds,
        "rules": [],
        "queues": [{"name": "desk", "sla_minutes": 30, "capacity_per_hour": 10, "on_breach": None}],
        "messages": {"review": "We check this.", "escalate": "A person answers."},
        "pins": {"prompt": "claims@1", "retrieval_index": "policies@1"},
        "lease": {"seconds": 300, "then": "baseline"},
    }
