"""Check evidence packs and proofs of single events away from the product: `python -m audit.verify PACK.zip|PROOF.json`.

Needs the standard library and `cryptography` alone. What a proof holds is said in `audit.proofs`, what a pack holds in
`audit.pack`. A proof shows that the event was in the record when the checkpoint was signed, and that every value it
shows is the one that was written; whose key signed is for the reader to know, from somewhere else than the proof.
"""

import argparse
import base64
import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import leaves
from audit.canonical import NotCanonical, canonical
from audit.merkle import ProofRefused, root_from_inclusion
from audit.pack.container import loads

SIGNED = ("size", "root", "head", "previous", "at", "key_id")


class Refused(ValueError):
    """The proof does not hold; the message says where."""


def key_id(key: Ed25519PublicKey) -> str:
    """Return the name of a public key: the first 16 hex digits of its SHA-256."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def public_key_text(key: Ed25519PublicKey) -> str:
    """Return the raw 32 bytes of a public key, base64url without padding."""
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")


def public_key(text: str) -> Ed25519PublicKey:
    """Read what `public_key_text` writes. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def signed_words(checkpoint: Mapping[str, Any]) -> bytes:
    """Return the bytes that a checkpoint's signature is over: canonical JSON of everything else in it."""
    return canonical({"v": leaves.VERSION, **{name: checkpoint[name] for name in SIGNED}})


def check_signature(checkpoint: Mapping[str, Any], keys: Collection[Ed25519PublicKey]) -> None:
    """Raise Refused unless one of the keys signed the checkpoint (hashes and signature in hex)."""
    for key in keys:
        if key_id(key) == checkpoint["key_id"]:
            try:
                key.verify(bytes.fromhex(checkpoint["signature"]), signed_words(checkpoint))
            except InvalidSignature:
                raise Refused("its signature does not fit what it says") from None
            return
    raise Refused(f"it is signed with the key {checkpoint['key_id']}, which is not known here")


def verify_inclusion(proof: Mapping[str, Any], keys: Collection[Ed25519PublicKey] = ()) -> None:
    """Raise Refused, with the reason, unless the event is in the record as shown.

    `keys`: the installation's, known from elsewhere; without them the proof's own is taken.
    """
    try:
        content, checkpoint, seq = proof["content"], proof["checkpoint"], proof["seq"]
        check_values(content, proof["shown"])
        found = leaves.leaf(canonical(content))
        path = [bytes.fromhex(step) for step in proof["path"]]
        if type(seq) is not int or type(checkpoint["size"]) is not int:
            raise Refused("its place in the record is not a number")
        if root_from_inclusion(found, seq - 1, checkpoint["size"], path).hex() != checkpoint["root"]:
            raise Refused(
                "the event is not in the record that the checkpoint signs, or not as it is shown here"
            )
        check_signature(checkpoint, keys or [public_key(proof["public_key"])])
    except (Refused, ProofRefused, NotCanonical) as error:
        raise Refused(str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"this is no proof of an event: {type(error).__name__} {error}") from error


def check_values(content: Mapping[str, Any], shown: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise Refused unless the content is of this version, and each value shown is the one committed to."""
    if content["v"] != leaves.VERSION or sorted(content) != sorted(("v", "digests", *leaves.PLAIN)):
        raise Refused(f"the event's content is not of version {leaves.VERSION}")
    for name, held in shown.items():
        if leaves.commitment(bytes.fromhex(held["salt"]), held["value"]).hex() != content["digests"][name]:
            raise Refused(f"{name} is not what was written")


def main(arguments: list[str] | None = None) -> int:
    """Check one file; print what it proves; return 0 if it holds, 1 if not, 2 if it cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m audit.verify", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("file", type=Path, metavar="PACK.zip|PROOF.json")
    parser.add_argument(
        "--public-key",
        metavar="TEXT",
        action="append",
        default=[],
        help="the installation's key, as you know it from elsewhere; once more for each older one",
    )
    parser.add_argument("--json", action="store_true", help="of a pack: print the findings as JSON")
    given = parser.parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        with given.file.open("rb") as opened:
            zipped = opened.read(2) == b"PK"
        keys = [public_key(text) for text in given.public_key]
        proof = None if zipped else loads(given.file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    return _pack(given.file, keys, as_json=given.json) if zipped else _proof(proof, keys)


def _joined(arguments: Sequence[str]) -> list[str]:
    """Join the option with its key: one key of 64 begins with a dash, which would be taken for another option."""
    found: list[str] = []
    for one in arguments:
        if found and found[-1] == "--public-key":
            found[-1] += f"={one}"
        else:
            found.append(one)
    return found


def _proof(proof: Any, keys: Sequence[Ed25519PublicKey]) -> int:
    try:
        verify_inclusion(proof, keys)
    except Refused as refused:
        _say([f"REFUSED: {refused}"])
        return 1
    _say(_told(proof, pinned=bool(keys)))
    return 0


def _pack(file: Path, keys: list[Ed25519PublicKey], *, as_json: bool) -> int:
    from audit.pack import telling, verification  # they need what stands here

    report = verification.verify(file, keys)
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        _say(telling.lines(report))
    return 0 if report.verified else 1


def _say(lines: Iterable[str]) -> None:
    """Print lines; spell out what a terminal would obey or cannot show: it was read from the file that is judged."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        for line in lines:
            plain = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)
            print(plain.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has seen enough, as `head` has; what the program ends with still tells. Nothing is left to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(proof: Mapping[str, Any], *, pinned: bool) -> list[str]:
    content, checkpoint = proof["content"], proof["checkpoint"]
    shown = {name: held["value"] for name, held in proof["shown"].items()}
    lines = [
        f"verified: event {content['uid']} of {content['at']}, number {proof['seq']} of the record",
        f"  {content['kind']}: {shown.get('sentence', '(sentence not shown)')}",
    ]
    missing = [name for name in leaves.ERASABLE if name not in shown]
    lines += [f"  not shown: {', '.join(missing)}"] if missing else []
    lines.append(
        f"  in the checkpoint over {checkpoint['size']} events, signed {checkpoint['at']} with {checkpoint['key_id']}"
    )
    return (
        lines if pinned else [*lines, "  the key came with the proof: compare it with the installation's own"]
    )


if __name__ == "__main__":
    sys.exit(main())
