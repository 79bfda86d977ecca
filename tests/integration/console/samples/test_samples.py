"""The samples run with no key and no network: stand-in, assistants and traffic are real processes."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from console.samples.recorded import FOLDER, SampleRequest, read
from routing.engine.decide import compile_document
from routing.engine.validation import faults
from tests.integration.routing.runtime.assistants import ROOT, Assistant
from tests.integration.routing.runtime.small_console import TOKEN, SmallConsole, wait_until

Json = dict[str, Any]
FILES = sorted((FOLDER / "use_cases").glob("*.yaml"))
USE_CASES: dict[str, Json] = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}


@contextlib.contextmanager
def running(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a module as a process until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def ready(process: subprocess.Popen[str]) -> str:
    """Wait for the address that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().split()[1]


def test_there_are_three_use_cases_of_two_models_each() -> None:
    assert list(USE_CASES) == ["claims-summary", "dispute-triage", "refund-answers"]
    for slug, given in USE_CASES.items():
        assert given["slug"] == slug
        assert {"slug", "name", "owner", "document", "baseline", "message", "guardrails", "one_pager"} <= set(
            given
        )
        assert faults(given["document"]) == []
        assert faults(given["baseline"], baseline=True) == []
        assert [rung["model"] for rung in given["document"]["ladder"]] == ["small", "large"]
        assert 2 <= len(given["document"]["rules"]) <= 4
        assert all(queue["capacity_per_hour"] for queue in given["document"]["queues"])


def _number(document: Json, knob: str) -> float:
    """Return the value of a knob such as `bands.answer.from`."""
    part, *path = knob.split(".")
    if part == "thresholds":
        return float(document[part][path[0]])
    key = "model" if part == "ladder" else "name"
    item = next(item for item in document[part] if item[key] == path[0])
    return float(item[path[1]])


@pytest.mark.parametrize("slug", USE_CASES)
def test_each_document_lies_inside_its_own_lanes(slug: str) -> None:
    guardrails, document = USE_CASES[slug]["guardrails"], USE_CASES[slug]["document"]
    assert guardrails["models"] == [model["litellm"] for model in document["models"]]
    for knob, bounds in guardrails["knobs"].items():
        (low, high), (least, most) = bounds["lane"], bounds["limit"]
        assert least <= low <= _number(document, knob) <= high <= most, knob
        assert bounds["reason"]


@pytest.mark.parametrize("slug", USE_CASES)
def test_the_recordings_are_as_real_traffic_is(slug: str) -> None:
    requests = [request for request in read() if request.use_case == slug]
    assert len(requests) >= 40
    assert len({request.text for request in requests}) == len(requests)
    compiled = compile_document(USE_CASES[slug]["document"])
    outcomes = [_outcome(compiled, request) for request in requests for _ in range(request.weight)]
    answered = [right for action, right in outcomes if action == "answer"]
    assert 0.55 < len(answered) / len(outcomes) < 0.9
    assert 0.0 < 1 - sum(answered) / len(answered) < 0.04, "few confident mistakes, but some"
    assert {action for action, _ in outcomes} == {"answer", "review", "escalate"}


def _outcome(compiled: Any, request: SampleRequest) -> tuple[str, bool]:
    """Replay a request: what is decided, and whether the standing answer is right."""
    context: Json = {**request.attributes, "request_id": request.id}
    plan = compiled.plan(context, request.signals)
    right = False
    signals: Json = dict(request.signals)
    for model, accept_from in plan.rungs:
        recorded = request.models[{"small": "gpt-4o-mini", "large": "gpt-4o"}[model]]
        signals |= {"model": model, "confidence": recorded.confidence}
        right = recorded.correct
        if recorded.confidence >= accept_from:
            break
    decision = plan.decided or compiled.decide(context, signals)
    return decision.action, right


def test_the_stand_in_speaks_openai_and_owns_up_to_what_it_does_not_know() -> None:
    with running("console.samples.model_server") as process, httpx.Client(base_url=ready(process)) as client:
        assert [m["id"] for m in client.get("/v1/models").json()["data"]] == ["gpt-4o", "gpt-4o-mini"]
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is the meaning of life?"}]}
        answer = client.post("/v1/chat/completions", json=body).json()
        assert '"confidence": 0.2' in answer["choices"][0]["message"]["content"]
        assert answer["usage"]["total_tokens"] > 0
        assert client.post("/v1/chat/completions", json=body | {"model": "x"}).status_code == 404
        assert client.post("/v1/chat/completions", content=b"{").status_code == 400
        assert client.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": 5}).status_code == 400


def test_sample_traffic_flows_through_a_real_assistant(tmp_path: Path) -> None:
    console = SmallConsole()
    console.start()
    for slug, given in USE_CASES.items():
        console.publish(slug, 1, given["document"], baseline=given["baseline"])
    with contextlib.ExitStack() as ending:
        ending.callback(console.stop)
        provider = ready(ending.enter_context(running("console.samples.model_server")))
        environment = {**os.environ, "OPENAI_API_BASE": f"{provider}/v1", "OPENAI_API_KEY": "none"}
        assistant = Assistant(console.url, tmp_path / "one", *USE_CASES, environment=environment)
        ending.callback(assistant.kill)
        arguments = ["--assistant", assistant.url, "--console", console.url, "--token", TOKEN]
        traffic = ending.enter_context(
            running("console.samples.traffic", *arguments, "--burst", "30", "--rate", "20")
        )
        wait_until(lambda: len(console.decisions) > 50, "burst and trickle", 40)
        wait_until(lambda: console.outcomes, "outcomes", 20)
        traffic.terminate()
        assert traffic.wait(5) == 0
    decisions = {record["id"]: record for record in console.decisions}
    assert {record["use_case"] for record in decisions.values()} == set(USE_CASES)
    asked = [record for record in decisions.values() if record["tried"]]
    assert all(attempt["confidence"] is not None for record in asked for attempt in record["tried"])
    assert any(record["cost_usd"] > 0 for record in asked)
    assert all(outcome["decision_id"] in decisions for outcome in console.outcomes)
    assert set(console.outcomes[0]) == {"decision_id", "use_case", "correct", "source"}
