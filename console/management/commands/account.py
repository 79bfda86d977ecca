"""`manage.py account USERNAME --deactivate|--activate|--remove-second-factor`: what nobody who is signed in can do.

Such as where the only admin has lost their second factor, or all admins have left.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from audit import log
from console import accounts
from usecases.management.rights import account, carried_out

DONE = {
    "deactivate": "The account {} is switched off; its sessions and tokens have ended.",
    "activate": "The account {} is switched on.",
    "remove-second-factor": "{} has no second factor, and signs in anew.",
}


class Command(BaseCommand):
    help = (
        "Switch an account off or on, or take its lost second factor away; recorded as done at the machine."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        what = parser.add_mutually_exclusive_group(required=True)
        for verb in DONE:
            what.add_argument(f"--{verb}", dest="verb", action="store_const", const=verb)
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        person = account(options["username"])
        with carried_out():
            accounts.ACTIONS[options["verb"]](
                person=person, by=log.System("command"), reason=options["reason"].strip()
            )
        self.stdout.write(DONE[options["verb"]].format(person.get_username()))
