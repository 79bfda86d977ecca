"""The recorded chatbots as a provider, asked through a real assistant."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chatbot_server import DECISIONS, MISSING, NO_INTENT, Chatbots, read_rows
from tests.integration.routing.runtime.assistants import ROOT, Assistant, said
from tests.integration.routing.runtime.model_provider import ModelProvider, document
from tests.integration.routing.runtime.small_console import SmallConsole, wait_until

pytestmark = pytest.mark.skipif(not DECISIONS.exists(), reason=MISSING)


def test_each_recorded_question_gets_the_answer_of_its_own_row() -> None:
    rows = read_rows()
    bots = Chatbots(rows)
    assert len(rows) == 1974
    assert len(bots.engines) == 10
    for row in rows:
        for engine in ("dialogflow", "bert_subset"):
            answer = bots.answer(engine, row["text"], row["request_id"])
            assert answer == {
                "answer": row[f"{engine}__predicted"],
                "confidence": float(row[f"{engine}__confidence"]),
            }
    assert bots.answer("dialogflow", "never asked", "") is None
    assert bots.answer("nobody", rows[0]["text"], "") is None


def test_an_assistant_decides_real_questions_by_the_recorded_number_at_the_boundary_too(
    tmp_path: Path,
) -> None:
    rows = [row for row in read_rows() if row["bot"] == "curekart"][:30]
    threshold = float(rows[3]["dialogflow__confidence"])
    console = SmallConsole()
    console.start()
    with contextlib.ExitStack() as ending:
        ending.callback(console.stop)
        bots = ending.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.chatbot_server"], cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
        )
        ending.callback(bots.terminate)
        assert bots.stdout is not None
        base = bots.stdout.readline().split()[1]
        given = document(ModelProvider(), "dialogflow")
        given["models"][0]["api_base"] = f"{base}/v1"
        given["bands"][0]["from"] = given["ladder"][0]["accept_from"] = threshold
        given["bands"] = [given["bands"][0], given["bands"][2]]
        console.publish("curekart", 1, given)
        assistant = Assistant(console.url, tmp_path / "one", "curekart")
        ending.callback(assistant.kill)
        for row in rows:
            body = {
                "model": "curekart",
                "user": row["request_id"],
                "messages": [{"role": "user", "content": row["text"]}],
                "metadata": {"request_id": row["request_id"]},
            }
            answer = assistant.post(body).json()
            sure = float(row["dialogflow__confidence"]) >= threshold
            assert answer["decision"]["action"] == ("answer" if sure else "escalate"), json.dumps(answer)
            assert said(answer) == (row["dialogflow__predicted"] if sure else "A person answers.")
        wait_until(lambda: len(console.decisions) == len(rows), "all records")
    recorded = {record["request_id"]: record["confidence"] for record in console.decisions}
    assert recorded == {row["request_id"]: float(row["dialogflow__confidence"]) for row in rows}
    assert any(record["answer"] == NO_INTENT for record in console.decisions)
