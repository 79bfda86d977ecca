"""`manage.py create_token`: prints a new token, and nothing else, on stdout."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import log
from console import tokens
from routing.models import Target
from usecases.publishing import Refused


class Command(BaseCommand):
    """Create a token for a person or for assistants."""

    help = "Create a token and print it; it is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the token is called in lists and in the record")
        kind = parser.add_mutually_exclusive_group(required=True)
        kind.add_argument("--user", metavar="USERNAME", help="the person the token acts as")
        kind.add_argument("--assistant", action="store_true", help="the token is for assistants")
        parser.add_argument(
            "--use-case",
            metavar="SLUG",
            action="append",
            default=[],
            help="a use case the assistants serve; repeatable",
        )
        parser.add_argument(
            "--days",
            type=int,
            help="how long it works; without this 90 days for a person, and for assistants until it is revoked",
        )
        parser.add_argument("--read-only", action="store_true", help="a person's token that changes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        user = _person(options["user"]) if options["user"] else None
        slugs: list[str] = options["use_case"]
        try:
            _, text = tokens.issue(
                name=options["name"],
                by=log.System("command"),
                user=user,
                use_cases=slugs,
                expires_at=timezone.now() + timedelta(days=options["days"]) if options["days"] else None,
                scope="read" if options["read_only"] else "full",
            )
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        for slug in sorted(set(slugs) - set(Target.objects.values_list("use_case", flat=True))):
            self.stderr.write(f"There is no use case “{slug}” yet; the token will serve it once there is.")
        self.stdout.write(text)


def _person(username: str) -> User:
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist as missing:
        raise CommandError(f"There is no person “{username}”.") from missing
