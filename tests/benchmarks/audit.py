"""What the chain costs a writer, beside plain inserts into a table of the same shape; how fast a record is verified.

The database is durable: a writer holds the chain's lock while its commit reaches the disk, which is where the cost is.
A publication's NOTIFY makes commits wait for one another just so; it is timed beside both.
"""

import functools
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

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
    times: dict[str, list[float]] = {"plain": [], "notify": [], "chained": []}
    for _ in range(KILLS):
        for way, found in times.items():
            found.append(_timed(lambda way=way: _write(way)) * 1000)  # type: ignore[misc]
    print(f"{'one event and its commit, ms':<36}{'plain':>10}{'with NOTIFY':>13}{'chained':>10}{'times':>8}")
    for name, rank in (("median", 0.5), ("95th of a hundred", 0.95)):
        plain, notify, chained = (sorted(found)[int(rank * KILLS)] for found in times.values())
        print(f"{'  ' + name:<36}{plain:>10.2f}{notify:>13.2f}{chained:>10.2f}{chained / plain:>8.2f}")


def _many_writers() -> None:
    """Time sixteen connections at once, in rounds that take turns."""
    rates: dict[str, list[float]] = {"plain": [], "notify": [], "chained": []}
    for _ in range(ROUNDS):
        for way, found in rates.items():
            found.append(WRITERS * EACH / _timed(lambda way=way: _all_write(way)))  # type: ignore[misc]
    plain, notify, chained = (statistics.median(found) for found in rates.values())
    name = f"{WRITERS} writers x {EACH}, events a second"
    print(f"{name:<36}{plain:>10,.0f}{notify:>13,.0f}{chained:>10,.0f}{plain / chained:>8.2f}")


def _all_write(way: str) -> None:
    def work() -> None:
        from django.db import connection

        try:
            for _ in range(EACH):
                _write(way)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write(way: str) -> None:
    """Record an event in a transaction of its own; `notify` does, to the plain table, what every publication does."""
    from django.db import connection, transaction

    from audit import log

    vars(log)["Event"] = _chained() if way == "chained" else _plain()
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
        if way == "notify":
            with connection.cursor() as cursor:
                cursor.execute("NOTIFY nobody")


@functools.cache
def _chained() -> Any:
    from audit.models import Event

    return Event


@functools.cache
def _plain() -> Any:
    """Return the model of the table that looks like the events' and has no triggers."""
    from django.db import models

    fields = {field.name: field.clone() for field in _chained()._meta.concrete_fields}
    meta = type("Meta", (), {"app_label": "audit", "db_table": PLAIN, "managed": False})
    return type("Plain", (models.Model,), {**fields, "Meta": meta, "__module__": __name__})


def _signed() -> None:
    from audit import checkpoints, proofs
    from audit.models import Event

    print(f"first checkpoint, with all its subtrees: {_timed(checkpoints.make):.1f} s")
    event = Event.objects.get(pk=EVENTS // 2)
    took = _timed(lambda: proofs.inclusion(event))
    print(f"proof of one event among them: {took * 1000:.0f} ms")


def _verified() -> None:
    command = [sys.executable, "manage.py", "verify_audit"]
    cpu_before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    print(done.stdout.strip())
    kept = "kept" if took < AIM_SECONDS and not done.returncode else "MISSED"
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - cpu_before
    print(f"verify_audit, from start to end: {took:.1f} s; under {AIM_SECONDS:.0f} s: {kept}")
    print(f"its processes computed for {cpu:.1f} s in all, beside what the database did")
    assert not done.returncode, done.stderr


def _timed(work: Callable[[], object]) -> float:
    """Return seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
