"""`manage.py set_groups NAME --group risk`: who holds which role over the whole console."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from audit import log
from console import accounts, new_accounts
from usecases.management.rights import account, carried_out


class Command(BaseCommand):
    help = "Give an account exactly these groups. Recorded as done at the machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--group", action="append", default=[], help="repeatable; none takes all away")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        person = account(options["name"])
        with carried_out():
            groups = [group.name for group in new_accounts.known(options["group"])]
            held = accounts.set_groups(
                person=person, groups=groups, by=log.System("command"), reason=options["reason"].strip()
            )
        self.stdout.write(f"{person.get_username()}: {', '.join(sorted(held)) or 'no group'}")
