"""`manage.py export_config SLUG`: write the file that `apply_config` takes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from usecases import configs
from usecases.models import UseCase


class Command(BaseCommand):
    help = "Print a use case as a config file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        use_case = UseCase.objects.filter(slug=options["slug"]).first()
        if use_case is None:
            raise CommandError(f"There is no use case “{options['slug']}”.")
        self.stdout.write(configs.dump(configs.export(use_case)), ending="")
