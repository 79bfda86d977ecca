"""`manage.py config_schema [document|use-case]`: print the JSON Schema, for editors and pipelines."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from usecases.config_schemas import SCHEMAS


class Command(BaseCommand):
    help = "Print the JSON Schema (2020-12) of a use case's file, or of its config document."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", choices=sorted(SCHEMAS), default="use-case")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(SCHEMAS[options["name"]](), ensure_ascii=False, indent=2))
