"""Packs that were tampered with fail, and say in which file and why.

Two kinds of forger: one without the key, who cannot sign the manifest again; and one who can, and is found by the
record all the same, since that was sealed before.
"""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import leaves
from audit.canonical import canonical
from audit.keys import audit_key
from audit.pack.faults import Fault
from audit.pack.verification import Report, verify
from audit.verify import public_key_text
from tests.integration.evidence.month import ERASED_NAME
from tests.integration.evidence.packs import (
    OTHER_KEY,
    Files,
    Lived,
    closed,
    edited,
    event,
    rehashed,
    relined,
    resigned,
)

pytestmark = pytest.mark.django_db  # for the month; packs need no database
Tamper = Callable[[Files], Any]
EARLY = "2026-03-05T00:00:00.000000Z"
OTHERS = "is not the file that the manifest signs"


def checked(files: Files, file: Path, *, pinned: bool = True) -> Report:
    return verify(closed(files, file), [audit_key().public_key()] if pinned else [])


def told(report: Report, file: str, words: str) -> bool:
    return any(fault.file == file and words in fault.reason for fault in report.faults)


# Without the key -----------------------------------------------------------------------------------------------------


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

    return lambda files: relined(files, "events.jsonl", salts)


WITHOUT_KEY: dict[str, tuple[Tamper, str, str]] = {
    "a sentence is rewritten": (sentence, "events.jsonl", "sentence is not what was written"),
    "and the manifest's hashes with it": (
        lambda files: rehashed(sentence(files)),
        "manifest.json",
        "its signature does not fit what it says",
    ),
    "an event is dropped": (
        lambda files: relined(files, "events.jsonl", lambda lines: lines[1:]),
        "events.jsonl",
        "23 sound events; 24 were signed for",
    ),
    "an event is added": (
        lambda files: relined(files, "events.jsonl", another_event),
        "events.jsonl",
        "is not in the chain's segment",
    ),
    "events are told in another order": (
        lambda files: relined(files, "events.jsonl", lambda lines: [lines[1], lines[0], *lines[2:]]),
        "events.jsonl",
        "the order is not the record's",
    ),
    "salts are swapped": (swapped("sentence"), "events.jsonl", "sentence is not what was written"),
    "the last checkpoint is replaced by an older one": (
        lambda files: relined(files, "checkpoints.jsonl", earlier_checkpoint),
        "checkpoints.jsonl",
        "is not larger than the one before it",
    ),
    "a checkpoint is left out": (
        lambda files: relined(files, "checkpoints.jsonl", lambda lines: [lines[0], *lines[2:]]),
        "checkpoints.jsonl",
        "does not name the one before it",
    ),
    "the chain is cut at its end": (
        lambda files: relined(files, "chain.jsonl", lambda lines: lines[:-3]),
        "chain.jsonl",
        "ends at event",
    ),
    "a link is cut out of the chain": (
        lambda files: relined(files, "chain.jsonl", lambda lines: [*lines[:5], *lines[6:]]),
        "chain.jsonl",
        "links are missing or moved",
    ),
    "the period is another": (
        lambda files: edited(files, "manifest.json", lambda said: said["period"].update(until=EARLY)),
        "events.jsonl",
        "outside of the period",
    ),
    "the maker is another": (
        lambda files: edited(files, "manifest.json", lambda said: said["made"].update(by="admin")),
        "manifest.json",
        "its signature does not fit",
    ),
    "the summary tells another story": (
        lambda files: files.update({"summary.html": files["summary.html"].replace(b"Wrong answers", b"All is well")}),
        "summary.html",
        OTHERS,
    ),
    "the mapping promises more": (
        lambda files: edited(files, "mapping.json", lambda rows: rows[0].update(missing="")),
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
    report = checked(files, tmp_path / "pack.zip")
    assert told(report, file, words), report.faults


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


# With the key: the record tells --------------------------------------------------------------------------------------


def swap_people(change: Any) -> None:
    one, other = change["approvals"]
    one["person"], other["person"] = other["person"], one["person"]


def forged_approval(change: Any) -> None:
    change["approvals"].append(change["approvals"][0] | {"person": "admin", "verdict": "approve"})


def document_and_digest(version: Any) -> None:
    from audit.pack.enforced import digest

    version["document"]["bands"][0]["from"] = 0.61
    version["digest"] = digest(version["document"])


def put_back(lines: list[Any]) -> None:
    """Put an erased name back, as somebody could who kept the pack from before."""
    told_of = event(lines, "change.approved", 2)
    salt = bytes(range(1, 17))
    commitment = leaves.commitment(salt, ERASED_NAME).hex()
    told_of["content"]["digests"]["actor"] = commitment
    told_of["shown"]["actor"] = {"salt": salt.hex(), "value": ERASED_NAME}
    told_of["erased"].remove("actor")


def without_versions_event(lines: list[Any]) -> list[Any]:
    gone = event(lines, "kill_switch.engaged")
    return [line for line in lines if line is not gone]


def of(name: str, change: Callable[[Any], Any]) -> Tamper:
    return lambda files: edited(files, name, change)


def lines_of(name: str, change: Callable[[list[Any]], Any]) -> Tamper:
    return lambda files: relined(files, name, change)


WITH_KEY: dict[str, tuple[Tamper, str, str]] = {
    "a version's document": (
        of("versions/3.json", lambda one: one["document"]["bands"][0].update({"from": 0.61})),
        "versions/3.json",
        "its digest is not that of its document",
    ),
    "a version's document and digest": (of("versions/3.json", document_and_digest), "versions/3.json", "has sealed"),
    "the version from before the period": (
        of("versions/2.json", document_and_digest),
        "versions/2.json",
        "has sealed",
    ),
    "who published a version": (
        of("versions/4.json", lambda one: one.update(created_by="ops")),
        "versions/4.json",
        "“created_by” is not what event",
    ),
    "why a version was published": (
        of("versions/6.json", lambda one: one.update(reason="Planned")),
        "versions/6.json",
        "“reason” is not what event",
    ),
    "when a version was published": (
        of("versions/6.json", lambda one: one.update(created_at="2026-03-11T09:00:00.000000Z")),
        "versions/6.json",
        "no event of the record says that this was published",
    ),
    "a version in between is gone": (lambda files: files.pop("versions/5.json"), "", "versions are missing"),
    "two approvals are swapped": (of("changes/1.json", swap_people), "changes/1.json", "no event of the record holds"),
    "an approval is forged": (of("changes/2.json", forged_approval), "changes/2.json", "by admin in these words"),
    "an approval is gone": (
        of("changes/1.json", lambda one: one["approvals"].__delitem__(0)),
        "changes/1.json",
        "what a reviewer said by event",
    ),
    "an approval is for other content": (
        of("changes/1.json", lambda one: one["approvals"][0]["parts"].update(document="0" * 64)),
        "changes/1.json",
        "for other content than its parts make up",
    ),
    "the change that was approved": (
        of("changes/1.json", lambda one: one["document"]["bands"][0].update({"from": 0.61})),
        "changes/1.json",
        "the document is not the one that risk approved",
    ),
    "a change's evidence": (
        of("changes/1.json", lambda one: one["evidence"].update(why="")),
        "changes/1.json",
        "its evidence is not what event",
    ),
    "a change's author": (
        of("changes/2.json", lambda one: one.update(author="admin")),
        "changes/2.json",
        "its author is not who submitted it",
    ),
    "a vetoed change is gone": (lambda files: files.pop("changes/2.json"), "", "changes/2.json is missing"),
    "why an override was granted": (
        of("overrides.json", lambda rows: rows[0].update(reason="Routine")),
        "overrides.json",
        "or why, is not what event",
    ),
    "an override is gone": (of("overrides.json", lambda rows: rows.clear()), "overrides.json", "is missing"),
    "limits were looser": (
        of("guardrails.json", lambda rows: rows[-1]["limits"]["knobs"]["bands.answer.from"].update(limit=[0.1, 1.0])),
        "guardrails.json",
        "no event of the record sets the limits",
    ),
    "how fast a stop was": (
        of("kills.json", lambda one: one["kills"][0].update(seconds=0.01)),
        "kills.json",
        "how long r6 took is not what the record says",
    ),
    "when it was stopped": (
        of("kills.json", lambda one: one["kills"][0].update(clicked_at="2026-03-10T08:00:00.000000Z")),
        "kills.json",
        "when r6 was stopped",
    ),
    "a stop is gone": (of("kills.json", lambda one: one["kills"].__delitem__(-1)), "kills.json", "is missing"),
    "the event of a stop is gone": (
        lines_of("events.jsonl", without_versions_event),
        "versions/6.json",
        "no event of the record says that this was published",
    ),
    "an erased name is put back": (
        lines_of("events.jsonl", put_back),
        "events.jsonl",
        "actor was erased by event",
    ),
    "an event's time": (
        lines_of("events.jsonl", lambda rows: rows[3]["content"].update(at="2026-03-04T00:00:00.000000Z")),
        "events.jsonl",
        "is not what the record holds",
    ),
    "an event is called erased": (
        lines_of("events.jsonl", lambda rows: rows[2]["erased"].append("sentence")),
        "events.jsonl",
        "neither shown nor erased",
    ),
    "an event is called another use case's": (
        lines_of("events.jsonl", lambda rows: rows[0]["content"].update(use_case="refunds")),
        "events.jsonl",
        "is of another use case",
    ),
    "a leaf of the chain": (
        lines_of("chain.jsonl", lambda rows: rows[4].update(leaf="0" * 64)),
        "chain.jsonl",
        "its head does not follow",
    ),
    "what the chain follows": (
        of("proofs/segment.json", lambda one: one.update(head="0" * 64)),
        "chain.jsonl",
        "does not follow",
    ),
    "the tree that the chain follows": (
        of("proofs/segment.json", lambda one: one["before"].reverse()),
        "proofs/segment.json",
        "the tree is not the one that was signed",
    ),
    "a checkpoint's root": (
        lines_of("checkpoints.jsonl", lambda rows: rows[2].update(root="0" * 64)),
        "checkpoints.jsonl",
        "its signature does not fit",
    ),
    "the proof that the last continues the first": (
        of("proofs/consistency.json", lambda one: one["path"].reverse()),
        "proofs/consistency.json",
        "does not continue the first",
    ),
    "an event from before the period": (
        lines_of("proofs/earlier.jsonl", lambda rows: rows[0]["path"].reverse()),
        "proofs/earlier.jsonl",
        "is not in the record that the last checkpoint signs",
    ),
    "how much there was": (lambda files: files.pop("changes/2.json"), "", "holds 1 changes; 2 were signed for"),
    "a file with nonsense": (
        lambda files: files.update({"changes/1.json": b"[1, 2]\n"}),
        "changes/1.json",
        "is not as it should be",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_KEY)
def test_tampering_with_the_key_is_found_by_the_record(lived: Lived, tmp_path: Path, name: str) -> None:
    tamper, file, words = WITH_KEY[name]
    files = lived.files
    tamper(files)
    resigned(files)
    report = checked(files, tmp_path / "pack.zip")
    assert not told(report, file, OTHERS), "the manifest was signed again"
    assert told(report, file, words), report.faults


def test_what_the_key_s_holder_leaves_out_of_the_list_is_not_found_and_the_pack_says_so(
    lived: Lived, tmp_path: Path
) -> None:
    files = lived.files
    relined(
        files,
        "events.jsonl",
        lambda lines: [one for one in lines if one["content"]["kind"] != "promise.stated"],
    )
    counts = json.loads(files["manifest.json"])["counts"] | {"events": 23}
    resigned(files, counts=counts)
    assert checked(files, tmp_path / "pack.zip").verified
    assert b"a left-out event would look like one of them" in files["README.txt"]


# The zip itself ------------------------------------------------------------------------------------------------------


def add(file: Path, name: str, content: bytes = b"{}") -> None:
    with zipfile.ZipFile(file, "a") as zipped, pytest.warns() if name in zipped.namelist() else _quiet():
        zipped.writestr(zipfile.ZipInfo(name), content)


def _quiet() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def commented(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.comment = b"trust me"


def encrypted(file: Path) -> None:
    """Say in the directory that the first file is encrypted."""
    raw = bytearray(file.read_bytes())
    place = raw.index(b"PK\x01\x02") + 8
    raw[place : place + 2] = struct.pack("<H", 1)
    file.write_bytes(raw)


def renamed_inside(file: Path) -> None:
    raw = file.read_bytes()
    file.write_bytes(raw.replace(b"summary.html", b"summary.htmx", 1))


ZIPS: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "it is cut off": (lambda file: file.write_bytes(file.read_bytes()[:-2000]), "", "cannot be read"),
    "a file stands in it twice": (lambda file: add(file, "events.jsonl"), "events.jsonl", "stands in the zip twice"),
    "and in other letters": (lambda file: add(file, "Events.jsonl"), "Events.jsonl", "stands in the zip twice"),
    "a file would be written elsewhere": (lambda file: add(file, "../../etc/passwd"), "../../etc/passwd", "elsewhere"),
    "a file has an absolute name": (lambda file: add(file, "/etc/passwd"), "/etc/passwd", "elsewhere"),
    "it is a bomb": (lambda file: bomb(file), "bomb.json", "made to overwhelm"),
    "it is encrypted": (encrypted, "versions/2.json", "is encrypted"),
    "it carries a comment": (commented, "", "a comment, which nothing signs"),
    "something stands in front": (
        lambda file: file.write_bytes(b"PK junk" + file.read_bytes()),
        "versions/2.json",
        "bytes beside its files",
    ),
    "something stands behind": (
        lambda file: file.write_bytes(file.read_bytes() + b"junk"),
        "",
        "the zip",
    ),
    "a file has two names": (renamed_inside, "summary.html", "another name in front of its bytes"),
}  # fmt: skip


def bomb(file: Path) -> None:
    info = zipfile.ZipInfo("bomb.json")
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.writestr(info, b" " * (8 << 20))


@pytest.mark.parametrize("name", ZIPS)
def test_a_zip_that_could_deceive_or_overwhelm_is_not_looked_into(
    lived: Lived, tmp_path: Path, name: str
) -> None:
    tamper, where, words = ZIPS[name]
    file = tmp_path / "pack.zip"
    file.write_bytes(lived.pack)
    tamper(file)
    report = verify(file, [audit_key().public_key()])
    assert told(report, where, words), report.faults
    assert report.manifest == {}


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
