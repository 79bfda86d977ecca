"""Merkle trees: the roots and proofs of RFC 6962's own tests, and every proof of every small tree."""

from hashlib import sha256

import pytest

from audit.merkle import (
    EMPTY_ROOT,
    ProofRefused,
    consistency,
    inclusion,
    levels,
    ranges_of,
    root,
    root_from_inclusion,
    root_of_first,
    verify_consistency,
)

# Leaves, roots and proofs of Certificate Transparency's reference tests (RFC 6962).
DATA = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [sha256(b"\x00" + bytes.fromhex(data)).digest() for data in DATA]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaves(size: int) -> list[bytes]:
    return [sha256(b"\x00%d" % number).digest() for number in range(size)]


def test_roots_are_those_of_the_reference() -> None:
    assert [root(LEAVES[:size]).hex() for size in range(1, 9)] == ROOTS
    assert root([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_inclusion_proofs_are_those_of_the_reference() -> None:
    ranges = ranges_of(LEAVES)
    assert [step.hex() for step in inclusion(0, 8, ranges)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [step.hex() for step in inclusion(2, 3, ranges)] == [
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    ]


def test_consistency_proofs_are_those_of_the_reference() -> None:
    ranges = ranges_of(LEAVES)
    assert [step.hex() for step in consistency(6, 8, ranges)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert consistency(8, 8, ranges) == []


def test_every_leaf_of_every_small_tree_is_proved_and_no_other() -> None:
    for size in range(1, 34):
        hashes = leaves(size)
        ranges, whole = ranges_of(hashes), root(hashes)
        for index in range(size):
            path = inclusion(index, size, ranges)
            assert root_from_inclusion(hashes[index], index, size, path) == whole
            assert root_from_inclusion(hashes[index - 1] + b"x", index, size, path) != whole
            with pytest.raises(ProofRefused):
                root_from_inclusion(hashes[index], index, size, [*path, whole])
            if path:
                with pytest.raises(ProofRefused):
                    root_from_inclusion(hashes[index], index, size, path[:-1])
    with pytest.raises(ProofRefused):
        root_from_inclusion(b"", 3, 3, [])


def test_every_small_tree_is_proved_to_begin_with_every_smaller_one() -> None:
    for size in range(1, 34):
        hashes = leaves(size)
        ranges, whole = ranges_of(hashes), root(hashes)
        for first in range(1, size + 1):
            proof, before = consistency(first, size, ranges), root(hashes[:first])
            verify_consistency(first, size, before, whole, proof)
            for old, new, steps in (
                (root(hashes[: first - 1]), whole, proof),
                (before, root(hashes[:-1]), proof),
                (before, whole, [*proof, whole]),
                (before, whole, [bytes(32), *proof[1:]]),
            ):
                with pytest.raises(ProofRefused):
                    verify_consistency(first, size, old, new, steps)
    with pytest.raises(ProofRefused):
        verify_consistency(3, 2, b"", b"", [])


def test_the_root_of_any_beginning_comes_from_the_nodes_of_the_whole() -> None:
    hashes = leaves(33)
    over = levels(hashes)
    assert all(root_of_first(size, over) == root(hashes[:size]) for size in range(34))
    chunks = levels([root(hashes[at : at + 8]) for at in range(0, 32, 8)])
    for size in range(9, 33):
        tail = root(hashes[size - size % 8 : size]) if size % 8 else None
        assert root_of_first(size // 8, chunks, tail) == root(hashes[:size])


@pytest.mark.parametrize("size", [0, 2])
def test_a_proof_of_what_is_not_there_is_not_made(size: int) -> None:
    with pytest.raises(ValueError, match="has none at 2"):
        inclusion(2, size, ranges_of(LEAVES))
    with pytest.raises(ValueError, match="does not begin with 3"):
        consistency(3, size, ranges_of(LEAVES))
