"""A database with a record of a million events, each sealed as the product seals it, for the benchmark `audit`."""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from audit import leaves
from console.embedded import Postgres, socket_folder
from console.processes import Process, stop
from console.stack import Installation, free_port

BATCH = 50_000
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (
    "id, uid, at, kind, sentence, actor, actor_kind, entry_point, request_id, use_case, version, reason, old, new,"
    " salts, digests, erased_by"
)


@contextmanager
def database() -> Iterator[str]:
    """Start an empty, migrated database of its own, as durable as an installation's; yield its address.

    Django is pointed at it, so there can be one in a process.
    """
    folder, sockets = Path(tempfile.mkdtemp(prefix="console-record-")), socket_folder()
    folder.chmod(0o711)  # for PostgreSQL's account, when root runs this
    postgres = Postgres(folder / "postgres", sockets)
    given = {"SECRET_KEY": "only-for-tests-" + "0" * 40, "DATABASE_POOL_SIZE": "20"}
    here = Installation(folder, free_port(), postgres.url, "", os.environ | given)
    server, prepare = Process(postgres.program(here.log("postgres"))), Process(here.manage("prepare"))
    try:
        server.start()
        server.wait_ready(60)
        prepare.start()
        assert prepare.wait(120) == 0, prepare.tail(40)
        os.environ |= given | {"DATABASE_URL": postgres.url, "DATA_DIR": str(folder)}
        os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
        import django

        django.setup()
        yield postgres.url
    finally:
        if "django.db" in sys.modules:
            sys.modules["django.db"].connections.close_all()
        stop([prepare, server])
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


def seed(url: str, count: int) -> None:
    """Write so many more events and links beside the triggers: leaves and heads are computed here."""
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_seal")
        row = connection.execute(
            "SELECT seq, event_id, head FROM audit_link ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        seq, number, head = row or (0, 0, leaves.GENESIS)
        for first in range(number + 1, number + count + 1, BATCH):
            sealed = [_sealed(at) for at in range(first, min(first + BATCH, number + count + 1))]
            with connection.cursor().copy(f"COPY audit_event ({COLUMNS}) FROM STDIN".encode()) as copy:
                for event, _ in sealed:
                    copy.write_row(event)
            with connection.cursor().copy("COPY audit_link (seq, event_id, leaf, head) FROM STDIN") as copy:
                for event, leaf in sealed:
                    seq, head = seq + 1, leaves.head(head, leaf)
                    copy.write_row((seq, event[0], leaf, head))
        connection.execute("ALTER TABLE audit_event ENABLE TRIGGER audit_seal")
        connection.execute("SELECT setval('audit_event_id_seq', %s)", [number + count])
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE audit_event, audit_link")


def _sealed(number: int) -> tuple[tuple[Any, ...], bytes]:
    from psycopg.types.json import Jsonb

    at, uid, slug = (
        BEGUN + timedelta(seconds=7 * number, microseconds=number),
        uuid.uuid4(),
        f"case-{number % 1000}",
    )
    old, new = (
        {"bands.answer.from": 0.85, "state": "live"},
        {"bands.answer.from": number % 97 / 100, "state": "live"},
    )
    values: dict[str, Any] = {
        "actor": ("ops", "risk", "admin")[number % 3],
        "sentence": f"Answer from {number % 97 / 100} instead of 0.85 on “{slug}”, in effect at once.",
        "reason": f"Complaints of week {number % 52} came from the lowest tenth of answers.",
        "old": old if number % 2 else None,
        "new": new if number % 2 else None,
    }
    salts = leaves.new_salts()
    digests = leaves.commitments(values, salts)
    version = number // 1000 or None
    plain = leaves.Plain(
        str(uid),
        leaves.moment(at),
        "version.applied",
        "person",
        "page",
        uuid.UUID(int=number).hex,
        slug,
        version,
    )
    leaf = leaves.leaf(leaves.content_bytes(plain, digests))
    jsons = [Jsonb(values[name]) if values[name] else None for name in ("old", "new")]
    head = (
        number,
        uid,
        at,
        plain.kind,
        values["sentence"],
        values["actor"],
        "person",
        "page",
        plain.request_id,
    )
    return (*head, slug, version, values["reason"], *jsons, salts, digests, ""), leaf
