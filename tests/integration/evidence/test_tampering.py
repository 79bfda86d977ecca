"""Packs that somebody without the key tampered with fail, and say in which file and why."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit.canonical import canonical
from audit.pack.faults import Fault
from audit.verify import public_key_text
from tests.integration.evidence.packs import (
    OTHER_KEY,
    Files,
    Lived,
    Tamper,
    checked,
    edited,
    expect_fault,
    lines_of,
    of,
    rehashed,
    relined,
    resigned,
    told,
)

pytestmark = pytest.mark.django_db  # for the month; packs need no database
EARLY = "2026-03-05T00:00:00.000000Z"
OTHERS = "is not the file that the manifest signs"


def flipped(content: bytes) -> bytes:
    """Flip one bit in the middle of a file."""
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_one_bit_in_any_file_is_found_and_the_file_named(lived: Lived, tmp_path: Path) -> None:
    for name in lived.files:
        files = lived.files
        files[name] = flipped(files[name])
        report = checked(files, tmp_path / "pack.zip")
        assert name in {fault.file for fault in report.faults}, name
        if name != "manifest.json":
            assert told(report, name, OTHERS), name


def sentence(files: Files) -> Files:
    relined(
        files, "events.jsonl", lambda lines: lines[0]["shown"]["sentence"].update(value="Nothing happened.")
    )
    return files


def earlier_checkpoint(lines: list[Any]) -> list[Any]:
    return [*lines[:-1], lines[0]]


def another_event(lines: list[Any]) -> list[Any]:
    made = json.loads(json.dumps(lines[0]))
    made["content"]["uid"] = "0195b7a0-0000-7000-8000-000000000000"
    return [*lines, made | {"seq": lines[-1]["seq"] + 1}]


def swapped(name: str) -> Tamper:
    def salts(lines: list[Any]) -> None:
        one, other = lines[0]["shown"][name], lines[1]["shown"][name]
        one["salt"], other["salt"] = other["salt"], one["salt"]

    return lines_of("events.jsonl", salts)


WITHOUT_KEY: dict[str, tuple[Tamper, str, str]] = {
    "a sentence is rewritten": (sentence, "events.jsonl", "sentence is not what was written"),
    "and the manifest's hashes with it": (
        lambda files: rehashed(sentence(files)),
        "manifest.json",
        "its signature does not fit what it says",
    ),
    "an event is dropped": (
        lines_of("events.jsonl", lambda lines: lines[1:]),
        "events.jsonl",
        "23 sound events; 24 were signed for",
    ),
    "an event is added": (
        lines_of("events.jsonl", another_event),
        "events.jsonl",
        "is not in the chain's segment",
    ),
    "events are told in another order": (
        lines_of("events.jsonl", lambda lines: [lines[1], lines[0], *lines[2:]]),
        "events.jsonl",
        "the order is not the record's",
    ),
    "salts are swapped": (swapped("sentence"), "events.jsonl", "sentence is not what was written"),
    "the last checkpoint is replaced by an older one": (
        lines_of("checkpoints.jsonl", earlier_checkpoint),
        "checkpoints.jsonl",
        "is not larger than the one before it",
    ),
    "a checkpoint is left out": (
        lines_of("checkpoints.jsonl", lambda lines: [lines[0], *lines[2:]]),
        "checkpoints.jsonl",
        "does not name the one before it",
    ),
    "the chain is cut at its end": (
        lines_of("chain.jsonl", lambda lines: lines[:-3]),
        "chain.jsonl",
        "ends at event",
    ),
    "a link is cut out of the chain": (
        lines_of("chain.jsonl", lambda lines: [*lines[:5], *lines[6:]]),
        "chain.jsonl",
        "links are missing or moved",
    ),
    "the period is another": (
        of("manifest.json", lambda said: said["period"].update(until=EARLY)),
        "events.jsonl",
        "outside of the period",
    ),
    "the maker is another": (
        of("manifest.json", lambda said: said["made"].update(by="admin")),
        "manifest.json",
        "its signature does not fit",
    ),
    "the summary tells another story": (
        lambda files: files.update({"summary.html": files["summary.html"].replace(b"Wrong answers", b"All is well")}),
        "summary.html",
        OTHERS,
    ),
    "the mapping promises more": (
        of("mapping.json", lambda rows: rows[0].update(missing="")),
        "mapping.json",
        OTHERS,
    ),
    "a file is missing": (lambda files: files.pop("versions/5.json"), "versions/5.json", "is missing"),
    "a file is there that nobody signed": (
        lambda files: files.update({"versions/99.json": b"{}\n"}),
        "versions/99.json",
        "not in the manifest",
    ),
    "the manifest is missing": (lambda files: files.pop("manifest.json"), "manifest.json", "is missing"),
    "the manifest is spelled otherwise": (
        lambda files: files.update({"manifest.json": files["manifest.json"].replace(b",", b", ", 1)}),
        "manifest.json",
        "is not spelled as it was signed",
    ),
    "the manifest is no JSON": (
        lambda files: files.update({"manifest.json": b"{"}),
        "manifest.json",
        "is not as it should be",
    ),
    "a key stands twice": (
        lambda files: files.update({"kills.json": b'{"kills":[],"kills":[]}'}),
        "kills.json",
        "a key stands twice",
    ),
    "everything is signed with another key": (
        lambda files: resigned(files, OTHER_KEY),
        "manifest.json",
        "which is not known here",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_KEY)
def test_tampering_without_the_key_fails_with_the_reason(lived: Lived, tmp_path: Path, name: str) -> None:
    tamper, file, words = WITHOUT_KEY[name]
    files = lived.files
    tamper(files)
    expect_fault(checked(files, tmp_path / "pack.zip"), file, words)


def test_another_key_in_the_pack_does_not_help_even_where_none_is_given(lived: Lived, tmp_path: Path) -> None:
    files = lived.files
    files["public_key.txt"] = public_key_text(OTHER_KEY.public_key()).encode() + b"\n"
    report = checked(files, tmp_path / "swapped.zip", pinned=False)
    assert told(report, "public_key.txt", OTHERS)
    assert told(report, "manifest.json", "which is not known here")
    resigned(files, OTHER_KEY)
    report = checked(files, tmp_path / "resigned.zip", pinned=False)
    assert {fault.file for fault in report.faults} == {"checkpoints.jsonl"}, (
        "the checkpoints are still the record's"
    )
    assert not report.pinned


def test_only_so_many_faults_of_one_file_are_named_and_the_rest_counted(lived: Lived, tmp_path: Path) -> None:
    files = lived.files
    relined(files, "events.jsonl", lambda lines: [line | {"seq": 0} for line in lines])
    report = checked(files, tmp_path / "pack.zip")
    assert Fault("events.jsonl", "and 6 more") in report.faults


def test_the_spelling_of_the_tests_is_the_packs(lived: Lived, tmp_path: Path) -> None:
    """Whatever is found above is found for the tampering alone."""
    files = lived.files
    edited(files, "kills.json", lambda said: said)
    relined(files, "events.jsonl", lambda lines: lines)
    assert checked(files, tmp_path / "as-it-was.zip").verified
    resigned(files)
    assert checked(files, tmp_path / "resigned.zip").verified
    assert canonical({"a": 1}) == b'{"a":1}'
