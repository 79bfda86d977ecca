"""`manage.py verify_audit`: recomputes the whole record and names every fault. Exit 0: sound; 1: not."""

import os
import sys
import time
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from psycopg.conninfo import make_conninfo

from audit.inspection import guards
from audit.inspection.whole import Report, inspect
from audit.keys import audit_key, is_there
from audit.verify import key_id, public_key, public_key_text

SHOWN = 100  # faults told one by one
MOST = 4  # processes


class Command(BaseCommand):
    """Reads in one snapshot, beside writers, and changes nothing."""

    help = "Check every event, the chain and the signed checkpoints; name what is not as it was written."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the keys that earlier checkpoints were signed with."""
        former = "a former key of the record"
        parser.add_argument("--public-key", action="append", default=[], metavar="TEXT", help=former)
        parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, MOST))
        parser.add_argument("--all", action="store_true", help=f"tell every fault, not the first {SHOWN}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Inspect, tell, and leave with 1 where something is wrong."""
        begun, keys, conninfo = time.monotonic(), self._keys(options["public_key"]), _conninfo()
        with psycopg.connect(conninfo) as reading:
            reading.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            reading.read_only = True
            report = inspect(
                reading, keys, conninfo=conninfo, processes=options["processes"], progress=self._progress
            )
            report.faults.extend(guards.faults(reading))
        self._tell(report, keys, time.monotonic() - begun, None if options["all"] else SHOWN)
        if report.faults:
            sys.exit(1)

    def _keys(self, former: list[str]) -> list[Ed25519PublicKey]:
        try:
            given = [public_key(text) for text in former]
        except ValueError as error:
            raise CommandError(f"this is no public key: {error}") from error
        return [audit_key().public_key(), *given] if is_there() else given

    def _progress(self, done: int, total: int) -> None:
        self.stderr.write(f"\r{done:,} of {total:,} events", ending="" if done < total else "\n")
        self.stderr.flush()

    def _tell(self, report: Report, keys: list[Ed25519PublicKey], seconds: float, most: int | None) -> None:
        for fault in report.faults[:most]:
            self.stdout.write(f"FAULT {fault.text}.")
        if most and len(report.faults) > most:
            self.stdout.write(f"… and {len(report.faults) - most:,} more; --all tells them.")
        for key in keys[:1] if report.checkpoints else []:
            self.stdout.write(f"Signed with key {key_id(key)}: {public_key_text(key)}")
        looked = f"{report.events:,} events, {report.checkpoints:,} checkpoints in {seconds:.1f} s"
        if report.faults:
            self.stdout.write(f"{looked}: {len(report.faults):,} faults.")
        else:
            unsigned = report.events - report.signed
            rest = f"; the last {unsigned:,} are not under a checkpoint yet" if unsigned else ""
            self.stdout.write(f"{looked}: the record is as it was written{rest}.")


def _conninfo() -> str:
    """Say how to reach the database that Django is connected to, for connections outside its pool."""
    given = connection.get_connection_params()
    left_out = ("context", "cursor_factory", "prepare_threshold", "pool", "server_side_binding")
    return make_conninfo(**{name: value for name, value in given.items() if name not in left_out})
