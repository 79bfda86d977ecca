"""`manage.py apply_config FILE.yaml [--dry-run] [--by USERNAME]`: a use case from a file."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from routing.engine.validation import InvalidDocument
from usecases import configs
from usecases.publishing import Refused, Stale


class Command(BaseCommand):
    help = "Create or change a use case from a file, through the same checks and permissions as the page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a YAML or JSON file, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
        parser.add_argument(
            "--by", default="admin", metavar="USERNAME", help="in whose name (default: admin)"
        )
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(username=options["by"]).first()
        if by is None:
            raise CommandError(f"There is no account “{options['by']}”. Name one with --by.")
        try:
            config = configs.parse(_read(options["file"]))
            applied = configs.apply(config, by=by, reason=options["reason"], dry_run=options["dry_run"])
        except (InvalidDocument, Refused, Stale, PermissionDenied, Http404) as error:
            raise CommandError("\n".join(configs.reasons(error))) from None
        self.stdout.write(_report(config["slug"], applied, dry_run=options["dry_run"]))


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None


def _report(slug: str, applied: configs.Applied, *, dry_run: bool) -> str:
    if not applied.changed:
        return f"{slug}: nothing changes."
    gates = "".join(
        f"\n  {gate.status}: {gate.name}. {gate.evidence} {gate.clear}".rstrip() for gate in applied.gates
    )
    if applied.change is not None:
        verb = "would be submitted" if dry_run else f"submitted as change {applied.change.number}"
        return f"{slug}: {verb}, it needs others to agree: {applied.sentence}.{gates}"
    number = applied.version.number if applied.version else 0
    verb = "would become" if dry_run else "is now at"
    return f"{slug} {verb} r{number}: {applied.sentence}{gates if dry_run else ''}"
