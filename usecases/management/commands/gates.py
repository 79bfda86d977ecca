"""`manage.py gates SLUG [--document FILE | --change N | --restore]`: every gate, how it stands, what would clear it.

Leaves with 0 where all of them pass, with 2 where one does not. Nothing is written.
"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from routing.models import State
from usecases import judging, permissions, reviewing
from usecases.checks import Findings
from usecases.config_plans import gate_lines
from usecases.management import rights
from usecases.models import Change, UseCase
from usecases.publishing import latest

CLOSED = 2


class Command(BaseCommand):
    help = "Say what a document, an open change or a restore would meet, as the page and the API say it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--document", metavar="FILE", help="a config document, YAML or JSON; - for stdin")
        what.add_argument("--change", type=int, metavar="NUMBER", help="an open change, scheduled or not")
        what.add_argument("--restore", action="store_true", help="leaving the safe state that it is on")
        parser.add_argument("--output", choices=("text", "json"), default="text")
        parser.add_argument("--by", default="admin", metavar="USERNAME", help="who asks (default: admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        by = rights.account(options["by"])
        use_case = rights.use_case_of(options["slug"], by)
        with rights.carried_out():
            permissions.check(by, "view", use_case)
            found = _findings(use_case, options, by)
        if options["output"] == "json":
            told = {
                "passes": found.passes,
                "approvals_needed": found.needed,
                "checks": [one.as_dict() for one in found.checks],
            }
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(line.strip() for line in gate_lines(found.checks)))
        if not found.passes:
            sys.exit(CLOSED)


def _findings(use_case: UseCase, options: dict[str, Any], by: User) -> Findings:
    standing = latest(use_case)
    if options["document"]:
        return judging.document(use_case, _document(options["document"]), standing, by=by)
    if options["restore"]:
        if standing.state == State.LIVE:
            raise CommandError(f"“{use_case.slug}” is live; there is no safe state to leave.")
        return judging.way_back(use_case, standing, by=by)
    change = Change.objects.filter(use_case=use_case, number=options["change"]).first()
    if change is None:
        raise CommandError(f"“{use_case.slug}” has no change {options['change']}.")
    return reviewing.review_of(change).findings


def _document(file: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise CommandError(f"{file} is no config document.")
    return found
