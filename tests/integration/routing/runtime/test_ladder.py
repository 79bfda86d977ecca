"""How an assistant climbs its ladder of models, and what it makes of their answers."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from tests.integration.routing.runtime.assistants import Assistant, said
from tests.integration.routing.runtime.model_provider import ModelProvider, document
from tests.integration.routing.runtime.small_console import SmallConsole, wait_until

Json = dict[str, Any]


@pytest.fixture(scope="module")
def console() -> Iterator[SmallConsole]:
    small = SmallConsole()
    small.start()
    yield small
    small.stop()


@pytest.fixture(scope="module")
def assistant(console: SmallConsole, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    running = Assistant(
        console.url,
        tmp_path_factory.mktemp("ladder") / "one",
        "claims",
        environment={"OPENAI_API_KEY": "the-provider-s-key"},
    )
    yield running
    running.kill()


class Bench:
    """Publishes a document, asks, and finds the record."""

    def __init__(self, console: SmallConsole, assistant: Assistant) -> None:
        self.console, self.assistant = console, assistant

    def set(self, document: Json, **more: Any) -> None:
        version = 1 + max([0, *(e["version"] for e in self.console.envelopes.values())])
        self.console.publish("claims", version, document, **more)
        wait_until(lambda: self.assistant.version() == version, "the document is held")

    def ask(self, **metadata: Any) -> tuple[Json, Json]:
        answer = self.assistant.ask("claims", "May I?", **metadata)
        wanted = answer["decision"]["decision_id"]
        return answer, self.record(wanted)

    def record(self, decision_id: str) -> Json:
        return next(
            iter(
                wait_until(
                    lambda: [r for r in self.console.decisions if r["id"] == decision_id],
                    "the record arrives",
                )
            )
        )


@pytest.fixture
def bench(console: SmallConsole, assistant: Assistant) -> Bench:
    return Bench(console, assistant)


def test_a_sure_model_answers_alone(bench: Bench, provider: ModelProvider) -> None:
    bench.set(document(provider, "sure", "middling"))
    answer, record = bench.ask(topic="water", amount=12)
    assert said(answer) == "Surely."
    assert answer["decision"]["model"] == "sure"
    assert answer["decision"]["ticket"] is None
    assert [t["model"] for t in record["tried"]] == ["sure"]
    assert (record["confidence"], record["signal"], record["action"]) == (0.95, "verbalised", "answer")
    assert (record["tokens_in"], record["tokens_out"]) == (1000, 500)
    assert record["attributes"] == {"topic": "water", "amount": 12}
    assert (record["prompt"], record["text"], record["answer"]) == ("claims@1", "May I?", "Surely.")
    assert record["latency_ms"] >= record["tried"][0]["latency_ms"] > 0


def test_below_its_rung_the_next_is_asked_and_the_last_answer_stands(
    bench: Bench, provider: ModelProvider
) -> None:
    bench.set(document(provider, "unsure", "middling"))
    answer, record = bench.ask()
    assert answer["decision"]["action"] == "review"
    assert said(answer) == "We check this."
    assert [(t["model"], t["confidence"]) for t in record["tried"]] == [("unsure", 0.3), ("middling", 0.7)]
    assert record["model"] == "middling"
    assert record["answer"] == "Probably.", "a reviewer reads what the model would have said"


def mapped(document: Json, model: int, **points: float) -> Json:
    """Return the document with a calibration map for one model: what it says is in the names, as `says_95`."""
    given = {int(name.removeprefix("says_")) / 100: counts for name, counts in points.items()}
    line = {"reported": [0.0, *given], "calibrated": [0.0, *given.values()]}
    models = [m | {"calibration": line} if i == model else m for i, m in enumerate(document["models"])]
    return document | {"models": models}


def test_rungs_and_bands_judge_what_a_map_makes_of_it_and_what_was_said_is_kept(
    bench: Bench, provider: ModelProvider
) -> None:
    """The sure one boasts: its 0.95 counts 0.60, so the next one is asked, whose 0.70 counts 0.90."""
    boasts = mapped(document(provider, "sure", "middling"), 0, says_95=0.6)
    bench.set(boasts)
    answer, record = bench.ask()
    assert [(t["model"], t["confidence"]) for t in record["tried"]] == [("sure", 0.95), ("middling", 0.7)]
    assert (record["model"], record["confidence"], record["action"]) == ("middling", 0.7, "review")

    bench.set(mapped(boasts, 1, says_70=0.9))
    answer, record = bench.ask()
    assert said(answer) == "Probably."
    assert [(t["model"], t["confidence"]) for t in record["tried"]] == [("sure", 0.95), ("middling", 0.7)]
    assert (record["confidence"], record["signal"], record["action"]) == (0.9, "verbalised", "answer")
    assert answer["decision"]["confidence"] == 0.9


def test_what_a_caller_says_is_calibrated_once_and_kept_as_said(
    bench: Bench, provider: ModelProvider
) -> None:
    bench.set(mapped(document(provider, "plain", source="context"), 0, says_90=0.6, says_100=0.9))
    _, record = bench.ask(signals={"confidence": 0.9})
    assert (record["confidence"], record["signal"], record["action"]) == (0.6, "context", "review")
    assert record["tried"][0]["confidence"] == 0.9


def test_a_broken_model_is_noted_and_the_ladder_goes_on(bench: Bench, provider: ModelProvider) -> None:
    bench.set(document(provider, "broken", "sure"))
    answer, record = bench.ask()
    assert said(answer) == "Surely."
    assert "out of order" in record["tried"][0]["error"]
    assert record["tried"][0]["confidence"] is None


def test_when_no_model_answers_a_person_does(bench: Bench, provider: ModelProvider) -> None:
    bench.set(document(provider, "broken", "broken2"))
    answer, record = bench.ask()
    assert said(answer) == "A person answers."
    assert (answer["decision"]["reason"], answer["decision"]["model"]) == ("ERROR", None)
    assert len(record["tried"]) == 2
    assert record["confidence"] is None


@pytest.mark.parametrize(
    ("model", "answer", "confidence"),
    [("fenced", "In a fence.", 0.9), ("plain", "Just words.", None), ("boastful", "Very sure.", None)],
)
def test_what_a_model_says_of_itself_is_read_strictly(
    bench: Bench, provider: ModelProvider, model: str, answer: str, confidence: float | None
) -> None:
    bench.set(document(provider, model))
    _, record = bench.ask()
    assert (record["answer"], record["confidence"]) == (answer, confidence)
    assert record["action"] == ("answer" if confidence else "escalate")
    assert record["signal"] == ("verbalised" if confidence else "missing")


def test_log_probabilities_are_asked_for_and_averaged(bench: Bench, provider: ModelProvider) -> None:
    bench.set(document(provider, "logprobs", source="logprobs"))
    _, record = bench.ask()
    assert provider.asked[-1]["logprobs"] is True
    assert record["confidence"] == pytest.approx(0.6)
    assert (record["signal"], record["action"]) == ("logprobs", "review")


def test_only_where_the_document_says_so_the_caller_tells_the_confidence(
    bench: Bench, provider: ModelProvider
) -> None:
    bench.set(document(provider, "plain", source="context"))
    answer, record = bench.ask(signals={"confidence": 0.9})
    assert said(answer) == "Just words."
    assert (record["confidence"], record["signal"]) == (0.9, "context")
    _, record = bench.ask(signals='{"confidence": 0.6}')
    assert record["action"] == "review"
    bench.set(document(provider, "unsure"))
    _, record = bench.ask(signals={"confidence": 0.99, "error": "", "model": "sure"})
    assert (record["confidence"], record["action"]) == (0.3, "escalate")


def test_the_caller_s_options_and_user_reach_the_model_and_the_provider_s_key_does_not(
    bench: Bench, provider: ModelProvider
) -> None:
    bench.set(document(provider, "sure"))
    body = {"model": "claims", "messages": [{"role": "user", "content": "Hi"}], "user": "u-1", "seed": 7}
    assert bench.assistant.post(body).status_code == 200
    asked = provider.asked[-1]
    assert (asked["user"], asked["seed"]) == ("u-1", 7)
    assert asked["messages"][-1] == {"role": "user", "content": "Hi"}
    assert "confidence" in asked["messages"][0]["content"]
    # The document chose this address, and not everybody who may edit one may see the key.
    assert "the-provider-s-key" not in provider.keys[-1]


def test_a_model_that_hangs_costs_no_more_than_the_request_may_take(
    bench: Bench, provider: ModelProvider
) -> None:
    bench.set(document(provider, "unsure", "hanging", "sure", latency_s=0.6))
    began = time.monotonic()
    answer, record = bench.ask()
    assert time.monotonic() - began < 2
    assert [t["model"] for t in record["tried"]] == ["unsure", "hanging"]
    assert "within" in record["tried"][1]["error"]
    assert answer["decision"]["model"] == "unsure", "the answer there is stands"


def test_money_spent_stops_the_climb(bench: Bench, provider: ModelProvider) -> None:
    # 1,000 tokens in and 500 out of this model cost $0.00045.
    bench.set(document(provider, "gpt-4o-mini", "sure", cost_per_task_usd=0.0004))
    _, record = bench.ask()
    assert [t["model"] for t in record["tried"]] == ["gpt-4o-mini"]
    assert record["cost_usd"] == pytest.approx(0.00045)
    bench.set(document(provider, "gpt-4o-mini", "sure", cost_per_task_usd=0.001))
    _, record = bench.ask()
    assert [t["model"] for t in record["tried"]] == ["gpt-4o-mini", "sure"]


def test_a_budget_spent_today_sends_the_rest_to_people(bench: Bench, provider: ModelProvider) -> None:
    bench.console.spent_today["claims"] = 4.9999
    bench.set(document(provider, "gpt-4o-mini", daily_budget_usd=5.0))
    beats = len(bench.console.heartbeats)
    wait_until(lambda: len(bench.console.heartbeats) > beats + 1, "the console tells its number")
    _, record = bench.ask()
    assert record["tried"], "a little is left"
    # What this assistant has spent itself counts at once, before the console knows of it.
    _, record = bench.ask()
    assert not record["tried"]
    assert record["action"] == "escalate"
    bench.console.spent_today.clear()


def test_a_switch_pulled_while_a_model_thinks_holds_its_answer_back(
    bench: Bench, provider: ModelProvider
) -> None:
    bench.set(document(provider, "slow"))
    with ThreadPoolExecutor(1) as pool:
        asked = len(provider.asked)
        waiting = pool.submit(bench.ask)
        wait_until(lambda: len(provider.asked) > asked, "the model is asked")
        bench.set(document(provider, "slow"), state="baseline", message="Stopped.")
        answer, record = waiting.result(30)
    assert said(answer) == "Stopped."
    assert record["state"] == "baseline"
    assert [t["model"] for t in record["tried"]] == ["slow"]


def test_under_review_all_the_model_drafts_and_a_person_sends(bench: Bench, provider: ModelProvider) -> None:
    bench.set(document(provider, "sure"), state="review_all")
    answer, record = bench.ask()
    assert said(answer) == "We check this."
    assert (record["action"], record["queue"], record["answer"]) == ("review", "desk", "Surely.")


def test_a_process_with_models_stays_small(bench: Bench, provider: ModelProvider) -> None:
    memory = psutil.Process(bench.assistant.process.pid).memory_info()
    assert memory.rss / 2**20 < 320
