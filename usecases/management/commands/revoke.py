"""`manage.py revoke SLUG --to USERNAME|--group NAME [--right VERB …]`: take rights back, all of them unless named."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from usecases.access import VERBS, listed
from usecases.actions import access
from usecases.management import rights


class Command(BaseCommand):
    help = "Take back rights on a use case from a person or a group, through the same checks as the page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        rights.add_arguments(parser)
        parser.add_argument("--right", action="append", choices=VERBS, help="may be said more than once")

    def handle(self, *args: Any, **options: Any) -> None:
        with rights.carried_out():
            holder = rights.holder(options)
            left = access.revoke(holder=holder, verbs=rights.verbs(options), **rights.asked(options))
        now = f"may now only {listed(left)}" if left else "was given no right any more"
        self.stdout.write(f"{holder} {now} on {options['slug']}.")
