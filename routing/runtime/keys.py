"""The console's public keys, pinned.

Either the environment names them (CONSOLE_PUBLIC_KEY), or the first ones the console shows are trusted
and kept in the cache directory. A key that turns up later is not believed: whoever can answer in the
console's name must not be able to bring a key along.
"""

import base64
import binascii
import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from routing.runtime.disk import set_aside, write_atomically

log = logging.getLogger(__name__)


class PinnedKeys:
    """Public keys by key id; empty until some are pinned."""

    def __init__(self, directory: Path, explicit: str = "") -> None:
        self._path = directory / "signing-keys.json"
        self.keys: dict[str, Ed25519PublicKey] = {}
        if explicit:
            self.keys = _decode(part for part in explicit.split(",") if part.strip())
            if not self.keys:
                raise ValueError("CONSOLE_PUBLIC_KEY holds no Ed25519 public key")
        else:
            self._read()

    def pin(self, answer: object) -> None:
        """Pin the keys of the console's answer, if none are pinned yet.

        Raises ValueError where the answer holds none.
        """
        if self.keys:
            return
        listed = answer.get("keys") if isinstance(answer, dict) else None
        texts = [str(item.get("public_key")) for item in listed or [] if isinstance(item, dict)]
        keys = _decode(texts)
        if not keys:
            raise ValueError("the console showed no Ed25519 key")
        self.keys = keys
        try:
            write_atomically(self._path, json.dumps({"keys": texts}).encode())
        except OSError as error:
            log.warning("signing keys are pinned in memory only: %s", error)

    def _read(self) -> None:
        try:
            kept = json.loads(self._path.read_bytes())
            self.keys = _decode(kept["keys"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            log.warning("pinned keys are unreadable (%s); set aside", error)
            set_aside(self._path)


def _decode(texts: Iterable[object]) -> dict[str, Ed25519PublicKey]:
    keys = {}
    for text in texts:
        try:
            raw = base64.urlsafe_b64decode(str(text).strip() + "==")
            key = Ed25519PublicKey.from_public_bytes(raw)
        except (ValueError, binascii.Error):
            log.warning("skipped something that is no Ed25519 public key")
            continue
        # Computed, not read: an id is only worth what its key is.
        keys[hashlib.sha256(raw).hexdigest()[:16]] = key
    return keys
