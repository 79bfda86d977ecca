"""The recorded chatbots of the real data set as a model provider: `python -m tests.chatbot_server --port N`.

OpenAI-compatible. The model's name is the engine (`dialogflow`, `bert_subset`, …), the last user message the
question; the answer is JSON with the engine's intent as `answer` and its recorded number as `confidence`. Where
a question was asked more than once, `user` (the row's request id) says which row is meant. The data lies beside
the repository, or where SHARED_DATA says; it is not part of the project.
"""

import argparse
import csv
import gzip
import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
DECISIONS = DATA / "live_chatbots" / "decisions.csv.gz"
PUBLISHED = DATA / "live_chatbots" / "published_threshold_results.csv.gz"
MISSING = f"the recorded chatbots are not here: {DECISIONS}"
# Answering this means not answering.
NO_INTENT = "NO_NODES_DETECTED"

Row = dict[str, str]


def read_rows(path: Path = DECISIONS) -> list[Row]:
    """Read every recorded request; a text cell each, as in the file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


class Chatbots:
    """Recorded answers by engine and question."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._by_id = {row["request_id"]: row for row in rows}
        self._by_text: dict[str, Row] = {}
        for row in rows:
            self._by_text.setdefault(row["text"], row)
        self.engines = sorted({name.removesuffix("__predicted") for name in rows[0] if "__predicted" in name})

    def answer(self, engine: str, text: str, request_id: str) -> dict[str, Any] | None:
        """Return the engine's answer to a question; None where nothing was recorded."""
        row = self._by_id.get(request_id)
        if row is None or row["text"] != text:
            row = self._by_text.get(text)
        if row is None or engine not in self.engines:
            return None
        return {"answer": row[f"{engine}__predicted"], "confidence": float(row[f"{engine}__confidence"])}

    async def chat(self, request: Request) -> JSONResponse:
        """Answer one chat completion."""
        body = await request.json()
        engine, user = str(body["model"]), str(body.get("user") or "")
        answer = self.answer(engine, _question(body["messages"]), user)
        if answer is None:
            message = f"{engine} was never asked this"
            return JSONResponse({"error": {"message": message, "type": "not_found"}}, status_code=404)
        return JSONResponse(_completion(engine, json.dumps(answer)))

    async def models(self, request: Request) -> JSONResponse:
        """List the engines."""
        listed = [
            {"id": engine, "object": "model", "created": 0, "owned_by": "tests"} for engine in self.engines
        ]
        return JSONResponse({"object": "list", "data": listed})

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/models", self.models),
            ]
        )


def _question(messages: Sequence[Mapping[str, Any]]) -> str:
    content: str = next(message["content"] for message in reversed(messages) if message["role"] == "user")
    return content


def _completion(model: str, content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "id": f"chatcmpl-{time.time_ns()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def main() -> int:
    """Serve until told to stop; prints `ready URL` once its socket is open."""
    parser = argparse.ArgumentParser(description="Serve the recorded chatbots.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    given = parser.parse_args()
    if not DECISIONS.exists():
        print(MISSING, file=sys.stderr)
        return 2
    app = Chatbots(read_rows()).app()
    listener = socket.create_server(("127.0.0.1", given.port), backlog=512)
    print(f"ready http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run([listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
