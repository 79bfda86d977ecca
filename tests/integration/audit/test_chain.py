"""Many writers at once: one chain, in the order in which they commit, and nobody waits for more than a commit."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from audit import checkpoints
from audit.inspection.faults import Fault
from audit.inspection.whole import inspect
from audit.keys import audit_key
from audit.models import Event, Link
from tests.integration.audit.records import execute, faults, write

WRITERS, EACH = 16, 500


@pytest.fixture
def own_connections(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each thread a connection of its own, past the pool's number."""
    monkeypatch.delitem(connections.settings["default"]["OPTIONS"], "pool")


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[psycopg.Connection]:
    """Somebody else's connection."""
    with psycopg.connect(settings.DATABASE_URL, dbname=connection.settings_dict["NAME"]) as other:
        yield other


@pytest.mark.usefixtures("own_connections")
def test_sixteen_writers_make_one_chain_without_gap_or_fork() -> None:
    def work(writer: int) -> None:
        try:
            for number in range(EACH):
                with transaction.atomic():
                    write(number, use_case=f"case-{writer}", old=None, new={"writer": writer})
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(work, range(WRITERS)))
    numbers = Link.objects.order_by("seq").values_list("seq", flat=True)
    assert list(numbers) == list(range(1, WRITERS * EACH + 1))
    checkpoints.make()
    assert inspected_by_two() == (WRITERS * EACH, [])
    tamper_with(7000)
    events, [fault] = inspected_by_two()
    assert (events, fault.seq, fault.kind) == (WRITERS * EACH, 7000, "value")


def inspected_by_two() -> tuple[int, list[Fault]]:
    """Inspect the record with two processes, as the command does; say how much they saw and what is wrong with it."""
    conninfo = psycopg.conninfo.make_conninfo(settings.DATABASE_URL, dbname=connection.settings_dict["NAME"])
    with psycopg.connect(conninfo) as reading:
        reading.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        report = inspect(reading, [audit_key().public_key()], conninfo=conninfo, processes=2)
    return report.events, report.faults


def tamper_with(seq: int) -> None:
    """Change a sentence for good."""
    execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_update")
    try:
        execute(
            "UPDATE audit_event SET sentence = 'x' FROM audit_link WHERE id = event_id AND seq = %s", [seq]
        )
    finally:
        execute("ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_update")


def in_the_background(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.usefixtures("own_connections")
def test_the_order_is_that_of_commits_and_a_long_transaction_keeps_nobody_waiting() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            write(1)
            begun.set()
            assert may_end.wait(20)

    slow = in_the_background(slowly)
    assert begun.wait(20)
    write(2)
    assert Link.objects.count() == 1
    may_end.set()
    slow.join(20)
    order = Link.objects.order_by("seq").values_list("event_id", flat=True)
    assert [Event.objects.get(pk=event).version for event in order] == [2, 1]
    assert faults() == []


def test_a_commit_that_waits_for_a_foreign_key_holds_up_no_other_event(
    own_connections: None, elsewhere: psycopg.Connection
) -> None:
    """Foreign keys are checked at commit too: were the chain taken before them, one locked row would stop them all."""
    execute("CREATE TABLE parent (id int PRIMARY KEY)")
    execute("CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    execute("INSERT INTO parent VALUES (1)")
    try:
        elsewhere.execute("SELECT * FROM parent FOR UPDATE")

        def child() -> None:
            with transaction.atomic():
                write(1)
                execute("INSERT INTO child VALUES (1)")

        waiting = in_the_background(child)
        deadline = time.monotonic() + 20
        while not execute("SELECT pid FROM pg_locks WHERE NOT granted") and time.monotonic() < deadline:
            time.sleep(0.01)
        execute("SET lock_timeout = '5s'")
        write(2)
        assert waiting.is_alive()
        elsewhere.rollback()
        waiting.join(20)
        assert Link.objects.count() == 2
        assert faults() == []
    finally:
        elsewhere.rollback()
        execute("RESET lock_timeout")
        execute("DROP TABLE child, parent")
