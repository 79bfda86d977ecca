"""`manage.py set_groups NAME --group risk`: who holds which role over the whole console."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from audit import log
from console import accounts, new_accounts
from usecases.publishing import Refused


class Command(BaseCommand):
    help = "Give an account exactly these groups. Recorded as done at the machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--group", action="append", default=[], help="repeatable; none takes all away")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"There is no account “{options['name']}”.")
        try:
            groups = [group.name for group in new_accounts.known(options["group"])]
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        held = accounts.set_groups(
            person=person, groups=groups, by=log.System("command"), reason=options["reason"].strip()
        )
        self.stdout.write(f"{person.get_username()}: {', '.join(sorted(held)) or 'no group'}")
