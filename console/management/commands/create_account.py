"""`manage.py create_account NAME --group operations`: prints the first password, and nothing else, on stdout."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import log
from console import new_accounts
from usecases.publishing import Refused


class Command(BaseCommand):
    help = "Make an account and print its first password; it is shown this once, and recorded as done at the machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the person types to sign in")
        parser.add_argument(
            "--group", action="append", default=[], help="operations, risk, admin or a unit's; repeatable"
        )
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _, password = new_accounts.create(
                name=options["name"].strip(),
                by=log.System("command"),
                groups=options["group"],
                reason=options["reason"].strip(),
            )
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stderr.write("They change it on their page “My account”.")
        self.stdout.write(password)
