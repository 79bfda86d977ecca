"""`manage.py new_password NAME`: prints a new password of somebody who forgot theirs, and nothing else, on stdout."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from audit import log
from console import new_accounts
from usecases.publishing import Refused


class Command(BaseCommand):
    help = "Give an account a new password and print it; its sessions end. Recorded as done at the machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"There is no account “{options['name']}”.")
        try:
            password = new_accounts.new_password(
                person=person, by=log.System("command"), reason=options["reason"].strip()
            )
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stderr.write("They change it on their page “My account”.")
        self.stdout.write(password)
