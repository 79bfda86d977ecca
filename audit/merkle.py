"""The Merkle tree of RFC 6962 and RFC 9162 over leaf hashes: roots, and proofs that need few of them.

Pure. Whoever proves says how a range of the tree is hashed (`Ranges`), from leaves at hand or from stored subtrees;
whoever verifies needs the proof alone. Needs the standard library alone.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

Ranges = Callable[[int, int], bytes]  # (first, end) -> root of the leaves first … end - 1, at least one
EMPTY_ROOT = sha256().digest()


class ProofRefused(ValueError):
    """The proof does not lead where it should."""


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def levels(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Return the nodes of all complete subtrees: leaves first, then pairs, and so on up."""
    found = [list(hashes)]
    while len(found[-1]) > 1:
        below = found[-1]
        # `node`, spelled out: a verification makes a million of them.
        pairs = zip(below[::2], below[1::2], strict=False)
        found.append([sha256(b"\x01" + left + right).digest() for left, right in pairs])
    return found


def root_of_first(count: int, over: Sequence[Sequence[bytes]], tail: bytes | None = None) -> bytes:
    """Return the root of the first `count` hashes whose `levels` are given, and of a last subtree behind them."""
    found, at = tail, count
    for level in over:
        if at & 1:
            found = level[at - 1] if found is None else node(level[at - 1], found)
        at >>= 1
    return EMPTY_ROOT if found is None else found


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of leaf hashes."""
    return root_of_first(len(hashes), levels(hashes))


def ranges_of(hashes: Sequence[bytes]) -> Ranges:
    """Hash ranges of leaves at hand."""
    return lambda first, end: root(hashes[first:end])


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1


def inclusion(index: int, size: int, ranges: Ranges) -> list[bytes]:
    """Return the audit path of the leaf at `index` (from 0) in the tree of `size` leaves, nearest first."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none at {index}")
    path, first, end = [], 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    return [ranges(*pair) for pair in reversed(path)]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that an audit path leads to (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofRefused(f"a tree of {size} leaves has none at {index}")
    found = leaf
    for step, left in zip(path, _sides(index, size - 1, len(path)), strict=True):
        found = node(step, found) if left else node(found, step)
    return found


def _sides(at: int, last: int, steps: int) -> list[bool]:
    """Tell of each step up whether it comes from the left, from a node of a level that ends with the node `last`."""
    sides = []
    for _ in range(steps):
        if last == 0:
            raise ProofRefused("the path is too long")
        left = bool(at & 1) or at == last
        while left and not at & 1 and at:
            at, last = at >> 1, last >> 1
        sides.append(left)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the path is too short")
    return sides


def consistency(first: int, size: int, ranges: Ranges) -> list[bytes]:
    """Return the proof that the tree of `size` leaves begins with the tree of `first` leaves (RFC 9162, 2.1.4.1)."""
    if not 0 < first <= size:
        raise ValueError(f"a tree of {size} leaves does not begin with {first}")
    proof, begin, end, whole = [], 0, size, True
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            proof.append((middle, end))
            end = middle
        else:
            proof.append((begin, middle))
            begin, whole = middle, False
    if not whole:
        proof.append((begin, end))
    return [ranges(*pair) for pair in reversed(proof)]


def verify_consistency(first: int, size: int, first_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Raise ProofRefused unless the proof leads from the smaller tree's root and to the larger one's (2.1.4.2)."""
    if not 0 < first <= size:
        raise ProofRefused(f"a tree of {size} leaves does not begin with {first}")
    if first == size:
        if proof or first_root != root:
            raise ProofRefused("two trees of one size have one root, and need no proof")
        return
    steps = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not steps:
        raise ProofRefused("the proof is empty")
    at, last = first - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step, left in zip(steps[1:], _sides(at, last, len(steps) - 1), strict=True):
        old, new = (node(step, old), node(step, new)) if left else (old, node(new, step))
    if old != first_root or new != root:
        raise ProofRefused("the proof leads to other roots")


def peaks(size: int, ranges: Ranges) -> list[bytes]:
    """Return the roots of the complete subtrees that the first `size` leaves make up, the largest first."""
    found, first = [], 0
    for bit in reversed(range(size.bit_length())):
        if size >> bit & 1:
            found.append(ranges(first, first + (1 << bit)))
            first += 1 << bit
    return found


class Growing:
    """A tree that grows leaf by leaf, of which the peaks alone are held: tens of hashes for any number of leaves."""

    def __init__(self, size: int = 0, found: Sequence[bytes] = ()) -> None:
        """Begin with the peaks of the first leaves. Raises ProofRefused where they are too few or too many."""
        if len(found) != size.bit_count():
            raise ProofRefused(f"{size} leaves make up {size.bit_count()} subtrees, not {len(found)}")
        self.size, self._peaks = size, list(found)

    def add(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        found, at = leaf, self.size
        while at & 1:
            found, at = node(self._peaks.pop(), found), at >> 1
        self._peaks.append(found)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree's root as it is now."""
        found: bytes | None = None
        for peak in reversed(self._peaks):
            found = peak if found is None else node(peak, found)
        return EMPTY_ROOT if found is None else found
