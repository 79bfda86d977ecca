"""`manage.py new_password NAME`: prints a new password of somebody who forgot theirs, and nothing else, on stdout."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from audit import log
from console import new_accounts
from usecases.management.rights import account, carried_out


class Command(BaseCommand):
    help = "Give an account a new password and print it; its sessions end. Recorded as done at the machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        person = account(options["name"])
        with carried_out():
            password = new_accounts.new_password(
                person=person, by=log.System("command"), reason=options["reason"].strip()
            )
        self.stderr.write("They change it on their page “My account”.")
        self.stdout.write(password)
