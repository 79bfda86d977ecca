"""`manage.py revoke_token NAME`: end a token whose text has got about."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import log
from console import tokens
from console.models import Token


class Command(BaseCommand):
    help = "Revoke a token: what uses it is refused from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the token is called")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        token = Token.objects.filter(name=options["name"]).first()
        if token is None:
            raise CommandError(f"There is no token “{options['name']}”.")
        tokens.revoke(token=token, by=log.System("command"), reason=options["reason"])
        self.stdout.write(f"The token “{token.name}” is revoked.")
