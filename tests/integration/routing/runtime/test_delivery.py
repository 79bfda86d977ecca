"""No decision is lost and none counts twice: outages, kill -9, a full disk, a console that refuses one."""

import resource
import signal
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from routing.engine.baseline import BUILT_IN
from routing.runtime.shipping import GATHER_S
from tests.integration.routing.runtime.assistants import Assistant, said
from tests.integration.routing.runtime.conftest import Start
from tests.integration.routing.runtime.model_provider import ModelProvider, document
from tests.integration.routing.runtime.small_console import SmallConsole, wait_until


def ids(console: SmallConsole) -> set[str]:
    """Which decisions the console has."""
    return {record["id"] for record in list(console.decisions)}


def ask(assistant: Assistant, count: int) -> set[str]:
    """Ask so often, a few at a time; returns the decisions' ids."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: assistant.ask("claims", request_id=f"r-{n}"), range(count)))
    return {answer["decision"]["decision_id"] for answer in answers}


def test_decisions_arrive_within_a_second_in_batches(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1)
    assistant = start()
    begun = time.monotonic()
    made = ask(assistant, 60)
    wait_until(lambda: ids(console) == made, "all decisions", 5)
    # What comes while a batch is under way gathers for the next one, however slow the machine is.
    assert len(console.batches) <= (time.monotonic() - begun) / GATHER_S + 1
    wait_until(lambda: assistant.health()["spool"]["waiting"] == 0, "the spool is empty")


def test_a_record_is_what_the_contract_says(console: SmallConsole, start: Start) -> None:
    envelope = console.publish("claims", 3)
    assistant = start()
    trace = "0af7651916cd43dd8448eb211c80319c"
    body = {
        "model": "claims",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "I am jo@example.org, card 4111 1111 1111 1111, I claim $1,200."},
        ],
        "metadata": {
            "topic": "water",
            "amount": 1200,
            "vip": True,
            "contact": "jo@example.org",
            "phone": "+49 170 1234567",
            "request_id": "r-1",
            "sources": [{"title": "Household terms §4.2", "score": 0.81}],
            "signals": {"retrieval_score": 0.81, "sensitivity": "secret", "name": "Jo"},
        },
    }
    answer = assistant.post(body, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}).json()
    record = wait_until(lambda: console.decisions, "the record")[0]
    assert set(record) == {
        "id", "request_id", "use_case", "version", "digest", "state", "instance", "at", "attributes", "model",
        "tried", "confidence", "signal", "band", "action", "rule", "queue", "reason", "audited", "audit_share",
        "holdout", "cost_usd", "latency_ms", "tokens_in", "tokens_out", "prompt", "retrieval_index", "sources",
        "input_digest", "trace_id", "text", "answer", "detail", "signals",
    }  # fmt: skip
    assert record["id"] == answer["decision"]["decision_id"]
    assert (record["version"], record["digest"]) == (3, envelope["digest"])
    assert record["text"] == "I am [email], card [number], I claim $1,200."
    assert record["attributes"] == {
        "topic": "water",
        "amount": 1200,
        "vip": True,
        "contact": "[email]",
        "phone": "[number]",
    }
    assert record["sources"] == [{"title": "Household terms §4.2", "score": 0.81}]
    assert record["signals"] == {"retrieval_score": 0.81, "sensitivity": None, "spent_today_usd": 0.0}
    assert record["trace_id"] == trace
    assert len(record["input_digest"]) == 64
    assert record["answer"] == said(answer)


def test_decisions_made_while_the_console_is_away_arrive_when_it_is_back(
    console: SmallConsole, start: Start
) -> None:
    console.publish("claims", 1)
    assistant = start()
    wait_until(console.streams, "the stream opens")
    console.stop()
    made = ask(assistant, 700)
    assert assistant.health()["spool"]["waiting"] == 700
    console.start()
    wait_until(lambda: ids(console) == made, "all decisions")
    assert max(console.batches) <= 500
    assert set(Counter(record["id"] for record in console.decisions).values()) == {1}


def test_kill_9_loses_no_decision_that_was_answered(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1)
    first = start()
    wait_until(lambda: console.acked(1), "an ack")
    console.stop()
    made = ask(first, 50)
    first.kill()
    again = start()
    made |= ask(again, 5)
    again.kill()
    console.start()
    start()
    assert wait_until(lambda: ids(console) == made, "all decisions")


def test_kill_9_under_load_delivers_each_answered_decision(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1)
    assistant = start()
    answered: set[str] = set()

    def ask_on(_: int) -> None:
        try:
            for _ in range(500):
                answered.add(assistant.ask("claims")["decision"]["decision_id"])
        except Exception:
            return  # killed

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask_on, n) for n in range(4)]
        time.sleep(0.8)
        assistant.process.send_signal(signal.SIGKILL)
        for each in asking:
            each.result()
    start()
    wait_until(lambda: answered <= ids(console), "every answered decision")
    assert len(answered) > 20


def test_an_answer_lost_on_the_way_back_doubles_nothing(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1)
    console.lose_answers = 2
    assistant = start()
    made = ask(assistant, 10)
    wait_until(lambda: assistant.health()["spool"]["waiting"] == 0, "the spool is empty")
    # Sent again, under the same ids: for the console to count once.
    assert ids(console) == made
    assert len(console.decisions) == 30


@pytest.mark.parametrize("strict", [False, True], ids=["named in the answer", "batch refused as a whole"])
def test_one_record_the_console_refuses_is_set_aside_and_holds_nobody_up(
    console: SmallConsole, start: Start, tmp_path: Path, strict: bool
) -> None:
    console.publish("claims", 1)
    console.strict = strict
    console.content_fault = lambda record: record["request_id"] == "r-17"
    assistant = start()
    made = ask(assistant, 40)
    wait_until(lambda: len(ids(console)) == 39, "the others")
    wait_until(lambda: assistant.health()["spool"]["dead_letters"] == 1, "the dead letter is counted")
    assert wait_until(lambda: console.heartbeats[-1]["spool"]["dead_letters"] == 1, "and told")
    assistant.kill()
    with sqlite3.connect(tmp_path / "one" / "spool.sqlite3") as spool:
        (kept,) = spool.execute("SELECT id, status FROM dead_letters").fetchall()
    spool.close()
    assert {kept[0]} == made - ids(console)
    assert kept[1] == (422 if strict else 200)


def _disk_of_200_kilobytes() -> None:
    # As good as a full disk, also for root: every write beyond fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def test_on_a_full_disk_it_answers_says_so_and_delivers(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1)
    assistant = start(before=_disk_of_200_kilobytes)
    wait_until(console.streams, "the stream opens")
    console.stop()
    made = ask(assistant, 400)
    spool = assistant.health()["spool"]
    assert spool["in_memory"] > 0
    assert spool["disk"].startswith("failing")
    assert spool["waiting"] == 400
    assert assistant.health()["status"] == "degraded"
    console.start()
    wait_until(lambda: ids(console) == made, "all decisions")
    # Delivered rows make room, and the disk is used again.
    wait_until(lambda: assistant.health()["spool"]["waiting"] == 0, "nothing waits")
    assert assistant.health()["spool"]["lost"] == 0


def test_a_damaged_spool_is_set_aside(console: SmallConsole, start: Start, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "spool.sqlite3").write_bytes(b"no database" * 1000)
    console.publish("claims", 1)
    made = ask(start(), 3)
    wait_until(lambda: ids(console) == made, "all decisions")
    assert list((tmp_path / "one").glob("spool.sqlite3.corrupt-*"))


def test_sigterm_finishes_what_is_in_flight_delivers_and_says_goodbye(
    console: SmallConsole, start: Start, provider: ModelProvider
) -> None:
    console.publish("claims", 1, document(provider, "slow"))
    assistant = start()
    assistant.ask("claims")  # LiteLLM is there
    with ThreadPoolExecutor(1) as pool:
        asked = len(provider.asked)
        waiting = pool.submit(assistant.ask, "claims")
        wait_until(lambda: len(provider.asked) > asked, "the model is asked")
        assistant.process.send_signal(signal.SIGTERM)
        answer = waiting.result(30)
    assert said(answer) == "At last."
    assert assistant.process.wait(20) == 0
    assert answer["decision"]["decision_id"] in ids(console)
    assert console.heartbeats[-1]["stopping"] is True
    assert "Traceback" not in assistant.errors.read_text()


def test_sigterm_ends_it_soon_when_the_console_is_away(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1)
    assistant = start()
    wait_until(console.streams, "the stream opens")
    console.stop()
    ask(assistant, 3)
    began = time.monotonic()
    assert assistant.stop() == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in assistant.errors.read_text()


def test_idle_it_does_nearly_nothing(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, BUILT_IN)
    assistant = start(environment={"POLL_SECONDS": "10", "HEARTBEAT_SECONDS": "5"})
    process = psutil.Process(assistant.process.pid)
    time.sleep(0.5)
    before = sum(process.cpu_times()[:2])
    time.sleep(2)
    assert sum(process.cpu_times()[:2]) - before < 0.1
