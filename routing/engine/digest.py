"""One spelling and one fingerprint for a document, whoever wrote it and in whatever order."""

import hashlib
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises `ValueError` for what JSON cannot carry exactly: NaN, infinities, whole numbers past 2**53 - 1, lone
    surrogates, keys that are not text.
    """
    return rfc8785.dumps(value)


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical bytes as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()
