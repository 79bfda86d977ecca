"""Keys that sign: made once, kept where only this account can read them. The record's own signs its checkpoints."""

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings


def audit_key() -> Ed25519PrivateKey:
    """Return the key of this installation's record, making it where there is none yet."""
    return key_in(Path(settings.AUDIT_KEY_FILE))


def is_there() -> bool:
    """Tell whether a key was ever made: who only verifies makes none."""
    return Path(settings.AUDIT_KEY_FILE).exists()


@lru_cache(maxsize=4)
def key_in(file: Path) -> Ed25519PrivateKey:
    """Return the key of a file, making it where there is none yet. Raises `ValueError` for a key of another kind."""
    if not file.exists():
        _create(file)
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file.name} holds no Ed25519 key")
    return key


def _create(file: Path) -> None:
    """Write a new key, whole or not at all. Of several that start at once one links its own: the others take that."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with NamedTemporaryFile(dir=file.parent, prefix=f"{file.name}.") as draft:
        draft.write(pem)
        draft.flush()
        os.fsync(
            draft.fileno()
        )  # what is signed is on disk soon: a key lost with the power would leave it unknown
        with suppress(FileExistsError):
            os.link(draft.name, file)
