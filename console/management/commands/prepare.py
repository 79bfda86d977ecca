"""`manage.py prepare`: brings the database to where a start needs it. Safe to run at every start."""

import hashlib
import json
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import log
from console import tokens
from console.models import Token
from console.stack import ROOT
from routing.actions import partitions
from usecases.accounts import ensure_accounts
from usecases.models import UseCase

SYSTEM = log.System("make up")
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
        check_database()
        call_command("migrate", interactive=False, verbosity=1)
        partitions.ensure()
        collect_static(Path(settings.STATIC_ROOT))
        ensure_accounts(settings.DATA_DIR / "keys" / "passwords.json")
        if samples:
            apply_samples()
        use_cases = sorted(UseCase.objects.values_list("slug", flat=True))
        write_tokens(settings.DATA_DIR / "tokens", assistants, use_cases)


def check_database() -> None:
    """Ask for one connection before the pool does: the pool's own error is a timeout that does not say why."""
    try:
        psycopg.connect(settings.DATABASE_URL, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        raise CommandError(f"PostgreSQL does not answer; check DATABASE_URL. It says: {error}") from error


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
    """Give each assistant a token for exactly these use cases; one that has it already keeps it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(1, assistants + 1 if use_cases else 1):
        path = folder / f"assistant-{number}"
        held = _held(path)
        if held and held.use_cases == use_cases:
            continue
        if held:
            tokens.revoke(token=held, by=SYSTEM, reason="The assistant serves other use cases now.")
        _, text = tokens.issue(name=_free_name(path.name), by=SYSTEM, use_cases=use_cases)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
    (folder / "use_cases.json").write_text(json.dumps(use_cases))


def _held(path: Path) -> Token | None:
    """The token in a file, unless the database knows none such, or no longer."""
    if not path.exists():
        return None
    return Token.objects.filter(digest=tokens.key_of(path.read_text().strip()), revoked_at=None).first()


def _free_name(name: str) -> str:
    taken = Token.objects.filter(name__startswith=name).count()
    return f"{name}, {taken + 1}" if taken else name
