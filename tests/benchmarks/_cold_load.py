"""The first question after a start: a million decisions out of PostgreSQL, sealed, and row by row for reference.

Its own embedded database is filled by one statement, sealed as the worker would, and read by a fresh process; the time
for importing NumPy is not counted. Where everything was sealed and where the last ten thousand decisions were not.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from console.embedded import Postgres, socket_folder
from console.processes import Process, stop, wait_ready
from console.stack import ROOT

COUNT, TAIL, BY_ROWS = 1_000_000, 10_000, 100_000
AIM_S = 4.0
# Ids carry their time as an assistant's do. Four attributes; every third request climbs to the second model; the last
# `tail` decisions came in a moment ago and are not sealed.
DECISIONS = """
INSERT INTO routing_decision
SELECT (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || '7' || substr(mark, 1, 3) || '8'
        || substr(mark, 4, 15))::uuid,
       substr(mark, 1, 8) || '-0000-7000-8000-' || substr(mark, 9, 12), 'claims', 3, mark, 'live', 'assistant-1', made,
       CASE WHEN n > %(sealed)s THEN now() + interval '1 hour' ELSE made + interval '2 seconds' END,
       jsonb_build_object('topic', (ARRAY['refund', 'delivery', 'invoice', 'contract'])[1 + n %% 4],
                          'tier', (ARRAY['basic', 'silver', 'gold', 'vip'])[1 + n %% 3],
                          'language', (ARRAY['en', 'de', 'fr'])[1 + n %% 3],
                          'amount', round((drawn * 12000)::numeric, 2)),
       '', '', CASE WHEN n %% 3 = 0 THEN 'large' ELSE 'small' END,
       CASE WHEN n %% 3 = 0 THEN jsonb_build_array(
            jsonb_build_object('model', 'small', 'confidence', drawn, 'cost_usd', 0.001, 'latency_ms', 800.5),
            jsonb_build_object('model', 'large', 'confidence', 1 - drawn / 3, 'cost_usd', 0.01, 'latency_ms', 1900.25))
       ELSE jsonb_build_array(
            jsonb_build_object('model', 'small', 'confidence', drawn, 'cost_usd', 0.001, 'latency_ms', 800.5)) END,
       drawn, 'verbalised', 'answer', CASE WHEN n %% 5 = 0 THEN 'review' ELSE 'answer' END, '', '', 'DEFAULT', '',
       n %% 20 = 1, 0.05, false, 0.001, 800.5, 300, 40, 'claims@12', 'policies@3', '[]', mark, '',
       jsonb_build_object('spent_today_usd', drawn * 100, 'retrieval_score', 1 - drawn)
  FROM (SELECT n, md5(n::text) AS mark, random() AS drawn,
               date_trunc('milliseconds', now() - (%(count)s + 1 - n) * interval '2.5 seconds') AS made
          FROM generate_series(1, %(count)s) n) given
"""
VERDICTS = """
INSERT INTO routing_outcome
       (decision_id, request_id, use_case, correct, source, corrected_answer, bucket, at, received_at)
SELECT id, request_id, use_case, random() < 0.9, 'review', '', '', at + interval '1 hour', at + interval '1 hour'
  FROM routing_decision WHERE audited OR (action = 'review' AND random() < 0.5)
"""


def report(count: int = COUNT) -> None:
    """Fill a database, and print how long a fresh process takes to read it."""
    data, sockets = Path(tempfile.mkdtemp(prefix="console-cold-load-")), socket_folder()
    data.chmod(0o711)  # for PostgreSQL's account, when root runs this
    postgres = Postgres(data / "postgres", sockets, durable=False)
    process = Process(postgres.program(data / "postgres.log"))
    process.start()
    try:
        wait_ready([process], 60)
        environ = os.environ | {
            "DATA_DIR": str(data),
            "DATABASE_URL": postgres.url,
            "SECRET_KEY": "only-for-the-benchmark-" + "0" * 30,
            "DJANGO_SETTINGS_MODULE": "console.settings",
        }
        for step in ("seed", "rows", "sealed"):
            command = [sys.executable, "-m", "tests.benchmarks._cold_load", step, str(count)]
            subprocess.run(command, cwd=ROOT, env=environ, check=True)
    finally:
        stop([process])
        subprocess.run(["rm", "-rf", str(data), str(sockets)], check=False)


def _seed(count: int) -> None:
    """Store decisions and verdicts, and seal what is old enough."""
    from django.core.management import call_command
    from django.db import connection

    from routing.actions import blocks, partitions

    call_command("migrate", verbosity=0)
    partitions.ensure()
    with connection.cursor() as cursor:
        cursor.execute(DECISIONS, {"count": count, "sealed": count - TAIL})
        cursor.execute(VERDICTS)
        verdicts = cursor.rowcount
        cursor.execute("VACUUM ANALYZE")
    begun = time.perf_counter()
    sealed = blocks.seal("claims")
    took = time.perf_counter() - begun
    print(f"\ncold load: {count:,} decisions, {verdicts:,} verdicts; {sealed:,} sealed in {took:.1f} s")


def _rows(count: int) -> None:
    """Read the last decisions row by row."""
    from routing.history import Window
    from routing.models import Block

    kept = Block.objects.filter(use_case="claims").update(use_case="put aside")
    took, own, history = _timed(Window(decisions=min(BY_ROWS, count)))
    print(f"{len(history.columns):>12,} row by row {took:>8.2f} s {own}   {kept} blocks put aside")
    Block.objects.update(use_case="claims")


def _sealed(count: int) -> None:
    """Read all of them from blocks, and the last ones that are not sealed."""
    from routing.history import Window

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took, own, history = _timed(Window())
    columns = history.columns
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert len(columns) == count
    draws = sum(places.nbytes for places in columns.drawn().values())
    print(
        f"{count:>12,} sealed     {took:>8.2f} s {own}   {TAIL:,} of them row by row;"
        f" {(columns.bytes + draws) / count:.0f} bytes a decision, {peak / count:.0f} at the peak"
        f"   under {AIM_S:.0f} s: {'kept' if took < AIM_S else 'MISSED'}"
    )


def _timed(window: Any) -> tuple[float, str, Any]:
    """Return the seconds that passed, who worked so long, and the history.

    On a machine that does other work too, the seconds that were worked tell more than those that passed.
    """
    from django.db import connection

    from routing.history import Histories

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        database = psutil.Process(cursor.fetchone()[0])
    begun, worked, served = time.perf_counter(), time.process_time(), sum(database.cpu_times()[:2])
    history = Histories().window("claims", window)
    took = time.perf_counter() - begun
    own, its = time.process_time() - worked, sum(database.cpu_times()[:2]) - served
    return took, f"(worked: {own:.1f} s, and {its:.1f} s the database)", history


if __name__ == "__main__":
    import django

    django.setup()
    STEPS: dict[str, Callable[[int], None]] = {"seed": _seed, "rows": _rows, "sealed": _sealed}
    STEPS[sys.argv[1]](int(sys.argv[2]))
