"""Real assistant processes, as a test starts, asks and kills them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.integration.routing.runtime.small_console import TOKEN

ROOT = Path(__file__).parents[4]
Json = dict[str, Any]


class Assistant:
    """One `python -m routing.runtime`, started and ready."""

    def __init__(
        self,
        console: str,
        cache: Path,
        *use_cases: str,
        environment: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        arguments = ["--console", console, "--token", TOKEN, "--cache", str(cache), "--instance", cache.name]
        for slug in use_cases:
            arguments += ["--use-case", slug]
        fast = {"POLL_SECONDS": "0.3", "HEARTBEAT_SECONDS": "0.2"}
        self.errors = cache.parent / f"{cache.name}.stderr"
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "routing.runtime", *arguments],
                cwd=ROOT,
                env={**os.environ, **fast, **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=before,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            self.process.stdout.close()
            raise AssertionError(f"ended with {self.process.wait(10)}: {self.errors.read_text()}")
        self.url = line.split()[1]
        self.client = httpx.Client(base_url=self.url, timeout=60.0)

    def post(self, body: Any, **more: Any) -> httpx.Response:
        """Send a chat completion as it is."""
        return self.client.post("/v1/chat/completions", json=body, **more)

    def ask(self, slug: str, text: str = "Hello", **metadata: Any) -> Json:
        """Ask a question; returns the whole answer."""
        body: Json = {"model": slug, "messages": [{"role": "user", "content": text}]}
        response = self.post(body | ({"metadata": metadata} if metadata else {}))
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def health(self) -> Json:
        """Return /healthz."""
        health: Json = self.client.get("/healthz").json()
        return health

    def version(self) -> int:
        """Return the version held of the first use case."""
        return int(self.health()["use_cases"][0]["version"])

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop; returns its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(15)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


def said(answer: Json) -> str:
    """Return what the customer reads."""
    return str(answer["choices"][0]["message"]["content"])
