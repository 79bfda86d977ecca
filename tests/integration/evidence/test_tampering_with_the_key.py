"""Packs that whoever has the key has signed again are found all the same: the record was sealed before."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit import leaves
from tests.integration.evidence.month import ERASED_NAME
from tests.integration.evidence.packs import (
    Files,
    Lived,
    Tamper,
    checked,
    edited,
    event,
    expect_fault,
    lines_of,
    of,
    relined,
    resigned,
    told,
)

pytestmark = pytest.mark.django_db  # for the month; packs need no database


def swap_people(change: Any) -> None:
    one, other = change["approvals"]
    one["person"], other["person"] = other["person"], one["person"]


def forged_approval(change: Any) -> None:
    change["approvals"].append(change["approvals"][0] | {"person": "admin", "verdict": "approve"})


def approval_and_event(files: Files) -> None:
    edited(files, "changes/1.json", lambda one: one["approvals"].__delitem__(0))
    relined(files, "events.jsonl", lambda lines: lines.remove(event(lines, "change.approved")))


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


def chained_anew(files: Files) -> None:
    """Begin with another head, and have every link follow from it."""
    heads = [bytes(leaves.DIGEST)]
    edited(files, "proofs/segment.json", lambda one: one.update(head=heads[0].hex()))

    def follow(links: list[Any]) -> None:
        for link in links:
            heads.append(leaves.head(heads[-1], bytes.fromhex(link["leaf"])))
            link["head"] = heads[-1].hex()

    relined(files, "chain.jsonl", follow)


def until_the_last_event(files: Files) -> None:
    last = json.loads(files["events.jsonl"].splitlines()[-1])["content"]["at"]
    edited(files, "manifest.json", lambda said: said["period"].update(until=last))


def ended_later(said: Any) -> None:
    left = next(stop["left_by"] for stop in said["kills"] if stop["left_by"])
    left["at"] = "2026-03-10T23:00:00.000000Z"


def without_versions_event(lines: list[Any]) -> list[Any]:
    gone = event(lines, "kill_switch.engaged")
    return [line for line in lines if line is not gone]


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
    "an approval counts twice": (
        of("changes/1.json", lambda one: one["approvals"].append(one["approvals"][0])),
        "changes/1.json",
        "by risk in these words",
    ),
    "an approval is gone, and its event with it": (
        approval_and_event,
        "changes/1.json",
        "it went live as approved by risk, whose approval is missing",
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
    "what a change made live": (
        of("changes/1.json", lambda one: one["document"]["bands"][0].update({"from": 0.61})),
        "changes/1.json",
        "as which it went live",
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
    "limits are gone": (
        of("guardrails.json", lambda rows: rows.__delitem__(-1)),
        "guardrails.json",
        "has set are missing",
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
    "to what it was stopped": (
        of("kills.json", lambda one: one["kills"][0].update(to="review_all")),
        "kills.json",
        "was sent to baseline, not to review_all",
    ),
    "when a stop ended": (of("kills.json", ended_later), "kills.json", "ended is not what the record says"),
    "a stop is gone": (of("kills.json", lambda one: one["kills"].__delitem__(-1)), "kills.json", "is missing"),
    "the event of a stop is gone": (
        lines_of("events.jsonl", without_versions_event),
        "versions/6.json",
        "no event of the record says that this was published",
    ),
    "an event is told twice": (
        lines_of("events.jsonl", lambda lines: [*lines, lines[-1]]),
        "events.jsonl",
        "was told before",
    ),
    "the period ends with its last event": (until_the_last_event, "events.jsonl", "outside of the period"),
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
    "which events the chain covers": (
        of("proofs/segment.json", lambda one: one.update(last=one["last"] - 1)),
        "proofs/segment.json",
        "which were signed for",
    ),
    "every head of the chain": (chained_anew, "chain.jsonl", "the chain is not the one that was signed"),
    "the end of the chain": (
        lines_of("chain.jsonl", lambda links: links[:-3]),
        "checkpoints.jsonl",
        "is not reached by the chain",
    ),
    "the checkpoint before the chain is gone": (
        lines_of("checkpoints.jsonl", lambda signed: signed[1:]),
        "checkpoints.jsonl",
        "which the segment follows, is missing",
    ),
    "the checkpoint that covers it is gone": (
        lines_of("checkpoints.jsonl", lambda signed: signed[:-1]),
        "checkpoints.jsonl",
        "which covers the segment, is missing",
    ),
    "a file that every pack holds is gone": (
        lambda files: files.pop("access.json"),
        "access.json",
        "is not in the manifest",
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
    **{
        f"how many {name} there were": (
            of("manifest.json", lambda said, name=name: said["counts"].update({name: 9})),  # type: ignore[misc]
            "",
            f"{name}; 9 were signed for",
        )
        for name in ("approvals", "overrides", "kills")
    },
    "by whom it was made": (
        of("manifest.json", lambda said: said["made"].update(by=None)),
        "manifest.json",
        "when and by whom it was made is no text",
    ),
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
    assert not told(report, file, "the manifest signs"), "the manifest was signed again"
    expect_fault(report, file, words)


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
