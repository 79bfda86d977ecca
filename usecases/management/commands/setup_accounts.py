"""`manage.py setup_accounts --passwords-file PATH`: role groups and the accounts ops, risk and admin."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from usecases.accounts import ensure_accounts


class Command(BaseCommand):
    help = "Make the role groups and one account per role; prints the passwords made at first start."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--passwords-file", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        for name, password in ensure_accounts(options["passwords_file"]).items():
            self.stdout.write(f"{name} {password}")
