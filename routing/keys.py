"""The key that signs what assistants obey. Made once, kept where only this account can read it."""

import base64
import os
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings


@lru_cache(maxsize=4)
def signing_key(path: Path | None = None) -> Ed25519PrivateKey:
    """Return the signing key of this installation, making it where there is none yet."""
    file = path or Path(settings.SIGNING_KEY_FILE)
    if not file.exists():
        _create(file)
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file.name} holds no Ed25519 key")
    return key


def _create(file: Path) -> None:
    """Write a new key. Of two processes that start at once the second fails to link its own: one key is left."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = file.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(pem)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def public_key_text(key: Ed25519PublicKey) -> str:
    """Return the raw 32 bytes of a public key, base64url without padding."""
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")
