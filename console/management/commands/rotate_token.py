"""`manage.py rotate_token NAME`: prints a token's new text, and nothing else, on stdout."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import log
from console import tokens
from console.models import Token
from usecases.publishing import Refused


class Command(BaseCommand):
    """Give a token a new text; the one before works for a while."""

    help = "Rotate a token and print its new text; it is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the token is called")
        parser.add_argument(
            "--grace-hours", type=float, default=24.0, help="how long the text before still works (24)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        token = Token.objects.filter(name=options["name"]).first()
        if token is None:
            raise CommandError(f"There is no token “{options['name']}”.")
        grace = timedelta(hours=options["grace_hours"])
        try:
            token, text = tokens.rotate(token=token, by=log.System("command"), grace=grace)
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stderr.write(f"The text before works until {token.previous_until:%Y-%m-%d %H:%M %Z}.")
        self.stdout.write(text)
