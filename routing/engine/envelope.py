"""The signed envelope in which a document travels: Ed25519 over canonical JSON."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from routing.engine.digest import canonical, digest
from routing.engine.json_checks import json_faults
from routing.engine.states import STATES, effective
from routing.engine.validation import faults, parse

Envelope = dict[str, Any]


class EnvelopeRefused(ValueError):
    """An envelope that must not be obeyed. `reason` is a sentence for the record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def build(
    *,
    use_case: str,
    version: int,
    state: str,
    document: Mapping[str, Any],
    baseline: Mapping[str, Any],
    message: str,
    issued_at: datetime,
    lease_seconds: int,
) -> Envelope:
    """Return an envelope that is not signed yet; `issued_at` must know its time zone.

    Raises `InvalidDocument` for a document or baseline that no assistant would take.
    """
    parse(document)
    parse(baseline, baseline=True)
    return {
        "use_case": use_case,
        "version": version,
        "state": state,
        "document": dict(document),
        "baseline": dict(baseline),
        "message": message,
        "digest": digest(effective(document, baseline, state, message)),
        "issued_at": issued_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "lease_seconds": lease_seconds,
    }


def sign(envelope: Mapping[str, Any], private_key: Ed25519PrivateKey) -> Envelope:
    """Return the envelope with the key's id, which is signed too, and the signature."""
    unsigned = {**envelope, "key_id": key_id(private_key.public_key())}
    unsigned.pop("signature", None)
    return {**unsigned, "signature": encoded(private_key.sign(canonical(unsigned)))}


def verify(envelope: object, public_keys: Mapping[str, Ed25519PublicKey]) -> Envelope:
    """Return the envelope where it may be obeyed; `public_keys` are the trusted ones by their id.

    1. It has the form of an envelope. 2. A trusted key signed it. 3. Document and baseline are valid. 4. The digest is
    that of the enforced document. Raises `EnvelopeRefused` and nothing else.
    """
    checked = _formed(envelope)
    _signed(checked, public_keys)
    for part, is_baseline in (("document", False), ("baseline", True)):
        found = faults(checked[part], baseline=is_baseline)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise EnvelopeRefused(f"invalid {part}: {found[0].path}: {found[0].message}{more}")
    enforced = effective(checked["document"], checked["baseline"], checked["state"], checked["message"])
    if digest(enforced) != checked["digest"]:
        raise EnvelopeRefused("the digest does not match the content")
    return checked


def key_id(public_key: Ed25519PublicKey) -> str:
    """Return the short name of a key: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public_key.public_bytes_raw()).hexdigest()[:16]


def encoded(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """Return the bytes of base64url without padding. Raises `ValueError` for any other spelling of them."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64url") from error
    if encoded(raw) != text:
        raise ValueError("not base64url without padding")
    return raw


def public_key(text: str) -> Ed25519PublicKey:
    """Read a public key from its 32 bytes in base64url. Raises `ValueError`."""
    return Ed25519PublicKey.from_public_bytes(decoded(text))


def _formed(envelope: object) -> Envelope:
    """Check the form. Further keys are let through: they are signed, and an old assistant must still obey a kill."""
    if not isinstance(envelope, dict):
        raise EnvelopeRefused("not an envelope")
    for name, fits in _FIELDS.items():
        if name not in envelope:
            raise EnvelopeRefused(f"{name} is missing")
        if not fits(envelope[name]):
            raise EnvelopeRefused(f"{name} is not what it should be")
    found = json_faults({**envelope, "document": {}, "baseline": {}})
    found += json_faults(envelope["document"]) + json_faults(envelope["baseline"])
    if found:
        raise EnvelopeRefused(f"unreadable: {found[0].path}: {found[0].message}")
    return envelope


def _signed(envelope: Envelope, public_keys: Mapping[str, Ed25519PublicKey]) -> None:
    key = public_keys.get(envelope["key_id"])
    if key is None:
        raise EnvelopeRefused(f"signed by a key that is not trusted: {envelope['key_id']}")
    unsigned = {name: value for name, value in envelope.items() if name != "signature"}
    try:
        key.verify(decoded(envelope["signature"]), canonical(unsigned))
    except (InvalidSignature, ValueError) as error:
        raise EnvelopeRefused("the signature does not match the content") from error


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and value.endswith("Z") and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and all(c in "0123456789abcdef" for c in value)


_FIELDS: dict[str, Callable[[object], bool]] = {
    "use_case": _is_text,
    "version": _is_count,
    "state": lambda value: value in STATES if isinstance(value, str) else False,
    "document": lambda value: isinstance(value, dict),
    "baseline": lambda value: isinstance(value, dict),
    "message": _is_text,
    "digest": _is_digest,
    "issued_at": _is_time,
    "lease_seconds": _is_count,
    "signature": _is_text,
    "key_id": _is_text,
}
