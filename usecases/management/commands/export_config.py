"""`manage.py export_config SLUG`, or `--all --to DIR`: write the files that `apply_config` takes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from usecases import configs, permissions
from usecases.management.rights import account
from usecases.models import UseCase


class Command(BaseCommand):
    help = "Print a use case as a config file, or write one file for each into a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?")
        parser.add_argument("--all", action="store_true", help="every use case")
        parser.add_argument("--to", metavar="DIR", help="the folder to write into, with --all")
        parser.add_argument("--by", metavar="USERNAME", help="only what this account sees")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"] != bool(options["to"]) or options["all"] == bool(options["slug"]):
            raise CommandError("Name one use case; or say --all and a folder with --to.")
        rows = _visible(options["by"])
        if options["all"]:
            self._write_all(rows, Path(options["to"]))
            return
        use_case = rows.filter(slug=options["slug"]).first()
        if use_case is None:
            raise CommandError(f"There is no use case “{options['slug']}”.")
        self.stdout.write(configs.dump(configs.export(use_case)), ending="")

    def _write_all(self, rows: QuerySet[UseCase], folder: Path) -> None:
        """Write one file for each; what has not changed is left as it is, so that only real edits show."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for use_case in rows.order_by("slug"):
                path, text = folder / f"{use_case.slug}.yaml", configs.dump(configs.export(use_case))
                known = path.exists() and path.read_text(encoding="utf-8") == text
                if not known:
                    path.write_text(text, encoding="utf-8")
                self.stdout.write(f"{path}: {'as it was' if known else 'written'}.")
        except OSError as error:
            raise CommandError(f"{folder} cannot be written: {error}") from None


def _visible(username: str | None) -> QuerySet[UseCase]:
    if username is None:
        return UseCase.objects.all()
    return permissions.visible(account(username))
