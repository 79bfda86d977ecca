"""What of an event is sealed, and how: commitments of what can be erased, the leaf, the chain's head.

A leaf's content (version 1) names the plain fields as they are, and of each erasable field a commitment alone:
SHA-256 of sixteen random bytes (its salt) and the value's canonical JSON. Without the salt the commitment tells nothing
of the value, so both can go while the leaf stays what it was. The same content is spelled a second time in SQL
(`audit_leaf` in migration 0002): the database seals what it stores. Needs the standard library alone.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from audit.canonical import canonical, text_bytes

VERSION = 1
ERASABLE = ("actor", "new", "old", "reason", "sentence")  # in the order of their salts and digests
EMPTY: Mapping[str, Any] = {"actor": "", "new": None, "old": None, "reason": "", "sentence": ""}
SALT, DIGEST = 16, 32  # bytes of one
ERASED = bytes(SALT)  # what stands in place of an erased value's salt
ERASURE = "event.erased"  # the kind of event that tells of an erasure
GENESIS = bytes(DIGEST)  # the head before the first leaf
PLAIN = ("uid", "at", "kind", "actor_kind", "entry_point", "request_id", "use_case", "version")


class Plain(NamedTuple):
    """The fields of an event that cannot be erased; `at` as `moment` writes it."""

    uid: str
    at: str
    kind: str
    actor_kind: str
    entry_point: str
    request_id: str
    use_case: str
    version: int | None


def new_salts() -> bytes:
    """Return a salt for each erasable field."""
    return b"".join(_salt() for _ in ERASABLE)


def _salt() -> bytes:
    salt = secrets.token_bytes(SALT)
    return salt if salt != ERASED else _salt()


def commitment(salt: bytes, value: Any) -> bytes:
    """Return the 32 bytes that hold a value without telling it."""
    return sha256(salt + (text_bytes(value) if type(value) is str else canonical(value))).digest()


def commitments(values: Mapping[str, Any], salts: bytes) -> bytes:
    """Return the commitments of all erasable fields, one after the other."""
    return b"".join(commitment(salt, values[name]) for name, salt in zip(ERASABLE, split(salts), strict=True))


def split(joined: bytes) -> list[bytes]:
    """Cut salts or digests into those of each erasable field."""
    size = len(joined) // len(ERASABLE)
    return [joined[start : start + size] for start in range(0, size * len(ERASABLE), size)]


def moment(at: datetime) -> str:
    """Write a time as RFC 3339 in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def content(plain: Plain, digests: bytes) -> dict[str, Any]:
    """Return what a leaf is made of, as JSON."""
    named = {name: digest.hex() for name, digest in zip(ERASABLE, split(digests), strict=True)}
    return {"v": VERSION, **plain._asdict(), "digests": named}


def content_bytes(plain: tuple[str, str, str, str, str, str, str, int | None], digests: bytes) -> bytes:
    """Return the canonical bytes of `content`, spelled directly: a verification spells a million of them.

    `plain`: a `Plain`, or a row's columns in that order.
    """
    uid, at, kind, actor_kind, entry_point, request_id, use_case, version = plain
    told = digests.hex()
    text = text_bytes
    return b'{"actor_kind":%b,"at":"%b","digests":{%b},"entry_point":%b,"kind":%b,"request_id":%b,%b%b%b' % (
        text(actor_kind),
        at.encode(),
        (
            f'"actor":"{told[:64]}","new":"{told[64:128]}","old":"{told[128:192]}",'
            f'"reason":"{told[192:256]}","sentence":"{told[256:]}"'
        ).encode(),
        text(entry_point),
        text(kind),
        text(request_id),
        f'"uid":"{uid}","use_case":'.encode(),
        text(use_case),
        f',"v":{VERSION},"version":{"null" if version is None else version}}}'.encode(),
    )


def leaf(content_as_bytes: bytes) -> bytes:
    """Return the leaf hash of RFC 6962."""
    return sha256(b"\x00" + content_as_bytes).digest()


def head(previous: bytes, leaf_hash: bytes) -> bytes:
    """Return the chain's head after one more leaf."""
    return sha256(previous + leaf_hash).digest()


def erased(salts: bytes) -> tuple[str, ...]:
    """Name the fields whose salts are gone."""
    if ERASED not in salts:
        return ()
    return tuple(name for name, salt in zip(ERASABLE, split(salts), strict=True) if salt == ERASED)


def without(salts: bytes, fields: Sequence[str]) -> bytes:
    """Return the salts less those of some fields."""
    pairs = zip(ERASABLE, split(salts), strict=True)
    return b"".join(ERASED if name in fields else salt for name, salt in pairs)
