"""`manage.py evidence_pack SLUG --since DAY --until DAY -o FILE.zip`: take an evidence pack."""

import shutil
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from usecases.actions import evidence
from usecases.management.rights import account, carried_out, use_case_of


class Command(BaseCommand):
    help = "Write an evidence pack of one use case and period, and record who took it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--since", required=True, metavar="MOMENT", help="such as 2026-03-01, in UTC")
        parser.add_argument("--until", required=True, metavar="MOMENT", help="the first moment not in it")
        parser.add_argument("-o", "--output", required=True, metavar="FILE.zip", type=Path)
        parser.add_argument(
            "--by", default="admin", metavar="USERNAME", help="in whose name (default: admin)"
        )
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        by = account(options["by"])
        use_case = use_case_of(options["slug"], by)
        since, until = (_moment(options[name], f"--{name}") for name in ("since", "until"))
        with carried_out():
            made = evidence.export(
                use_case=use_case, since=since, until=until, by=by, reason=options["reason"]
            )
        try:
            with made.file, options["output"].open("wb") as file:
                shutil.copyfileobj(made.file, file)
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.") from error
        events = made.manifest["counts"]["events"]
        self.stderr.write(f"{options['output']}: {events:,} events, signed with {made.manifest['key_id']}")


def _moment(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"{option} “{text}” is no moment; write it as 2026-03-01 or 2026-03-01T09:00Z."
        ) from error
