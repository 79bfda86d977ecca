"""One request from question to answer: state first, then models, then the decision, then the record."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import uuid6

from routing.engine.decide import Compiled
from routing.runtime import records
from routing.runtime.chat import ChatRequest
from routing.runtime.climbing import Climb, climb
from routing.runtime.completion import Attempt, Completion
from routing.runtime.held import HeldConfig
from routing.runtime.spend import Spend
from routing.runtime.spool import Spool
from routing.runtime.verbalised import as_confidence

_NO_CLIMB = Climb((), None)
_FROM_CALLER = ("sensitivity", "retrieval_score")


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back to the caller."""

    content: str
    decision: dict[str, Any]
    tokens_in: int
    tokens_out: int


class Answering:
    """Answers requests under the config that each use case holds."""

    def __init__(
        self,
        configs: Mapping[str, HeldConfig],
        completion: Completion,
        spool: Spool,
        spend: Spend,
        instance: str,
    ) -> None:
        self._configs = configs
        self._completion = completion
        self._spool = spool
        self._spend = spend
        self._instance = instance

    async def answer(self, request: ChatRequest) -> Answered:
        """Answer a request; its record is kept before this returns."""
        started = time.perf_counter()
        config = self._configs[request.use_case]
        made = await self._decide(request, config, started)
        content = records.content(made)
        row = records.row(made, content)
        self._spend.add(row.use_case, row.cost_usd, row.day)
        await self._spool.append(row)
        return Answered(content, records.told(made), *made.tokens)

    async def _decide(self, request: ChatRequest, config: HeldConfig, started: float) -> records.Made:
        enforced = config.enforced()
        context = {**request.attributes, "request_id": request.request_id}
        source = _source(enforced)
        signals = self._signals(request, source)
        climbed = _NO_CLIMB
        plan = enforced.plan(context, signals)
        decision = plan.decided
        if decision is None and plan.rungs:
            climbed = await self._climb(plan.rungs, enforced, request, signals)
            signals |= _outcome(climbed)
            # The switch may have been pulled while the model was thinking: nothing of a model reaches
            # a customer after this assistant has confirmed the safe state.
            now = config.enforced()
            enforced = now if now.state != "live" else enforced
        if decision is None:
            decision = enforced.decide(context, signals)
        return records.Made(
            id=str(uuid6.uuid7()),
            request=request,
            enforced=enforced,
            decision=decision,
            climb=climbed,
            # Recorded beside it, in `tried`, is what the model said: any other map can be replayed on that.
            confidence=enforced.judged(signals.get("model"), as_confidence(signals.get("confidence"))),
            signal=_signal(climbed, source, signals),
            instance=self._instance,
            latency_ms=(time.perf_counter() - started) * 1000,
            signals=signals,
        )

    def _signals(self, request: ChatRequest, source: str) -> dict[str, Any]:
        # A caller reports on its request. How sure a model was is for the model to say, unless the
        # document names the caller as the source.
        names = (*_FROM_CALLER, "confidence") if source == "context" else _FROM_CALLER
        signals = {name: request.signals[name] for name in names if name in request.signals}
        return signals | {"spent_today_usd": self._spend.today(request.use_case)}

    async def _climb(
        self,
        rungs: tuple[tuple[str, float], ...],
        enforced: Compiled,
        request: ChatRequest,
        signals: Mapping[str, Any],
    ) -> Climb:
        await self._completion_ready()
        document = enforced.document
        models = {model["name"]: model for model in document.get("models") or []}
        thresholds = document.get("thresholds") or {}
        source = _source(enforced)
        missing = (document.get("confidence") or {}).get("missing") or 0.0

        async def ask(name: str, left_s: float | None) -> Attempt:
            model = models[name]
            limit = float(model.get("timeout_s") or 30.0)
            timeout = limit if left_s is None else min(limit, left_s)
            attempt = await self._completion.ask(
                model, request.messages, source=source, options=request.options, timeout_s=timeout
            )
            if source != "context" or attempt.answer is None:
                return attempt
            return replace(attempt, confidence=as_confidence(signals.get("confidence")))

        def confidence_of(attempt: Attempt) -> float:
            confidence = enforced.judged(attempt.model, attempt.confidence)
            return missing if confidence is None else confidence

        return await climb(
            rungs,
            ask,
            confidence_of=confidence_of,
            cost_cap_usd=thresholds.get("cost_per_task_usd"),
            latency_s=thresholds.get("latency_s"),
        )

    async def _completion_ready(self) -> None:
        # Outside of the request's time: the first seconds of a process must not escalate everything.
        try:
            await self._completion.ready()
        except Exception:  # told by each attempt, with its reason
            return


def _source(enforced: Compiled) -> str:
    return str((enforced.document.get("confidence") or {}).get("source") or "context")


def _outcome(climbed: Climb) -> dict[str, Any]:
    """Return the signals that a climb adds: the confidence as reported, since deciding maps it."""
    standing = climbed.standing
    if standing is None:
        return {"error": climbed.error, "confidence": None}
    return {"model": standing.model, "confidence": standing.confidence}


def _signal(climbed: Climb, source: str, signals: Mapping[str, Any]) -> str | None:
    """Name where the confidence came from; null where none was judged."""
    if as_confidence(signals.get("confidence")) is not None:
        return source
    return "missing" if climbed.tried else None
