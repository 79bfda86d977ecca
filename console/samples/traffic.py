"""Sample traffic: `python -m console.samples.traffic --assistant URL --console URL --token TOKEN`.

First a burst, so that no chart is empty, then a steady trickle of recorded requests, the common ones more often.
Of random audits, and of some of what came to review, an outcome is told to the console, as a reviewer would.
"""

import argparse
import asyncio
import logging
import os
import random
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import uuid6

from console.samples.recorded import SampleRequest, read

log = logging.getLogger(__name__)

OUTCOME_SHARE = 0.2
# An outcome is about a decision that the console has: assistants deliver theirs within half a second or so.
OUTCOME_AFTER_S = 1.0
AT_ONCE = 4


@dataclass(slots=True)
class Traffic:
    """Where requests go, and what has been sent."""

    assistants: Sequence[str]
    console: str
    token: str
    requests: Sequence[SampleRequest]
    client: httpx.AsyncClient
    key: str = ""
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0

    async def burst(self, count: int) -> None:
        """Send so many requests, a few at a time."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                await self.send()

        await asyncio.gather(*(one() for _ in range(count)))

    async def trickle(self, rate: float) -> None:
        """Send so many requests a second, at random moments, until cancelled."""
        running: set[asyncio.Task[None]] = set()
        while True:
            await asyncio.sleep(random.expovariate(rate))
            if len(running) < 20 * AT_ONCE:
                task = asyncio.create_task(self.send())
                running.add(task)
                task.add_done_callback(running.discard)

    async def report(self) -> None:
        """Tell the console the outcomes that have come together, every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(OUTCOME_AFTER_S)
            telling, self.outcomes = self.outcomes, []
            await asyncio.sleep(OUTCOME_AFTER_S)
            if telling and not await self._tell(telling):
                self.outcomes = (telling + self.outcomes)[-2_000:]

    async def send(self) -> None:
        """Send one request to one assistant."""
        weights = [request.weight for request in self.requests]
        request = random.choices(self.requests, weights)[0]
        body = {
            "model": request.use_case,
            "messages": [{"role": "user", "content": request.text}],
            "metadata": {
                **_varied(request.attributes),
                "signals": request.signals,
                "sources": request.sources,
                "request_id": str(uuid6.uuid7()),
            },
        }
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            url = f"{random.choice(self.assistants)}/v1/chat/completions"
            response = await self.client.post(url, json=body, headers=headers)
            decision = response.raise_for_status().json()["decision"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            log.info("a request was not answered: %s", error)
            await asyncio.sleep(1.0)
            return
        self.sent += 1
        self._judge(request, decision)

    def _judge(self, request: SampleRequest, decision: dict[str, Any]) -> None:
        """Say whether the model was right as a reviewer would: of each random audit, and of some reviews."""
        recorded = _recorded(request, decision.get("model"))
        seen = decision.get("audited") or (decision["action"] == "review" and random.random() < OUTCOME_SHARE)
        if recorded is None or not seen:
            return
        self.outcomes.append(
            {
                "decision_id": decision["decision_id"],
                "use_case": request.use_case,
                "correct": recorded,
                "source": "sample reviewer",
            }
        )

    async def _tell(self, outcomes: list[dict[str, Any]]) -> bool:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            response = await self.client.post(
                f"{self.console}/api/v1/outcomes", json=outcomes, headers=headers
            )
        except httpx.HTTPError as error:
            log.info("outcomes wait: %s", error)
            return False
        if response.is_client_error:
            log.warning("the console refused outcomes: %s", response.text[:300])
        return not response.is_server_error


# A document calls its models as it likes; the recordings know them by the provider's name.
_SIZES = {"small": "gpt-4o-mini", "large": "gpt-4o"}


def _recorded(request: SampleRequest, model: object) -> bool | None:
    """Return whether that model's recorded answer was right; None where it has none."""
    name = str(model)
    recorded = request.models.get(_SIZES.get(name, name))
    return recorded.correct if recorded else None


def _varied(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes as another customer might have them: same question, another channel."""
    varied = dict(attributes)
    if random.random() < 0.3:
        varied["channel"] = random.choice(["chat", "mail", "app", "phone"])
    return varied


async def run(given: argparse.Namespace) -> None:
    """Send a burst, then trickle until cancelled."""
    async with httpx.AsyncClient(timeout=30.0, trust_env=False) as client:
        traffic = Traffic(given.assistant, given.console.rstrip("/"), given.token, read(), client, given.key)
        reporting = asyncio.create_task(traffic.report())
        try:
            await traffic.burst(given.burst)
            await traffic.trickle(given.rate)
        finally:
            reporting.cancel()


def main() -> None:
    """Send traffic until told to stop."""
    parser = argparse.ArgumentParser(description="Send the recorded sample requests through assistants.")
    parser.add_argument("--assistant", action="append", required=True, metavar="URL")
    parser.add_argument("--console", required=True, metavar="URL")
    parser.add_argument("--token", default=os.environ.get("CONSOLE_TOKEN", ""))
    key = os.environ.get("GATEWAY_API_KEYS", "").split(",")[0].strip()
    parser.add_argument("--key", default=key, help="an assistant's API key, where it asks for one")
    parser.add_argument("--rate", type=float, default=2.0, help="requests a second, all together")
    parser.add_argument("--burst", type=int, default=200, help="requests at the start")
    given = parser.parse_args()
    given.assistant = [address.rstrip("/") for address in given.assistant]
    # SIGTERM ends it as Ctrl-C does: no traceback, status 0.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.basicConfig(level=logging.WARNING)
    with suppress(KeyboardInterrupt):
        asyncio.run(run(given))


if __name__ == "__main__":
    main()
