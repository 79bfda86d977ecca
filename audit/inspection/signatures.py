"""Hold signed checkpoints and stored subtrees against the record as it was just computed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import leaves, merkle
from audit.inspection.faults import Fault
from audit.inspection.ranges import BLOCK, MOMENT
from audit.verify import Refused, check_signature, signed_words


class Signed(NamedTuple):
    """A checkpoint as stored."""

    size: int
    root: bytes
    head: bytes
    previous: bytes
    at: str
    key_id: str
    signature: bytes

    def as_json(self) -> dict[str, Any]:
        """Return it as it was signed."""
        return {
            name: value.hex() if isinstance(value, bytes) else value for name, value in self._asdict().items()
        }


def stored(connection: psycopg.Connection[Any]) -> list[Signed]:
    """Read the checkpoints, smallest first."""
    query = (
        f"SELECT size, root, head, previous, {MOMENT.format('at')}, key_id, signature FROM audit_checkpoint"  # noqa: S608
    )
    return [Signed(*row) for row in connection.execute(f"{query} ORDER BY size".encode())]


def checkpoint_faults(
    signed: Sequence[Signed],
    keys: Collection[Ed25519PublicKey],
    blocks: Sequence[bytes],
    tails: Mapping[int, bytes | None],
    heads: Mapping[int, bytes],
) -> Iterator[Fault]:
    """Name each checkpoint that was not signed so, and the first of those that sign another record than this one.

    `blocks`: roots of all complete subtrees; `tails`: roots of what comes after the last of them, at each size.
    """
    over, previous, other = merkle.levels(blocks), bytes(leaves.DIGEST), []
    for one in signed:
        if told := _signature_fault(one, keys):
            yield _fault(one, told)
        if one.previous != previous:
            yield _fault(
                one, "it does not follow the one before it: a checkpoint was changed, removed or put in"
            )
        previous = sha256(signed_words(one.as_json())).digest()
        if one.size not in tails:
            yield _fault(one, "the record has no such size: events that were signed are missing")
        elif one.size // BLOCK > len(blocks) or (
            merkle.root_of_first(one.size // BLOCK, over, tails[one.size]) != one.root
            or heads[one.size] != one.head
        ):
            other.append(one)
    if other:
        more = f", nor do {len(other) - 1:,} after it" if len(other) > 1 else ""
        yield _fault(other[0], f"what it signed is not what is there: root or head do not fit{more}")


def _signature_fault(one: Signed, keys: Collection[Ed25519PublicKey]) -> str:
    try:
        check_signature(one.as_json(), keys)
    except Refused as refused:
        return str(refused)
    return ""


def subtree_faults(
    connection: psycopg.Connection[Any], blocks: Sequence[bytes], signed: Sequence[Signed]
) -> Iterator[Fault]:
    """Name stored subtrees that differ from the computed ones, that are missing, or that nothing stands for."""
    found = dict(connection.execute("SELECT number, root FROM audit_subtree ORDER BY number").fetchall())
    wanted = range(min(max((one.size for one in signed), default=0) // BLOCK, len(blocks)))
    for number in sorted(found.keys() | set(wanted)):
        first = number * BLOCK + 1
        name = f"the stored root of numbers {first:,} to {first + BLOCK - 1:,}"
        if number not in found:
            yield Fault("subtree", f"{name} is missing", first)
        elif not 0 <= number < len(blocks):
            yield Fault("subtree", f"{name} stands for events that are not there", first)
        elif found[number] != blocks[number]:
            yield Fault("subtree", f"{name} is not the root of what is there", first)


def _fault(one: Signed, text: str) -> Fault:
    return Fault("checkpoint", f"the checkpoint over {one.size:,} events of {one.at}: {text}", one.size)
