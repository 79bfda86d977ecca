"""Sealed decisions: a history that is read from blocks is the one that is read row by row."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.db import connection, connections
from django.utils import timezone
from uuid6 import uuid7

from console.api.schemas_assistants import DecisionIn
from routing import history_blocks, tasks
from routing.actions import blocks, decisions, outcomes
from routing.history import Histories, Progress, Window
from routing.models import Block, Decision, Target
from routing.replay.columns import Columns, Numeric
from routing.replay.impact import impact
from tests.documents import claims

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALL = Window()


def record(draw: random.Random, place: int) -> dict[str, Any]:
    """Return a decision record of one or two models; several share a moment, and some ids are not UUIDs."""
    sure, other = draw.random(), draw.random()
    first = {"model": "small", "confidence": round(sure, 3), "cost_usd": 0.001, "latency_ms": 300}
    tried: list[dict[str, Any]] = [first]
    if sure < 0.5:
        tried.append({"model": "large", "confidence": other, "cost_usd": 0.01, "latency_ms": 900.5})
    if draw.random() < 0.05:
        tried[0]["error"] = "timeout"
    signals = {"spent_today_usd": draw.random() * 200, "retrieval_score": draw.choice([None, 0.1, 0.4, 0.8])}
    return {
        "id": str(uuid7()),
        "request_id": draw.choice([str(uuid7()), f"ü-{place}"]),
        "use_case": "claims",
        "at": (NOON + timedelta(seconds=draw.randrange(3_000))).isoformat(),
        "attributes": {"topic": draw.choice(["water", "fire", None]), "amount": draw.random() * 9_000}
        | ({"tier": "vip"} if draw.random() < 0.1 else {}),
        "model": tried[-1]["model"],
        "tried": tried,
        "confidence": tried[-1]["confidence"],
        "signal": "verbalised",
        "action": draw.choice(["answer", "answer", "review", "escalate"]),
        "audited": draw.random() < 0.3,
        "audit_share": draw.choice([0.0, 0.05, 0.3]),
        "holdout": draw.random() < 0.05,
        "signals": draw.choice([{}, signals, signals]),
    }


def stored(count: int, seed: int) -> list[dict[str, Any]]:
    """Store decisions as assistants report them."""
    draw = random.Random(seed)
    made = [record(draw, place) for place in range(count)]
    decisions.store([DecisionIn.model_validate(one).model_dump(mode="json") for one in made])
    return made


def judged(made: list[dict[str, Any]], seed: int) -> None:
    """Let people, customers and models say something about some decisions, by id or by request, at times twice."""
    draw = random.Random(seed)
    words = []
    for one in draw.choices(made, k=len(made) // 2):
        by_id = draw.random() < 0.7
        words.append(
            outcomes.Word(
                use_case="claims",
                correct=draw.random() < 0.7,
                source=draw.choice(["audit", "claims-desk", "customer", "model review"]),
                at=NOON + timedelta(hours=draw.randrange(40)),
                decision_id=UUID(one["id"]) if by_id else None,
                request_id=one["request_id"],
            )
        )
    outcomes.store(words)


def an_hour_passes() -> None:
    """Date everything an hour earlier: in the transaction of a test it is always the same moment."""
    with connection.cursor() as cursor:
        for table in ("routing_decision", "routing_outcome"):
            cursor.execute(f"UPDATE {table} SET received_at = received_at - interval '1 hour'")
        for edge in ("received_from", "received_until"):
            cursor.execute(
                f"UPDATE routing_block SET {edge} = {edge} - interval '1 hour' WHERE {edge} > '0100-01-01'"
            )


def by_rows(window: Window = ALL) -> Columns:
    """Return what reading row by row gives."""
    kept = list(Block.objects.all())
    Block.objects.all().delete()
    found = Histories().window("claims", window).columns
    Block.objects.bulk_create(kept)
    return found


def told(columns: Columns) -> Any:
    """Return what two documents do to these decisions, to the last digit."""
    found = impact(
        columns, claims(0.7, retrieval_score=0.3, audit_share=0.2, holdout_share=0.1), live=claims(0.8)
    )
    return {name: value for name, value in found.items() if name != "took_ms"}


def assert_same(found: Columns, expected: Columns) -> None:
    """Hold two histories against each other: every value, and what replays make of them."""
    assert list(found.ids) == list(expected.ids)
    assert list(found.request_ids) == list(expected.request_ids)
    assert set(found.models) == set(expected.models)
    for name, model in expected.models.items():
        for measure in ("asked", "confidence", "cost_usd", "latency_ms", "correct"):
            np.testing.assert_array_equal(getattr(found.models[name], measure), getattr(model, measure))
    assert set(found.attributes) == set(expected.attributes)
    for name in expected.attributes:
        assert values(found, name) == values(expected, name)
    assert set(found.signals) == set(expected.signals)
    for name, signal in expected.signals.items():
        np.testing.assert_array_equal(found.signals[name], signal)
    for name in ("at", "audited", "audit_place", "holdout_place"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert [found.strata[s] for s in found.stratum] == [expected.strata[s] for s in expected.stratum]
    assert told(found) == told(expected)


def values(columns: Columns, name: str) -> list[object]:
    column = columns.attributes[name]
    return (
        column.values.tolist()
        if isinstance(column, Numeric)
        else [column.values[code] for code in column.codes]
    )


@pytest.fixture
def histories(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Histories]:
    """A process that looks for news at every question; blocks hold so few decisions that there are several."""
    monkeypatch.setattr("routing.history_rows.CHUNK", 60)
    histories = Histories(fresh_seconds=-1)
    yield histories
    histories.forget()


def test_blocks_and_the_rest_give_what_rows_give(histories: Histories) -> None:
    first = stored(250, 1)
    judged(first[:120], 2)
    an_hour_passes()
    assert blocks.seal("claims", least=100, most=150) == 250
    late = stored(90, 3)
    judged(first + late, 4)
    an_hour_passes()
    assert blocks.seal("claims", least=50) == 90
    news = stored(40, 5)
    decisions.store([DecisionIn.model_validate(one).model_dump(mode="json") for one in first[:20]])
    judged(first + late + news, 6)

    found = histories.window("claims", ALL)
    assert found.complete
    assert_same(found.columns, by_rows())
    assert histories.progress("claims") == Progress(380, 380)
    assert_same(histories.window("claims", Window(decisions=77)).columns, by_rows(Window(decisions=77)))


def sealed_history(seed: int, count: int = 200) -> list[dict[str, Any]]:
    """Store and seal decisions, in two runs of several blocks each."""
    made = []
    for part in range(2):
        made += stored(count // 2, seed + part)
        an_hour_passes()
        assert blocks.seal("claims", least=1, most=count) == count // 2
    return made


def test_what_is_no_longer_in_the_table_is_in_no_history(histories: Histories) -> None:
    made = sealed_history(10)
    Decision.objects.filter(id__in=[one["id"] for one in made[:5]]).delete()

    assert_same(histories.window("claims", ALL).columns, by_rows())
    assert len(histories.window("claims", ALL).columns) == 195

    # Half of it is sealed anew, the rest stays as it was; when all is gone, so are the blocks.
    kept = set(Block.objects.order_by("-received_from").values_list("id", flat=True)[:2])
    assert blocks.seal("claims", least=1) == 95
    assert kept <= set(Block.objects.values_list("id", flat=True))
    assert_same(Histories().window("claims", ALL).columns, by_rows())
    Decision.objects.all().delete()
    assert blocks.seal("claims", least=1) == 0
    assert not Block.objects.exists()


def test_blocks_of_another_format_are_left_alone_and_made_anew(histories: Histories) -> None:
    sealed_history(20)
    oldest = Block.objects.order_by("received_from").first()
    assert oldest is not None
    Block.objects.filter(received_from=oldest.received_from).update(format=99, data=b"from another time")

    assert_same(histories.window("claims", ALL).columns, by_rows())
    assert blocks.seal("claims", least=1) == 100
    assert set(Block.objects.values_list("format", flat=True)) == {1}


def test_sealing_again_changes_nothing_and_little_is_not_sealed(histories: Histories) -> None:
    sealed_history(30)
    before = list(Block.objects.order_by("id").values_list("id", flat=True))
    stored(9, 31)
    an_hour_passes()
    assert blocks.seal("claims", least=10) == 0
    assert list(Block.objects.order_by("id").values_list("id", flat=True)) == before
    assert blocks.seal("nothing", least=1) == 0


def test_what_was_received_a_moment_ago_waits(histories: Histories) -> None:
    stored(20, 32)
    assert blocks.seal("claims", least=1) == 0  # a transaction under way may still add to that moment


def test_a_window_reads_no_block_that_lies_before_it(histories: Histories) -> None:
    sealed_history(40)
    Block.objects.filter(at_max__lt=NOON + timedelta(seconds=2_000)).update(data=b"not to be read")
    window = Window(days=(timezone.now() - NOON - timedelta(seconds=2_000)) / timedelta(days=1))

    found = histories.window("claims", window).columns
    assert 0 < len(found) < 100
    assert histories.rows_read("claims") < 200
    assert_same(found, by_rows(window))


def test_of_more_than_memory_holds_the_newest_are_read(histories: Histories) -> None:
    sealed_history(50)
    whole = histories.window("claims", ALL)
    small = Histories(budget_bytes=whole.columns.bytes, fresh_seconds=-1)

    found = small.window("claims", ALL)
    assert not found.complete
    assert 20 < len(found.columns) < 200
    assert list(found.columns.ids) == list(whole.columns.ids)[-len(found.columns) :]
    assert small.window("claims", Window(decisions=10)).complete


def test_a_wider_window_reads_older_blocks_only(histories: Histories) -> None:
    sealed_history(60)
    histories.window("claims", Window(decisions=30))
    some = histories.rows_read("claims")
    assert some < 200
    assert_same(histories.window("claims", ALL).columns, by_rows())


def test_a_block_that_goes_while_it_is_read_costs_time_and_no_decision(
    histories: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_history(70)
    verdicts = history_blocks.verdicts

    def meanwhile(use_case: str) -> history_blocks.Verdicts:
        Block.objects.all().delete()
        return verdicts(use_case)

    monkeypatch.setattr("routing.history_blocks.verdicts", meanwhile)
    assert_same(histories.window("claims", ALL).columns, by_rows())


def test_one_seals_at_a_time(histories: Histories) -> None:
    stored(20, 80)
    an_hour_passes()

    def elsewhere(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {statement}(%s, hashtext(%s))", [blocks.LOCK, "claims"])

    with ThreadPoolExecutor(1) as other:
        other.submit(elsewhere, "pg_advisory_lock").result(20)
        try:
            assert blocks.seal("claims", least=1) == 0
        finally:
            other.submit(elsewhere, "pg_advisory_unlock").result(20)
            other.submit(connections.close_all).result(20)
    assert blocks.seal("claims", least=1) == 20


def test_the_worker_seals_every_use_case_and_mends_what_does_not_hold(
    histories: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.actions.blocks.LEAST", 10)
    made = stored(30, 90)
    Decision.objects.filter(id__in=[one["id"] for one in made[:12]]).update(use_case="other")
    times = dict.fromkeys(("received_from", "received_until", "at_min", "at_max"), NOON)
    for slug in ("claims", "other"):
        Target.objects.create(
            use_case=slug,
            version=1,
            digest="",
            document={},
            baseline={},
            issued_at=timezone.now(),
            envelope="",
        )
        Block.objects.create(use_case=slug, **times, count=1, memory=1, format=1, data=b"half a block")
    an_hour_passes()

    tasks.seal()
    tasks.seal()
    tasks.seal("claims")
    assert sorted(Block.objects.values_list("use_case", "count")) == [("claims", 18), ("other", 12)]


def test_what_comes_after_a_load_from_blocks_is_taken_in(histories: Histories) -> None:
    made = sealed_history(100)
    histories.window("claims", ALL)
    before = histories.rows_read("claims")

    late = stored(20, 102)
    judged(made + late, 103)
    found = histories.window("claims", ALL).columns
    assert histories.rows_read("claims") < before + 200
    assert_same(found, by_rows())
    an_hour_passes()
    assert blocks.seal("claims", least=1) == 20
    assert_same(Histories().window("claims", ALL).columns, found)
