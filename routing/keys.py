"""The key that signs what assistants obey."""

import base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from audit.keys import key_in


def signing_key() -> Ed25519PrivateKey:
    """Return the signing key of this installation, making it where there is none yet."""
    return key_in(Path(settings.SIGNING_KEY_FILE))


def public_key_text(key: Ed25519PublicKey) -> str:
    """Return the raw 32 bytes of a public key, base64url without padding."""
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")
