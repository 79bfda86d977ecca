"""Decisions in memory: the same as in the database, read once, brought up to date by what is new."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.utils import timezone
from uuid6 import uuid7

from console.api.schemas_assistants import DecisionIn
from routing import history_rows
from routing.actions import decisions, outcomes
from routing.engine.decide import compile_document
from routing.history import Busy, Histories, Progress, Window
from routing.history_rows import CHUNK, Chunk
from routing.models import Decision
from routing.replay.columns import AUDIT, CENSUS, DESK, NO_LABEL, THRESHOLDS, UNKNOWN, Columns
from routing.replay.replay import replay
from tests.documents import claims

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALL = Window()


def decided(name: str, minutes: float = 0, **other: Any) -> Decision:
    """Store a decision of `minutes` after noon, as an assistant's report does."""
    given: dict[str, Any] = {
        "id": UUID(str(uuid7())),
        "request_id": name,
        "use_case": "claims",
        "at": NOON + timedelta(minutes=minutes),
        "attributes": {"topic": "refund"},
        "model": "small",
        "tried": [{"model": "small", "confidence": 0.9, "cost_usd": 0.001, "latency_ms": 800.0}],
        "confidence": 0.9,
        "signal": "verbalised",
        "action": "answer",
    }
    return Decision.objects.create(**{**given, **other})


def verdict(decision: Decision | None, correct: bool, source: str = "audit", **other: Any) -> None:
    given = {"use_case": "claims", "decision_id": decision.pk if decision else None, "at": NOON, **other}
    outcomes.store([outcomes.Word(correct=correct, source=source, **given)])


def received_long_ago() -> None:
    """Let time pass: what is there by now is no news any more."""
    with connection.cursor() as cursor:
        for table in ("routing_decision", "routing_outcome"):
            cursor.execute(f"UPDATE {table} SET received_at = received_at - interval '1 hour'")


def names(columns: Columns) -> list[str]:
    return list(columns.request_ids)


def verdicts(columns: Columns) -> dict[str, int]:
    """Return the verdict on the small model's answer of each request."""
    return dict(zip(columns.request_ids, columns.models["small"].correct.tolist(), strict=True))


@pytest.fixture
def histories(db: None) -> Iterator[Histories]:
    """A process that looks for news at every question."""
    histories = Histories(fresh_seconds=-1)
    yield histories
    histories.forget()


def test_a_window_is_the_last_so_many_the_last_days_or_all(histories: Histories) -> None:
    now = timezone.now()
    for name, days in (("old", 40), ("recent", 3), ("new", 1)):
        decided(name, at=now - timedelta(days=days))
    decided("elsewhere", use_case="other", at=now)

    assert names(histories.window("claims", Window(decisions=1)).columns) == ["new"]
    assert names(histories.window("claims", Window(days=7)).columns) == ["recent", "new"]
    assert names(histories.window("claims", ALL).columns) == ["old", "recent", "new"]
    assert names(histories.window("claims", Window(decisions=2)).columns) == ["recent", "new"]
    assert names(histories.window("claims", Window(decisions=9)).columns) == ["old", "recent", "new"]
    assert names(histories.window("nothing", ALL).columns) == []


def test_a_wider_window_reads_the_older_part_only(histories: Histories) -> None:
    for number in range(10):
        decided(f"r-{number}", minutes=number)
    received_long_ago()

    histories.window("claims", Window(decisions=4))
    assert histories.rows_read("claims") == 4
    assert len(histories.window("claims", ALL).columns) == 10
    assert histories.rows_read("claims") == 10
    assert histories.progress("claims").rows == 6
    assert not histories.progress("claims").loading


def test_news_are_read_without_reading_the_rest_again(histories: Histories) -> None:
    for number in range(10):
        decided(f"r-{number}", minutes=number)
    received_long_ago()
    before = histories.window("claims", ALL).columns
    assert histories.window("claims", ALL).columns is before  # with every replay that is kept with it

    decided("late", minutes=4.5, tried=[{"model": "large", "confidence": 0.7}], model="large")
    decided("newest", minutes=60, attributes={"tier": "vip"})
    found = histories.window("claims", ALL).columns

    assert histories.rows_read("claims") == 12
    assert names(found)[4:7] == ["r-4", "late", "r-5"]
    assert names(found)[-1] == "newest"
    assert set(found.attributes) == {"topic", "tier"}
    assert before is not found
    assert len(before) == 10
    assert found.ids_digest == Histories().window("claims", ALL).columns.ids_digest


def test_decisions_of_one_moment_are_in_one_order_however_they_came(histories: Histories) -> None:
    for number in range(6):
        decided(f"r-{number}")
    histories.window("claims", ALL)
    for number in range(6):
        decided(f"s-{number}")
    found = histories.window("claims", ALL).columns

    assert len(found) == 12
    assert list(found.ids) == list(Histories().window("claims", ALL).columns.ids)


def test_a_verdict_that_comes_later_reaches_its_decision(histories: Histories) -> None:
    audited = decided("audited", audited=True, audit_share=0.05)
    decided("reviewed", minutes=1, action="review")
    received_long_ago()
    assert set(verdicts(histories.window("claims", ALL).columns).values()) == {UNKNOWN}

    verdict(audited, False)
    verdict(None, True, "sample reviewer", request_id="reviewed")
    assert verdicts(histories.window("claims", ALL).columns) == {"audited": 0, "reviewed": 1}
    assert histories.rows_read("claims") == 4

    received_long_ago()
    verdict(audited, True, at=NOON + timedelta(hours=1))
    assert verdicts(histories.window("claims", ALL).columns)["audited"] == 1


def test_only_a_persons_verdict_on_what_was_drawn_or_reviewed_is_a_label(histories: Histories) -> None:
    verdict(decided("complaint", audit_share=0.05), False, "review")
    verdict(decided("customer", audited=True, audit_share=0.05), False, "customer")
    verdict(decided("judge", audited=True, audit_share=0.05), False, "model review")
    verdict(decided("drawn", audited=True, audit_share=0.05), False, "claims-desk")
    assert verdicts(histories.window("claims", ALL).columns) == {
        "complaint": UNKNOWN,
        "customer": UNKNOWN,
        "judge": UNKNOWN,
        "drawn": 0,
    }


def test_how_labels_came_about_is_kept_apart(histories: Histories) -> None:
    decided("audited", audited=True, audit_share=0.05)
    decided("unaudited", minutes=1, audit_share=0.05)
    decided("reviewed", minutes=2, action="review")
    decided("census", minutes=3, tried=[{"model": "small", "confidence": 0.9, "correct": True}])
    decided("silent", minutes=4)
    columns = histories.window("claims", ALL).columns
    kinds = [columns.strata[code] for code in columns.stratum]
    assert [kind.kind for kind in kinds] == [AUDIT, AUDIT, DESK, CENSUS, NO_LABEL]
    assert kinds[0].share == 0.05


def test_any_text_survives_the_way_into_memory(histories: Histories) -> None:
    odd = 'back\\slash "quoted"\nline\ttab \\N é 漢 \\\\'
    decided(odd, attributes={odd: odd})
    columns = histories.window("claims", ALL).columns
    assert names(columns) == [odd]
    assert columns.attributes[odd].values == (None, odd)


def test_more_than_one_chunk_is_read_whole(histories: Histories, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.history.CHUNK", 4)
    assert CHUNK > 4
    for number in range(10):
        decided(f"r-{number}", minutes=number // 5)
    whole = histories.window("claims", ALL).columns
    assert sorted(names(whole)) == [f"r-{number}" for number in range(10)]
    assert (histories.progress("claims").rows, histories.progress("claims").expected) == (10, 10)


def test_more_news_than_fit_are_read_in_pages(histories: Histories, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.history.MOST_NEWS", 5)
    decided("first")
    received_long_ago()
    histories.window("claims", ALL)
    for number in range(6):
        decided(f"r-{number}", minutes=1 + number)
    assert len(histories.window("claims", ALL).columns) == 7
    assert histories.progress("claims") == Progress(7, 7, loading=False)


def test_memory_stays_within_its_budget(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.history.CHUNK", 10)
    for number in range(40):
        decided(f"r-{number}", minutes=number)
        decided(f"o-{number}", minutes=number, use_case="other")
    one = Histories()
    size = one.window("claims", ALL).columns.bytes

    small = Histories(budget_bytes=int(size * 2.2), fresh_seconds=-1)
    assert small.window("claims", ALL).complete
    small.window("other", ALL)
    assert small.rows_read("claims") == 0  # forgotten: asked least recently
    assert small.rows_read("other") == 40

    tiny = Histories(budget_bytes=size // 2, fresh_seconds=-1)
    found = tiny.window("claims", ALL)
    assert not found.complete
    assert 0 < len(found.columns) < 40
    assert names(found.columns)[-1] == "r-39"  # the newest are kept
    assert tiny.window("claims", Window(decisions=3)).complete


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """Take decisions back that other connections had to see: the table is not Django's to empty."""
    yield
    Decision.objects.all().delete()


def test_many_questions_at_once_load_a_history_once(committed: None) -> None:
    for number in range(20):
        decided(f"r-{number}", minutes=number)
    received_long_ago()
    histories = Histories()

    def ask(_: int) -> int:
        try:
            return len(histories.window("claims", ALL).columns)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(8))) == [20] * 8
    assert histories.rows_read("claims") == 20


def test_who_waits_too_long_hears_how_far_it_is_and_holds_no_connection(
    committed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(20):
        decided(f"r-{number}", minutes=number)
    histories, half_way, go_on, pages = Histories(wait_seconds=0.05), Event(), Event(), history_rows.pages

    def slowly(use_case: str, floor: datetime, before: datetime, most: int) -> Iterator[Chunk]:
        for chunk in pages(use_case, floor, before, 5):
            yield chunk
            half_way.set()
            assert go_on.wait(20)

    def load() -> int:
        try:
            return len(histories.window("claims", ALL).columns)
        finally:
            connections.close_all()

    monkeypatch.setattr("routing.history_rows.pages", slowly)
    with ThreadPoolExecutor(1) as threads:
        loading = threads.submit(load)
        try:
            assert half_way.wait(20)
            with pytest.raises(Busy, match=r"5 of 20 decisions") as busy:
                histories.window("claims", ALL)
            assert connection.connection is None
            assert busy.value.progress == histories.progress("claims") == Progress(5, 20, loading=True)
        finally:
            go_on.set()
        assert loading.result(20) == 20
    assert histories.progress("claims") == Progress(20, 20, loading=False)


TOLD: list[dict[str, Any]] = [
    {"spent_today_usd": 3.0, "retrieval_score": 0.2},
    {"spent_today_usd": 3.0, "retrieval_score": 0.5, "sensitivity": 0.9},
    {"spent_today_usd": 250.0, "retrieval_score": None},
    {"spent_today_usd": 3.0},
    {"retrieval_score": "no number", "sensitivity": 1e400},
    {},
]


@pytest.mark.parametrize("least", [None, 0.2, 0.35, 0.5, 0.51])
def test_a_threshold_that_moves_replays_what_was_reported_as_deciding_would(
    histories: Histories, least: float | None
) -> None:
    compiled = compile_document(claims(retrieval_score=least, sensitivity=0.7, daily_budget_usd=200.0))
    sent = [
        {
            "id": str(uuid7()),
            "request_id": f"r-{place}",
            "use_case": "claims",
            "at": (NOON + timedelta(minutes=place)).isoformat(),
            "tried": [{"model": "small", "confidence": 0.9}],
            "signal": "verbalised",
            "action": "review",
            "signals": signals,
        }
        for place, signals in enumerate(TOLD)
    ]
    decisions.store([DecisionIn.model_validate(one).model_dump(mode="json") for one in sent])

    columns = histories.window("claims", ALL).columns
    replayed = replay(columns, compiled)
    stored = {decision.request_id: decision for decision in Decision.objects.all()}
    for place, name in enumerate(columns.request_ids):
        context, told = {"request_id": name}, stored[name].signals
        answer = {"model": "small", "confidence": 0.9}
        expected = compiled.plan(context, told).decided or compiled.decide(context, told | answer)
        assert replayed.row(place) == expected
    assert columns.signal_share("spent_today_usd") == 4 / 6
    assert columns.signal_share("retrieval_score") == 5 / 6  # the fourth is known to have reported none


def test_signals_that_nobody_recorded_are_not_known(histories: Histories) -> None:
    decided("before signals were kept")
    columns = histories.window("claims", ALL).columns
    assert [columns.signal_share(name) for name in THRESHOLDS] == [0.0, 0.0, 0.0]


def scans() -> int:
    """Return how often this session read all verdicts there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'routing_outcome'")
        return int(cursor.fetchone()[0])


def test_each_verdict_is_looked_up_by_its_index_also_where_statistics_are_old(histories: Histories) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE routing_decision, routing_outcome")
    for number in range(50):
        verdict(decided(f"request {number}", number, audited=True), correct=True)
    before = scans()

    histories.window("claims", ALL)

    assert scans() == before
