"""A whole installation, from the record of an earlier one to the command that verifies it; every guard is on."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

ROOT = Path(__file__).parents[3]
OLD_EVENTS = 20
INSERT = """
INSERT INTO audit_event (at, kind, sentence, actor, actor_kind, entry_point, request_id, use_case, reason, old, new)
SELECT '2026-01-01T00:00:00.000001Z'::timestamptz + n * interval '1 second', 'version.applied',
    'Applied “' || n || '”.', 'ops', 'person', 'page', '', 'claims', '', NULL, jsonb_build_object('n', n, 'x', n / 8.0)
FROM generate_series(1, %s) AS n
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an installation with its own database, whose events were written before there was a chain."""
    name = f"installation_{os.getpid()}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        url = psycopg.conninfo.make_conninfo(settings.DATABASE_URL, dbname=name)
        data = tmp_path_factory.mktemp("installation")
        environ = os.environ | {"DATABASE_URL": url, "DATA_DIR": str(data)}
        try:
            assert manage(environ, "migrate", "audit", "0001").returncode == 0
            with psycopg.connect(url) as connection:
                connection.execute(INSERT, [OLD_EVENTS])
            assert manage(environ, "migrate", "audit").returncode == 0
            yield environ
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def manage(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def rows(environ: dict[str, str], query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(environ["DATABASE_URL"]) as connection:
        return connection.execute(query.encode()).fetchall()


def test_what_was_there_before_is_chained_in_its_order(installation: dict[str, str]) -> None:
    order = rows(installation, "SELECT seq, event_id FROM audit_link ORDER BY seq")
    assert order == [(number, number) for number in range(1, OLD_EVENTS + 1)]
    done = manage(installation, "verify_audit")
    assert done.returncode == 0, done.stdout
    assert "20 events, 0 checkpoints" in done.stdout
    assert "the record is as it was written; the last 20 are not under a checkpoint yet" in done.stdout


@pytest.mark.parametrize("table", ["event", "link", "subtree", "checkpoint"])
def test_the_record_is_not_emptied(table: str, installation: dict[str, str]) -> None:
    with (
        psycopg.connect(installation["DATABASE_URL"]) as connection,
        pytest.raises(psycopg.Error, match="kept as it was written: truncate of"),
    ):
        connection.execute(f"TRUNCATE audit_{table}".encode())


def test_the_command_signs_off_a_sound_record_and_fails_for_one_that_is_not(
    installation: dict[str, str],
) -> None:
    sign = "from audit import checkpoints, proofs; from audit.models import Event; checkpoints.make();"
    printed = "import json; print(json.dumps(proofs.inclusion(Event.objects.get(pk=7))))"
    signed = manage(installation, "shell", "--no-imports", "-c", sign + printed)
    assert json.loads(signed.stdout)["seq"] == 7, signed.stderr
    sound = manage(installation, "verify_audit")
    assert sound.returncode == 0
    assert "Signed with key" in sound.stdout
    with psycopg.connect(installation["DATABASE_URL"]) as connection:
        connection.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_update")
        connection.execute("UPDATE audit_event SET actor = 'risk' WHERE id = 7")
    tampered = manage(installation, "verify_audit")
    assert tampered.returncode == 1
    named = "FAULT event 7 (2026-01-01T00:00:07.000001Z, “Applied “7”.”): actor is not what was written"
    assert named in tampered.stdout
    assert "FAULT the trigger audit_event_update, which keeps the record, is switched off" in tampered.stdout
    assert "20 events, 1 checkpoints" in tampered.stdout


def test_the_chain_can_be_taken_off_again(installation: dict[str, str]) -> None:
    assert manage(installation, "migrate", "audit", "0001").returncode == 0
    assert rows(installation, "SELECT count(*) FROM audit_event") == [(OLD_EVENTS,)]
    assert manage(installation, "migrate", "audit").returncode == 0
    assert rows(installation, "SELECT count(*) FROM audit_link") == [(OLD_EVENTS,)]
