"""`manage.py prepare`: brings the database to where a start needs it. Safe to run at every start."""

import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from console.stack import ROOT
from usecases.models import UseCase

SAMPLES = ROOT / "console" / "samples" / "use_cases"


class Command(BaseCommand):
    """One process for all of it: starting Python and Django again for each step would cost a second every time."""

    help = "Migrate, collect static files, make accounts and assistants' tokens, add sample use cases."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name how many assistants need a token, and whether samples are wanted."""
        parser.add_argument("--assistants", type=int, default=0)
        parser.add_argument("--samples", action="store_true")

    def handle(self, *args: Any, assistants: int, samples: bool, **options: Any) -> None:
        """Do all that is not done yet."""
        call_command("migrate", interactive=False, verbosity=1)
        collect_static(Path(settings.STATIC_ROOT))
        call_command("setup_accounts", passwords_file=str(settings.DATA_DIR / "keys" / "passwords.json"))
        if samples:
            apply_samples()
        use_cases = sorted(UseCase.objects.values_list("slug", flat=True))
        write_tokens(settings.DATA_DIR / "tokens", assistants, use_cases)


def collect_static(root: Path) -> None:
    """Copy and compress static files, unless none has changed since: compressing the charts' library takes seconds."""
    found = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            state = Path(storage.path(path)).stat()
            found.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    stamp = root / ".collected"
    if stamp.exists() and stamp.read_text() == found.hexdigest():
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(found.hexdigest())


def apply_samples() -> None:
    """Create the sample use cases that are not there yet; one that an owner has changed is left as it is."""
    there = set(UseCase.objects.values_list("slug", flat=True))
    for path in sorted(SAMPLES.glob("*.yaml")):
        if path.stem not in there:
            call_command("apply_config", str(path))


def write_tokens(folder: Path, assistants: int, use_cases: list[str]) -> None:
    """Give each assistant a token for all use cases; a new one where the use cases are no longer the same."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    listing = folder / "use_cases.json"
    same = listing.exists() and json.loads(listing.read_text()) == use_cases
    for number in range(1, assistants + 1 if use_cases else 1):
        path = folder / f"assistant-{number}"
        if same and path.exists():
            continue
        answer = StringIO()
        call_command("create_token", path.name, assistant=True, use_case=use_cases, stdout=answer)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(answer.getvalue())
    listing.write_text(json.dumps(use_cases))
