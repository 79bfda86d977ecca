"""Asking one model, through LiteLLM. The only import of it, made in the background once a model is needed.

A model that fails is an attempt with an error, never an exception: the ladder goes on.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from routing.runtime.masking import masked, shortened, storable
from routing.runtime.verbalised import INSTRUCTION, SCHEMA, as_confidence, from_logprobs, read_answer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One model asked once. `answer` is None where it gave none; then `error` says why."""

    model: str
    answer: str | None = None
    confidence: float | None = None
    cost_usd: float = 0.0
    latency_ms: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    error: str = ""

    def as_tried(self) -> dict[str, Any]:
        """Return what a decision record tells of this attempt."""
        tried: dict[str, Any] = {
            "model": self.model,
            "confidence": self.confidence,
            "cost_usd": self.cost_usd,
            "latency_ms": round(self.latency_ms, 3),
        }
        return tried | ({"error": self.error} if self.error else {})


class Completion:
    """Models, reached through LiteLLM."""

    def __init__(self) -> None:
        self._importing: asyncio.Task[ModuleType] | None = None

    def warm(self) -> None:
        """Start importing LiteLLM in the background; it takes seconds, and nobody waits for it here."""
        if self._importing is None or (self._importing.done() and self._importing.exception()):
            self._importing = asyncio.create_task(asyncio.to_thread(_import_litellm))

    async def ready(self) -> None:
        """Wait until models can be asked."""
        self.warm()
        assert self._importing is not None
        await asyncio.shield(self._importing)

    async def ask(
        self,
        model: Mapping[str, Any],
        messages: Sequence[Mapping[str, Any]],
        *,
        source: str,
        options: Mapping[str, Any],
        timeout_s: float,
    ) -> Attempt:
        """Ask a model of the document once; `timeout_s` is hard. Never raises but for cancellation."""
        name = str(model["name"])
        started = time.perf_counter()
        try:
            await self.ready()
            assert self._importing is not None
            litellm = self._importing.result()
            arguments = _arguments(litellm, model, messages, source, options, timeout_s)
            started = time.perf_counter()
            response = await asyncio.wait_for(litellm.acompletion(**arguments), timeout_s)
            elapsed = _milliseconds(started)
            return _attempt(litellm, name, str(model["litellm"]), response, source, elapsed)
        except TimeoutError:
            error = f"no answer within {timeout_s:g} s"
        except Exception as failure:  # providers fail in more ways than there are classes for
            # A provider may quote the request in its complaint.
            error = shortened(masked(storable(f"{type(failure).__name__}: {failure}"[:1000])), 300)
        log.info("model %s: %s", name, error)
        return Attempt(name, latency_ms=_milliseconds(started), error=error)


def _import_litellm() -> ModuleType:
    # Without this the import fetches a price list from the internet.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    module: ModuleType = litellm
    vars(module).update(telemetry=False, suppress_debug_info=True, drop_params=True)
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    with contextlib.suppress(Exception):
        # Its first call imports a good deal more; better here than in the event loop. Nothing is sent.
        hello = [{"role": "user", "content": "hello"}]
        litellm.completion(model="openai/gpt-4o-mini", messages=hello, mock_response="hello", api_key="none")
    return module


def _arguments(
    litellm: Any,
    model: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]],
    source: str,
    options: Mapping[str, Any],
    timeout_s: float,
) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        **options,
        "model": model["litellm"],
        "messages": [dict(message) for message in messages],
        "timeout": timeout_s,
        # The ladder is the retry: a second try of the same rung would eat the next one's time.
        "num_retries": 0,
        "max_retries": 0,
    }
    if source == "verbalised":
        arguments["messages"] = [{"role": "system", "content": INSTRUCTION}, *arguments["messages"]]
        arguments.pop("response_format", None)
        if _takes_schema(litellm, str(model["litellm"])):
            arguments["response_format"] = SCHEMA
    elif source == "logprobs":
        arguments["logprobs"] = True
    if "user" in options and str(model["litellm"]).startswith("openai/"):
        # LiteLLM leaves it out for a model whose name it does not know, and servers of one's own have such.
        arguments["allowed_openai_params"] = ["user"]
    if model.get("api_base"):
        arguments["api_base"] = model["api_base"]
        # Whoever may edit a document could name any address there: the provider's own key, which
        # LiteLLM would take from the environment, must not go to it.
        arguments["api_key"] = os.environ.get("MODEL_API_KEY") or "none"
    return arguments


def _takes_schema(litellm: Any, model: str) -> bool:
    try:
        return bool(litellm.supports_response_schema(model=model))
    except Exception:  # a model LiteLLM does not know; the instruction alone has to do
        return False


def _attempt(
    litellm: Any, name: str, litellm_name: str, response: Any, source: str, elapsed_ms: float
) -> Attempt:
    choice = response.choices[0]
    content = choice.message.content
    usage = getattr(response, "usage", None)
    cost = _cost(litellm, litellm_name, response)
    tokens_in = int(getattr(usage, "prompt_tokens", 0) or 0)
    tokens_out = int(getattr(usage, "completion_tokens", 0) or 0)
    measured = (cost, elapsed_ms, tokens_in, tokens_out)
    if not isinstance(content, str) or not content:
        return Attempt(name, None, None, *measured, error="the model answered without text")
    if source == "verbalised":
        answer, confidence = read_answer(content)
    elif source == "logprobs":
        answer, confidence = content, from_logprobs(_token_logprobs(choice))
    else:
        answer, confidence = content, None
    return Attempt(name, answer, as_confidence(confidence), *measured)


def _token_logprobs(choice: Any) -> list[object]:
    logprobs = getattr(choice, "logprobs", None)
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else getattr(logprobs, "content", None)
    return [t.get("logprob") if isinstance(t, dict) else getattr(t, "logprob", None) for t in tokens or []]


def _cost(litellm: Any, model: str, response: Any) -> float:
    try:
        cost = float(litellm.completion_cost(completion_response=response, model=model) or 0.0)
    except Exception:  # no price known: it costs nothing as far as we can tell
        return 0.0
    return cost if 0.0 <= cost < float("inf") else 0.0


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
