"""Check a whole pack: the zip, what its manifest signs, the record, and that the other files say what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import pack
from audit.canonical import canonical
from audit.pack import contents, record
from audit.pack.container import Container, loads, opened
from audit.pack.faults import UNREADABLE, Fault, Faults, Wrong
from audit.verify import key_id, public_key


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. `manifest` is empty where there is none that can be read; `pinned`: the key was given."""

    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    pinned: bool
    keys: tuple[str, ...]
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verified(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        told = ("format", "use_case", "period", "made", "counts", "record")
        return {
            "verified": self.verified,
            "pinned": self.pinned,
            "keys": list(self.keys),
            "pack": {name: self.manifest.get(name) for name in told},
            "faults": [fault._asdict() for fault in self.faults],
            "notes": list(self.notes),
        }


def verify(file: Path, given: list[Ed25519PublicKey] | None = None) -> Report:
    """Check a pack. `given`: the installation's keys, known from elsewhere; without them the pack's own is taken."""
    faults, manifest = Faults(), {}
    keys = list(given or [])
    zipped = opened(file, faults)
    if zipped is not None:
        with zipped:
            held = Container(zipped)
            keys = keys or _own_key(held, faults)
            with faults.reading(pack.MANIFEST):
                manifest = _manifest(held, keys, faults)
            if manifest:
                _check_files(held, manifest, faults)
                _check_contents(held, manifest, keys, faults)
    names = tuple(key_id(key) for key in keys)
    return Report(tuple(faults.told()), tuple(faults.notes), bool(given), names, manifest)


def _own_key(held: Container, faults: Faults) -> list[Ed25519PublicKey]:
    found = []
    with faults.reading(pack.KEY):
        found.append(public_key(held.read(pack.KEY).decode("ascii").strip()))
    return found


def _manifest(held: Container, keys: list[Ed25519PublicKey], faults: Faults) -> dict[str, Any]:
    """Read the manifest and check its form and signature; empty where nothing more can be said."""
    text = held.read(pack.MANIFEST)
    said: dict[str, Any] = loads(text)
    if said["format"] != pack.FORMAT:
        faults.add(pack.MANIFEST, f"is of the format {said['format']!r}; this is a verifier of {pack.FORMAT}")
        return {}
    if not all(isinstance(said["made"][name], str) for name in ("at", "by")):
        raise Wrong("when and by whom it was made is no text")
    signed = {name: value for name, value in said.items() if name != "signature"}
    if text != canonical(said) + b"\n":
        faults.add(pack.MANIFEST, "is not spelled as it was signed")
    key = next((one for one in keys if key_id(one) == said["key_id"]), None)
    if key is None:
        faults.add(pack.MANIFEST, f"is signed with the key {said['key_id']}, which is not known here")
        return said
    try:
        key.verify(bytes.fromhex(said["signature"]), canonical(signed))
    except InvalidSignature:
        faults.add(pack.MANIFEST, "its signature does not fit what it says")
    return said


def _check_files(held: Container, manifest: Mapping[str, Any], faults: Faults) -> None:
    """Hold every file against the manifest: none more, none less, none other."""
    with faults.reading(pack.MANIFEST):
        listed = {one["name"]: (one["size"], one["sha256"]) for one in manifest["files"]}
        for name in sorted({*held.names, *pack.ALWAYS} - set(listed) - {pack.MANIFEST}):
            words = (
                "is in the zip, and not in the manifest" if name in held.names else "is not in the manifest"
            )
            faults.add(name, words)
        for name, known in listed.items():
            if name not in held.names:
                faults.add(name, "is missing")
                continue
            with faults.reading(name):
                size, sha256 = held.measure(name)
                if (size, sha256) != known:
                    faults.add(name, "is not the file that the manifest signs: its SHA-256 is another")


def _check_contents(
    held: Container, manifest: Mapping[str, Any], keys: list[Ed25519PublicKey], faults: Faults
) -> None:
    try:
        found = record.check(held, manifest, keys, faults)
        contents.check(held, manifest, found, faults)
    except UNREADABLE as error:
        faults.add("", f"is not as a pack should be: {type(error).__name__} {error}"[:300])
