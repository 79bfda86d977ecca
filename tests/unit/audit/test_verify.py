"""What `python -m audit.verify` says of odd files, and its exit codes: 1 for what does not hold, 2 for no proof."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import leaves, merkle
from audit.canonical import canonical
from audit.verify import key_id, main, public_key_text, signed_words

KEY = Ed25519PrivateKey.generate()
PLAIN = leaves.Plain(
    *("0191d2c4-0000-7000-8000-000000000000", "2026-03-01T09:00:00.000000Z", "drill", "person", "page"),
    *("", "claims", 3),
)


def proved(sentence: str, size: int = 1, index: int = 0) -> dict[str, Any]:
    """Return a proof of one event among others, as the console hands it out."""
    values = {**leaves.EMPTY, "actor": "ops", "sentence": sentence}
    salts = leaves.new_salts()
    digests = leaves.commitments(values, salts)
    hashes = [leaves.leaf(bytes([number])) for number in range(size)]
    hashes[index] = leaves.leaf(leaves.content_bytes(PLAIN, digests))
    named = zip(leaves.ERASABLE, leaves.split(salts), strict=True)
    checkpoint = {
        "size": size,
        "root": merkle.root(hashes).hex(),
        "head": "0" * 64,
        "previous": "0" * 64,
        "at": "2026-03-01T09:01:00.000000Z",
        "key_id": key_id(KEY.public_key()),
    }
    return {
        "v": leaves.VERSION,
        "content": leaves.content(PLAIN, digests),
        "shown": {name: {"salt": salt.hex(), "value": values[name]} for name, salt in named},
        "erased": [],
        "seq": index + 1,
        "path": [step.hex() for step in merkle.inclusion(index, size, merkle.ranges_of(hashes))],
        "checkpoint": checkpoint | {"signature": KEY.sign(signed_words(checkpoint)).hex()},
        "public_key": public_key_text(KEY.public_key()),
    }


def written(file: Path, text: str | bytes) -> str:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9])
def test_a_proof_holds_in_a_record_of_any_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    for index in range(size):
        file = written(tmp_path / "proof.json", canonical(proved("Turned.", size, index)))
        assert main([file, "--public-key", public_key_text(KEY.public_key())]) == 0
        assert f"number {index + 1} of the record\n  drill: Turned.\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (b"", 2, "cannot be read"),
        (b"\xff\xfe\xff", 2, "cannot be read"),
        (b"[" * 200_000, 2, "cannot be read"),
        (b"9" * 5_000, 2, "cannot be read"),
        (b'{"seq": NaN}', 2, "cannot be read: NaN is no JSON"),
        (b'{"seq": 1, "seq": 2}', 2, "cannot be read: a key stands twice"),
        (b"[]", 1, "this is no proof of an event"),
        (b'{"seq": 1}', 1, "this is no proof of an event: KeyError"),
        (b"PK", 1, "the zip cannot be read"),
        (b"PK\x05\x06" + bytes(18), 1, "manifest.json: is missing\n"),
    ],
)
def test_a_file_that_proves_nothing_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, code: int, said: str
) -> None:
    assert main([written(tmp_path / "odd", text)]) == code
    told = capsys.readouterr()
    assert said in (told.err if code == 2 else told.out)


def test_a_key_that_is_none_is_no_reason_to_refuse_the_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "proof.json", canonical(proved("Turned.")))
    for text in ("", "abc", "é", "A" * 44):
        assert main([file, "--public-key", text]) == 2, text
        assert "cannot be read" in capsys.readouterr().err
    assert main([file, "--public-key", public_key_text(Ed25519PrivateKey.generate().public_key())]) == 1


def test_what_an_event_says_is_shown_and_not_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence may hold what a terminal takes for a command, or for a line of the verifier's own."""
    said = "\x1b[2J“Ä”\nverified: all of it\u202e"
    file = written(tmp_path / "proof.json", canonical(proved(said)))

    assert main([file]) == 0
    assert r"drill: \x1b[2J“Ä”\nverified: all of it\u202e" in capsys.readouterr().out.splitlines()[1]

    with (tmp_path / "terminal").open("w+", encoding="ascii") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        assert main([file]) == 0
        terminal.seek(0)
        assert r"drill: \x1b[2J\u201c\xc4\u201d\nverified" in terminal.read()


def test_a_value_that_was_exchanged_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = proved("Turned.")
    proof["shown"]["actor"]["value"] = "risk"
    assert main([written(tmp_path / "proof.json", json.dumps(proof))]) == 1
    assert capsys.readouterr().out == "REFUSED: actor is not what was written\n"


def test_who_reads_no_further_ends_nothing_but_the_telling(tmp_path: Path) -> None:
    """`| head` closes its end: no traceback, and the exit code still tells what was found."""
    file = written(tmp_path / "odd", b"PK\x05\x06" + bytes(18))
    running = subprocess.Popen(
        [sys.executable, "-m", "audit.verify", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    assert (running.stderr.read(), running.wait(30)) == (b"", 1)
    running.stderr.close()
