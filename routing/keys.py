"""The key that signs what assistants obey."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from audit.keys import key_in


def signing_key() -> Ed25519PrivateKey:
    """Return the signing key of this installation, making it where there is none yet."""
    return key_in(Path(settings.SIGNING_KEY_FILE))
