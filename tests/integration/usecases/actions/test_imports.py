"""A decision log from elsewhere becomes the history of a use case."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.http import Http404

from audit.models import Event
from routing.imports.faults import Refusal, Unusable
from routing.models import Decision, Outcome
from routing.selectors import _spent, spent_today
from tests.history import ladder, log
from usecases.actions import imports, kill_switches, use_cases
from usecases.models import UseCase
from usecases.permissions import Forbidden

HEADER = (
    "request_id,text,at,topic,true_intent,small__correct,small__confidence,small__cost_usd,small__latency_ms"
)
HEADER += ",large__correct,large__confidence,large__cost_usd,large__latency_ms\n"


@pytest.fixture
def assistant(admin: User) -> UseCase:
    """A use case whose document asks a small model, then a large one, and answers from 0.9."""
    return made("assistant", ladder("small", "large"), admin)


def made(slug: str, document: dict[str, Any], by: User) -> UseCase:
    return use_cases.create(slug=slug, name=slug, owner="ops", document=document, by=by).use_case


def taken(
    use_case: UseCase, source: Path, by: User, *renames: tuple[str, str], **options: Any
) -> tuple[imports.Tally, list[Refusal]]:
    refused: list[Refusal] = []
    plan = imports.plan(use_case=use_case, source=source, by=by, renames=renames)
    return imports.run(plan, on_refused=refused.append, **options).tally, refused


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def told(event: Event) -> dict[str, Any]:
    assert isinstance(event.new, dict)
    return event.new


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_year_of_real_requests_is_imported_once_however_often_it_is_sent(
    assistant: UseCase, ops: User
) -> None:
    source = log("clinc150")
    first, refused = taken(assistant, source, ops)
    assert (first.rows, first.stored, first.already, refused) == (8600, 8600, 0, [])
    again, _ = taken(assistant, source, ops)
    assert (again.stored, again.already, Decision.objects.count()) == (0, 8600, 8600)
    assert Event.objects.filter(kind="decisions.imported").count() == 1

    # What the document does at 0.9 and 0.9, worked out by hand from the file.
    answered = wrong = 0
    cost = 0.0
    for row in rows_of(source):
        sure = float(row["small__confidence"]) >= 0.9
        standing = "small" if sure else "large"
        cost += 0.0002 if sure else 0.0042
        if float(row[f"{standing}__confidence"]) >= 0.9:
            answered += 1
            wrong += row[f"{standing}__correct"] == "0"
    found = Decision.objects.filter(use_case="assistant")
    assert found.filter(action="answer").count() == answered
    answers = found.filter(action="answer").values("id")
    assert Outcome.objects.filter(decision_id__in=answers, source="import", correct=False).count() == wrong
    assert sum(found.values_list("cost_usd", flat=True)) == pytest.approx(cost)


def test_a_decision_keeps_every_model_and_says_which_the_ladder_asked(assistant: UseCase, ops: User) -> None:
    taken(assistant, log("clinc150"), ops)
    decision = Decision.objects.get(request_id="clinc-val-00001")
    small, large = decision.tried
    assert (small["model"], small["called"], small["correct"], small["confidence"]) == (
        "small",
        True,
        True,
        0.970151,
    )
    assert (large["model"], large["called"], large["cost_usd"]) == ("large", False, 0.004)
    assert (decision.model, decision.cost_usd, decision.instance) == ("small", 0.0002, "import")
    assert (decision.signal, decision.version, decision.band) == ("logprobs", 1, "answer")
    assert decision.attributes == {"dataset": "clinc150", "split": "val", "category": "travel", "in_scope": 1}
    assert UUID(str(decision.id)).version == 5


def test_models_are_renamed_and_left_out_and_lines_of_a_text_stay_together(admin: User, ops: User) -> None:
    source = log("live_chatbots")
    chat = made("chat", ladder("fast", "sure", answer_from=0.3, accept_from=0.5), admin)
    with pytest.raises(Unusable) as unfit:
        imports.plan(use_case=chat, source=source, by=ops)
    assert any("haptik_subset" in fault and "fast, sure" in fault for fault in unfit.value.faults)

    left_out = ["luis", "rasa", "haptik"]
    left_out += [f"{name}_subset" for name in ("dialogflow", "bert", *left_out)]
    renames = [("dialogflow", "fast"), ("bert", "sure"), *((name, "ignore") for name in left_out)]
    tally, refused = taken(chat, source, ops, *renames)
    given = list(rows_of(source))
    assert (tally.stored, refused) == (len(given), [])
    assert Decision.objects.filter(text__contains="\n").count() == sum("\n" in row["text"] for row in given)
    wrong = Outcome.objects.filter(correct=False, source="import").exclude(corrected_answer="")
    assert wrong.count() > 100


def test_the_same_requests_as_json_are_the_same_decisions(
    assistant: UseCase, ops: User, tmp_path: Path
) -> None:
    source = written(tmp_path / "log.csv", HEADER + "r-1,hello,,billing,A,1,0.95,0.001,100,1,0.97,0.01,900\n")
    with source.open(newline="") as stream:
        records = list(csv.DictReader(stream))
    packed = tmp_path / "log.jsonl.gz"
    packed.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in records).encode()))
    assert taken(assistant, source, ops)[0].stored == 1
    tally, _ = taken(assistant, packed, ops)
    assert (tally.stored, tally.already) == (0, 1)


def test_decision_records_are_decided_or_stay_as_they_were_made(
    assistant: UseCase, ops: User, tmp_path: Path
) -> None:
    tried = [{"model": "small", "confidence": 0.4, "cost_usd": 0.001}, {"model": "large", "confidence": 0.95}]
    open_record = {
        "request_id": "a",
        "at": "2026-03-01T10:00:00Z",
        "tried": tried,
        "model": "large",
        "correct": 1,
    }
    made_record = open_record | {
        "id": "0193b6a0-7c3e-7b1e-8a55-0123456789ab",
        "request_id": "b",
        "action": "review",
        "queue": "elsewhere",
        "correct": 0,
        "true_answer": "B",
        "cost_usd": 0.5,
    }
    source = written(tmp_path / "log.jsonl", f"{json.dumps(open_record)}\n\n{json.dumps(made_record)}\n")
    tally, refused = taken(assistant, source, ops)
    assert (tally.stored, tally.judged, refused) == (2, 2, [])
    decided, kept = Decision.objects.get(request_id="a"), Decision.objects.get(request_id="b")
    assert (decided.action, decided.model, decided.at) == (
        "answer",
        "large",
        datetime(2026, 3, 1, 10, tzinfo=UTC),
    )
    assert decided.tried[1]["correct"] is True
    assert str(kept.id) == made_record["id"]
    assert (kept.action, kept.queue, kept.cost_usd, kept.version) == ("review", "elsewhere", 0.5, 0)
    # A verdict on a decision that was made is a person's word on it, not a census of models.
    assert "correct" not in kept.tried[1]
    assert Outcome.objects.get(decision_id=kept.id).corrected_answer == "B"


def test_text_and_attributes_are_masked_like_an_assistants(
    assistant: UseCase, ops: User, tmp_path: Path
) -> None:
    line = f'r-1,"write to me@example.org, {"x" * 400}",,card 4111111111111111,A,1,0.95,,,,,,\n'
    taken(assistant, written(tmp_path / "log.csv", HEADER + line), ops)
    decision = Decision.objects.get(request_id="r-1")
    assert decision.text.startswith("write to [email]")
    assert len(decision.text) == 300
    assert decision.attributes == {"topic": "card [number]"}


def test_history_is_decided_by_the_live_document_also_while_the_switch_is_pulled(
    assistant: UseCase, ops: User, tmp_path: Path
) -> None:
    kill_switches.engage(use_case=assistant, by=ops)
    source = written(tmp_path / "log.csv", HEADER + "r-1,hello,,billing,A,1,0.95,,,,,,\n")
    taken(assistant, source, ops)
    decision = Decision.objects.get(request_id="r-1")
    assert (decision.action, decision.state, decision.version) == ("answer", "live", 1)


def test_what_history_cost_is_not_spent_today(assistant: UseCase, ops: User, tmp_path: Path) -> None:
    _spent.clear()
    taken(assistant, written(tmp_path / "log.csv", HEADER + "r-1,hello,,billing,A,1,0.95,500,,,,,\n"), ops)
    assert Decision.objects.get().cost_usd == 500
    assert spent_today("assistant") == 0


@pytest.mark.parametrize(("name", "expected"), [("stranger", Http404), ("risk", Forbidden)])
def test_only_who_may_tune_imports(
    assistant: UseCase, people: dict[str, User], name: str, expected: type[Exception], tmp_path: Path
) -> None:
    source = written(tmp_path / "log.csv", HEADER + "r-1,hello,,billing,A,1,0.95,,,,,,\n")
    with pytest.raises(expected):
        taken(assistant, source, people[name])
    assert not Decision.objects.exists()


def test_a_dry_run_finds_out_the_same_and_writes_nothing(
    assistant: UseCase, ops: User, tmp_path: Path
) -> None:
    lines = [f"r-{n},hello,,billing,A,1,0.95,,,,,,\n" for n in range(5)]
    source = written(tmp_path / "log.csv", HEADER + "".join([*lines, lines[0]]))
    taken(assistant, written(tmp_path / "first.csv", HEADER + lines[0]), ops)
    events = Event.objects.count()
    tally, refused = taken(assistant, source, ops, dry_run=True, batch=2)
    assert (tally.stored, tally.already, [r.line for r in refused]) == (4, 1, [7])
    assert (Decision.objects.count(), Event.objects.count()) == (1, events)
    assert taken(assistant, source, ops, batch=2)[0].stored == 4


def test_a_request_that_is_twice_in_a_file_counts_once_also_across_batches(
    assistant: UseCase, ops: User, tmp_path: Path
) -> None:
    lines = [f"r-{n % 3},hello {n},,billing,A,1,0.95,,,,,,\n" for n in range(6)]
    tally, refused = taken(assistant, written(tmp_path / "log.csv", HEADER + "".join(lines)), ops, batch=2)
    assert (tally.stored, tally.refused) == (3, 3)
    assert [str(one) for one in refused] == [
        f"line {line}, request_id: is on line {line - 3} already; the first one counts." for line in (5, 6, 7)
    ]
    assert set(Decision.objects.values_list("text", flat=True)) == {"hello 0", "hello 1", "hello 2"}


def test_one_event_tells_of_the_import_and_a_long_one_also_of_its_start(
    assistant: UseCase, ops: User, tmp_path: Path
) -> None:
    lines = [f"r-{n},hello,,billing,A,1,0.95,,,,,,\n" for n in range(5)]
    source = written(tmp_path / "log.csv", HEADER + "".join(lines))
    taken(assistant, source, ops, batch=2)
    started, ended = Event.objects.filter(kind__startswith="decisions.").order_by("id")
    assert (started.kind, ended.kind, ended.actor) == (
        "decisions.import_started",
        "decisions.imported",
        "ops",
    )
    assert ended.sentence == "5 decisions imported from log.csv."
    assert (told(started)["sha256"], told(ended)["stored"]) == (told(ended)["sha256"], 5)


def break_audit(kind: str) -> None:
    """Let the database refuse one kind of event, as a full disk or a rule of its own would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no table is altered while its triggers are pending
        cursor.execute(f"ALTER TABLE audit_event ADD CONSTRAINT broken CHECK (kind <> '{kind}') NOT VALID")


@pytest.mark.parametrize(("broken", "left"), [("decisions.import_started", 0), ("decisions.imported", 4)])
def test_a_batch_whose_event_cannot_be_written_is_not_stored(
    assistant: UseCase, ops: User, tmp_path: Path, broken: str, left: int
) -> None:
    lines = [f"r-{n},hello,,billing,A,1,0.95,,,,,,\n" for n in range(5)]
    source = written(tmp_path / "log.csv", HEADER + "".join(lines))
    break_audit(broken)
    with pytest.raises(DatabaseError):
        taken(assistant, source, ops, batch=2)
    assert (Decision.objects.count(), Outcome.objects.count()) == (left, left)


def test_an_import_that_is_interrupted_leaves_whole_batches_and_goes_on_later(
    assistant: UseCase, ops: User, tmp_path: Path
) -> None:
    lines = [f"r-{n},hello,,billing,A,1,0.95,,,,,,\n" for n in range(5)]
    source = written(tmp_path / "log.csv", HEADER + "".join(lines))

    def press_ctrl_c(tally: imports.Tally) -> None:
        if tally.rows >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taken(assistant, source, ops, batch=2, on_progress=press_ctrl_c)
    assert Decision.objects.count() == 4
    event = Event.objects.latest("id")
    assert (event.kind, told(event)["stored"], told(event)["interrupted"]) == ("decisions.imported", 4, True)
    tally, _ = taken(assistant, source, ops, batch=2)
    assert (tally.stored, tally.already) == (1, 4)
