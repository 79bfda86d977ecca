"""`manage.py kill SLUG …|--all [--to baseline|review_all]`: send use cases to a safe state, where no page answers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from usecases.actions import kill_switches
from usecases.management import rights
from usecases.models import Version


class Command(BaseCommand):
    help = "Stop use cases, through the same action as the page; needs the database alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG")
        parser.add_argument("--all", action="store_true", help="every use case that this person may stop")
        parser.add_argument("--to", choices=("baseline", "review_all"), default="baseline")
        parser.add_argument("--message", help="what customers read meanwhile (default: as it stands)")
        parser.add_argument(
            "--by", default="admin", metavar="USERNAME", help="in whose name (default: admin)"
        )
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        slugs = options["slugs"]
        if bool(slugs) == options["all"]:
            raise CommandError("Name use cases, or say --all.")
        by = rights.account(options["by"])
        wish = {key: options[key] for key in ("to", "message", "reason")}
        with rights.carried_out():
            if options["all"]:
                self._tell(kill_switches.engage_all(by=by, **wish))
            for use_case in [rights.use_case_of(slug, by) for slug in slugs]:
                self._tell([kill_switches.engage(use_case=use_case, by=by, **wish)])

    def _tell(self, versions: list[Version]) -> None:
        for version in versions:
            self.stdout.write(f"{version.use_case.slug} is at {version.state} as r{version.number}.")
