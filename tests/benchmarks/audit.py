"""What the chain costs a writer, beside plain inserts into a table of the same shape; how fast a record is verified.

The database is durable: a writer holds the chain's lock while its commit reaches the disk, which is where the cost is.
"""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psycopg

from console.stack import ROOT
from tests.benchmarks._record import database, seed

WRITERS, EACH, ROUNDS, KILLS = 16, 500, 3, 300
EVENTS, AIM_SECONDS = 1_000_000, 20.0
PLAIN = "plain_event"


def run() -> None:
    """Print the cost of one event, throughput of sixteen writers, and the time of a whole verification."""
    with database() as url:
        with psycopg.connect(url) as connection:
            connection.execute(f"CREATE TABLE {PLAIN} (LIKE audit_event INCLUDING ALL)".encode())
        _one_writer()
        _many_writers()
        begun = time.perf_counter()
        seed(url, EVENTS)
        print(f"\n{EVENTS:,} more events sealed and stored in {time.perf_counter() - begun:.0f} s")
        _signed()
        _verified()


def _one_writer() -> None:
    """Time `log.record` and its commit, the share of a kill that the record takes."""
    chained, plain = [], []
    for _ in range(KILLS):
        plain.append(_timed(lambda: _write(PLAIN)))
        chained.append(_timed(lambda: _write("audit_event")))
    print(f"{'one event and its commit':<34}{'plain':>10}{'chained':>10}{'times':>8}")
    for name, rank in (("median", 0.5), ("95th of a hundred", 0.95)):
        slow, fast = (sorted(times)[int(rank * KILLS)] * 1000 for times in (chained, plain))
        print(f"{'  ' + name + ', ms':<34}{fast:>10.2f}{slow:>10.2f}{slow / fast:>8.2f}")


def _many_writers() -> None:
    """Time sixteen connections at once, in rounds that take turns."""
    rates: dict[str, list[float]] = {PLAIN: [], "audit_event": []}
    for _ in range(ROUNDS):
        for table, found in rates.items():
            found.append(WRITERS * EACH / _timed(lambda table=table: _all_write(table)))  # type: ignore[misc]
    plain, chained = (statistics.median(found) for found in rates.values())
    print(
        f"{f'{WRITERS} writers x {EACH}, events a second':<34}{plain:>10,.0f}{chained:>10,.0f}{plain / chained:>8.2f}"
    )


def _all_write(table: str) -> None:
    def work() -> None:
        from django.db import connection

        try:
            for _ in range(EACH):
                _write(table)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write(table: str) -> None:
    from django.db import transaction

    from audit import log
    from audit.models import Event

    # The insert is compiled within one thread's turn; all writers of a round mean the same table.
    Event._meta.db_table = table
    with transaction.atomic():
        log.record(
            kind="kill_switch.engaged",
            sentence="Sent “Claims summarisation” to its baseline.",
            by=log.System("benchmark"),
            use_case="claims",
            version=7,
            reason="Complaints rise.",
            old={"state": "live"},
            new={"state": "baseline"},
        )


def _signed() -> None:
    from audit import checkpoints, proofs
    from audit.models import Event

    Event._meta.db_table = "audit_event"
    print(f"first checkpoint, with all its subtrees: {_timed(checkpoints.make):.1f} s")
    event = Event.objects.get(pk=EVENTS // 2)
    took = _timed(lambda: proofs.inclusion(event))
    print(f"proof of one event among them: {took * 1000:.0f} ms")


def _verified() -> None:
    command = [sys.executable, "manage.py", "verify_audit"]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    print(done.stdout.strip())
    kept = "kept" if took < AIM_SECONDS and not done.returncode else "MISSED"
    print(f"verify_audit, from start to end: {took:.1f} s; under {AIM_SECONDS:.0f} s: {kept}")
    assert not done.returncode, done.stderr


def _timed(work: Callable[[], object]) -> float:
    """Return seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
