"""`manage.py grant SLUG --to USERNAME|--group NAME --right VERB …|--role ROLE --reason WHY`: give rights."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from usecases.access import VERBS, listed
from usecases.actions import access
from usecases.management import rights
from usecases.permissions import ROLES


class Command(BaseCommand):
    help = "Give a person or a group rights on a use case, through the same checks as the page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        rights.add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--right", action="append", choices=VERBS, help="may be said more than once")
        which.add_argument("--role", choices=list(ROLES), help="all rights of a role")

    def handle(self, *args: Any, **options: Any) -> None:
        with rights.carried_out():
            to = rights.holder(options)
            held = access.grant(to=to, verbs=rights.verbs(options), **rights.asked(options))
        self.stdout.write(f"{to} may now {listed(held)} on {options['slug']}.")
