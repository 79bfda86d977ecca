"""Pinned keys and last good configs on disk: whole or not at all, and never believed unread."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from routing.engine.envelope import encoded, key_id
from routing.runtime.cache import EnvelopeCache
from routing.runtime.disk import DirectoryInUse, claim, write_atomically
from routing.runtime.keys import PinnedKeys


def shown(key: Ed25519PrivateKey) -> dict[str, list[dict[str, str]]]:
    """What the console answers about its keys; the id is a lie, and not believed."""
    public = encoded(key.public_key().public_bytes_raw())
    return {"keys": [{"key_id": "0" * 16, "algorithm": "Ed25519", "public_key": public}]}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "taken", b"new")
    write_atomically(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert {p.name for p in tmp_path.iterdir()} == {"file", "taken"}


def test_an_envelope_is_read_back_as_it_was(tmp_path: Path) -> None:
    cache = EnvelopeCache(tmp_path)
    assert cache.read("claims") is None
    cache.write("claims", {"version": 1})
    assert cache.read("claims") == {"version": 1}


def test_a_use_case_s_name_does_not_lead_out_of_the_directory(tmp_path: Path) -> None:
    cache = EnvelopeCache(tmp_path / "cache")
    cache.write("../../escape", {"version": 1})
    assert cache.read("../../escape") == {"version": 1}
    assert [p.parent.name for p in tmp_path.rglob("*.json")] == ["configs"]


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b"[1]", b"[" * 100_000])
def test_an_unreadable_envelope_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    cache = EnvelopeCache(tmp_path)
    cache.write("claims", {})
    (path,) = (tmp_path / "configs").iterdir()
    path.write_bytes(damage)
    assert cache.read("claims") is None
    (left,) = (tmp_path / "configs").iterdir()
    assert ".corrupt-" in left.name
    assert left.read_bytes() == damage


def test_the_first_keys_are_pinned_for_good(tmp_path: Path) -> None:
    first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    pinned = PinnedKeys(tmp_path)
    pinned.pin(shown(first))
    pinned.pin(shown(second))
    assert list(pinned.keys) == list(PinnedKeys(tmp_path).keys) == [key_id(first.public_key())]


@pytest.mark.parametrize("answer", [None, {}, {"keys": []}, {"keys": [{}]}, {"keys": [{"public_key": "?"}]}])
def test_an_answer_without_keys_pins_nothing(tmp_path: Path, answer: object) -> None:
    pinned = PinnedKeys(tmp_path)
    with pytest.raises(ValueError, match="no Ed25519 key"):
        pinned.pin(answer)
    assert not pinned.keys


def test_keys_from_the_environment_win(tmp_path: Path) -> None:
    first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    PinnedKeys(tmp_path).pin(shown(first))
    explicit = shown(second)["keys"][0]["public_key"]
    assert list(PinnedKeys(tmp_path, explicit).keys) == [key_id(second.public_key())]
    with pytest.raises(ValueError, match="CONSOLE_PUBLIC_KEY"):
        PinnedKeys(tmp_path, "nonsense")


def test_damaged_pins_are_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "signing-keys.json"
    path.write_text(json.dumps({"keys": 5}))
    assert not PinnedKeys(tmp_path).keys
    assert not path.exists()


def test_a_directory_has_one_process(tmp_path: Path) -> None:
    assert claim(tmp_path) is not None
    with pytest.raises(DirectoryInUse):
        claim(tmp_path)
    (tmp_path / "file").touch()
    assert claim(tmp_path / "file") is None
