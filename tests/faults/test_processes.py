"""Processes die and come back. No decision is lost or doubled, no assistant ends on a wrong version, and the console
says the truth meanwhile."""

import signal
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.faults.watching import (
    SLUG,
    click,
    converged,
    convergence,
    decision,
    endings,
    statuses,
    stored,
    until,
)
from tests.stack import Stack

STACK = {"samples": True, "assistants": 2, "extra": {"SLOW_APPLY_SECONDS": "1"}}
ONE, TWO = "assistant-1", "assistant-2"
OUTAGE_SECONDS = 10.0


@pytest.fixture(autouse=True)
def whole(stack: Stack) -> Iterator[None]:
    """Begin each test with everything running, live and confirmed."""
    until(lambda: len(statuses(stack)) == 2, 20, "two assistants report")
    if convergence(stack)["state"] != "live":
        click(stack, "restore")
    converged(stack, convergence(stack)["version"])
    yield
    if stack.alive(TWO):
        stack.processes[TWO].send(signal.SIGCONT)


def test_a_worker_killed_in_the_middle_of_apply_loses_nothing(stack: Stack) -> None:
    stack.processes[TWO].send(signal.SIGSTOP)
    begun = stack.log("worker").count("routing.tasks.apply[")
    version = click(stack, "kill")
    until(lambda: stack.log("worker").count("routing.tasks.apply[") > begun, 10, "the worker took the task")
    stack.kill("worker")

    until(lambda: statuses(stack)[ONE] == "confirmed", 5, "the kill did not wait for the worker")
    meanwhile = convergence(stack)
    assert (meanwhile["confirmed"], meanwhile["laggards"], meanwhile["converged_at"]) == (1, [TWO], None)
    assert endings(stack, version) == []

    stack.start_worker()
    stack.processes[TWO].send(signal.SIGCONT)
    found = converged(stack, version)
    assert (found["confirmed"], found["expected"]) == (2, 2)
    assert len(endings(stack, version)) == 1
    assert decision(stack, TWO)["version"] == version


def test_a_web_process_killed_in_the_middle_of_its_streams_is_made_up_for(stack: Stack) -> None:
    before = convergence(stack)
    stack.kill_web()

    ids = []
    for assistant in (ONE, TWO, ONE, TWO):
        found = decision(stack, assistant)
        assert (found["version"], found["digest"]) == (before["version"], before["digest"])
        ids.append(found["decision_id"])

    stack.start_web()
    version = click(stack, "kill")
    assert converged(stack, version)["seconds"] < 10
    assert decision(stack, ONE)["version"] == decision(stack, TWO)["version"] == version
    until(lambda: stored(stack, ids) == dict.fromkeys(ids, 1), 15, "each decision of the outage arrives once")


def test_an_assistant_comes_back_from_its_disk_with_the_console_down(stack: Stack) -> None:
    version = click(stack, "kill")
    digest = converged(stack, version)["digest"]
    last = decision(stack, ONE)["decision_id"]
    stack.kill_web()
    stack.kill(ONE)

    slugs = ["claims-summary", "dispute-triage", "refund-answers"]
    stack.start_assistant(ONE, slugs, extra=stack.models_env())

    found = decision(stack, ONE)
    assert (found["version"], found["digest"], found["reason"]) == (version, digest, "DISABLED")
    stack.start_web()
    until(lambda: statuses(stack)[ONE] == "confirmed", 15, "it confirms what it came back with")
    ids = [last, found["decision_id"]]
    until(lambda: stored(stack, ids) == dict.fromkeys(ids, 1), 15, "both decisions arrive once")


class Load:
    """Requests through both assistants, one after the other; what was decided, and whatever went wrong."""

    def __init__(self, stack: Stack) -> None:
        self.decided: list[str] = []
        self.failed: list[str] = []
        self._stack = stack
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[name]) for name in (ONE, TWO)]

    def _run(self, assistant: str) -> None:
        while not self._ended.is_set():
            try:
                self.decided.append(decision(self._stack, assistant)["decision_id"])
            except (AssertionError, httpx.HTTPError) as error:
                self.failed.append(str(error))
            time.sleep(0.05)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *caught: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


def test_ten_seconds_without_the_database_under_load_cost_no_decision(stack: Stack) -> None:
    before = convergence(stack)
    with Load(stack) as load:
        time.sleep(1)
        stack.stop_postgres()
        away = time.monotonic()
        answered = len(load.decided)

        ready = until(lambda: _unready(stack), 8, "the health page names what is away")
        assert {"database", "listener"} >= set(ready["failing"]) != set()
        assert httpx.get(f"{stack.web_url}/healthz").status_code == 200
        refused = stack.api("POST", f"/api/v1/use-cases/{SLUG}/kill", json={})
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")

        time.sleep(max(0.0, OUTAGE_SECONDS - (time.monotonic() - away)))
        assert len(load.decided) > answered + 10
        stack.start_postgres()
        until(lambda: not _unready(stack), 6, "the console is ready again soon after the database")
        time.sleep(1)
    assert load.failed == []
    assert len(set(load.decided)) == len(load.decided)

    wanted = dict.fromkeys(load.decided, 1)
    until(lambda: stored(stack, load.decided) == wanted, 30, "each decision arrives once")
    assert convergence(stack)["version"] == before["version"]
    assert converged(stack, click(stack, "kill"))["seconds"] < 5


def _unready(stack: Stack) -> dict[str, list[str]] | None:
    answer = httpx.get(f"{stack.web_url}/readyz", timeout=10)
    found: dict[str, list[str]] = answer.json()
    return found if answer.status_code == 503 else None


def test_without_redis_a_kill_is_as_fast_as_ever(stack: Stack) -> None:
    stack.stop_redis()

    for what in ("kill", "restore"):
        begun = time.monotonic()
        version = click(stack, what)
        assert time.monotonic() - begun < 2
        assert converged(stack, version)["seconds"] < 2
    ready = httpx.get(f"{stack.web_url}/readyz", timeout=10)
    assert (ready.status_code, "redis" in ready.json()["degraded"]) == (200, True)

    stack.start_redis()
    stack.processes[TWO].send(signal.SIGSTOP)
    version = click(stack, "kill")
    until(lambda: _resent(stack, version) > 0, 25, "the worker follows up again")
    stack.processes[TWO].send(signal.SIGCONT)
    converged(stack, version)


def _resent(stack: Stack, version: int) -> int:
    rows = stack.rows(
        "SELECT resent FROM routing_rollout WHERE use_case = %s AND version = %s", SLUG, version
    )
    return int(rows[0][0])
