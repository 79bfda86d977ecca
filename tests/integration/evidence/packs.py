"""Packs to take apart: read into files, changed, and put together again with or without a key."""

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib.auth.models import User
from django.test import override_settings

from audit.canonical import canonical
from audit.keys import audit_key
from audit.pack.verification import Report, verify
from audit.verify import key_id
from tests.integration.evidence import month
from tests.integration.evidence.month import Month
from usecases import evidence_pack
from usecases.accounts import ensure_accounts
from usecases.evidence_pack import Made

Files = dict[str, bytes]
Tamper = Callable[[Files], Any]
OTHER_KEY = Ed25519PrivateKey.generate()


@dataclass
class Lived:
    """The month that was lived, and its pack."""

    month: Month
    pack: bytes
    manifest: dict[str, Any]

    @property
    def files(self) -> Files:
        return opened(self.pack)


@contextmanager
def live(folder: Path) -> Iterator[Lived]:
    """Live the month and make its pack."""
    fast = override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
    with fast, month.lived(lambda: _people(folder)) as lived:
        pack, manifest = taken(made_of(lived))
        yield Lived(lived, pack, manifest)


def _people(folder: Path) -> dict[str, User]:
    ensure_accounts(folder / "passwords.json")
    return {user.username: user for user in User.objects.all()}


def made_of(lived: Month, since: Any = month.SINCE, until: Any = month.UNTIL, by: str = "risk") -> Made:
    return evidence_pack.make(evidence_pack.period_of(lived.claims, since, until), by)


def taken(made: Made) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of a pack, and close it."""
    with made.file:
        return made.file.read(), made.manifest


def opened(pack: bytes) -> Files:
    """Return the files of a pack."""
    from io import BytesIO

    with zipfile.ZipFile(BytesIO(pack)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def closed(files: Files, file: Path) -> Path:
    """Put files together as packs are."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, content)
    return file


def rehashed(files: Files) -> dict[str, Any]:
    """Have the manifest list the files as they are now; its signature stays what it was."""
    said: dict[str, Any] = json.loads(files["manifest.json"])
    said["files"] = [
        {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}
        for name, content in sorted(files.items())
        if name != "manifest.json"
    ]
    files["manifest.json"] = canonical(said) + b"\n"
    return said


def resigned(files: Files, key: Ed25519PrivateKey | None = None, **other: Any) -> None:
    """Sign the files as they are now: as somebody does who has the installation's key, or another one."""
    held = key or audit_key()
    said = rehashed(files) | other | {"key_id": key_id(held.public_key())}
    said.pop("signature")
    files["manifest.json"] = canonical(said | {"signature": held.sign(canonical(said)).hex()}) + b"\n"


def edited(files: Files, name: str, change: Callable[[Any], Any]) -> None:
    """Change what a JSON file says."""
    said = json.loads(files[name])
    files[name] = canonical(change(said) or said) + b"\n"


def relined(files: Files, name: str, change: Callable[[list[Any]], Any]) -> None:
    """Change the lines of a JSONL file."""
    lines = [json.loads(line) for line in files[name].splitlines()]
    files[name] = b"".join(canonical(line) + b"\n" for line in (change(lines) or lines))


def event(lines: list[Any], kind: str, number: int = 0) -> Any:
    """Return an event among the lines, by its kind."""
    return [line for line in lines if line["content"]["kind"] == kind][number]


def of(name: str, change: Callable[[Any], Any]) -> Tamper:
    """Return what changes a JSON file of a pack."""
    return lambda files: edited(files, name, change)


def lines_of(name: str, change: Callable[[list[Any]], Any]) -> Tamper:
    """Return what changes the lines of a JSONL file of a pack."""
    return lambda files: relined(files, name, change)


def checked(files: Files, file: Path, *, pinned: bool = True) -> Report:
    """Put files together and check them, by the installation's own key where `pinned`."""
    return verify(closed(files, file), [audit_key().public_key()] if pinned else [])


def told(report: Report, file: str, words: str) -> bool:
    return any(fault.file == file and words in fault.reason for fault in report.faults)


def expect_fault(report: Report, file: str, words: str) -> None:
    """See that a report names this file, and why."""
    assert told(report, file, words), report.faults
