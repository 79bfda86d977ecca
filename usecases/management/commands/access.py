"""`manage.py access SLUG [--csv] [--by USERNAME]`: who may do what on a use case, and from where."""

import csv
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from usecases.access import HEADER, NAMES, Access, listed, table
from usecases.exports import cell
from usecases.management.rights import account, carried_out, use_case_of


class Command(BaseCommand):
    help = "Print who may do what on a use case."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--csv", action="store_true", help="one row for every person, right and source")
        parser.add_argument("--by", default="admin", metavar="USERNAME", help="who asks (default: admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        with carried_out():
            access = Access(use_case_of(options["slug"], account(options["by"])))
        if options["csv"]:
            csv.writer(self.stdout, lineterminator="\n").writerows(
                [[cell(value) for value in row] for row in [HEADER, *table(access.rows)]]
            )
            return
        for row in access.rows:
            self.stdout.write(f"{row.name}: {listed(row.verbs)}")
            for verb in row.verbs:
                by = "; ".join(
                    source.words + (f" until {source.until:%Y-%m-%d %H:%M} UTC" if source.until else "")
                    for source in row.sources[verb]
                )
                self.stdout.write(f"  {NAMES[verb].lower()}: {by}")
        self.stdout.write(access.approvers_words)
