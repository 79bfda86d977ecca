"""The record's part of a pack: every event recomputed, the chain link by link, one tree from checkpoint to checkpoint.

One segment of the chain, from one signed checkpoint to another, covers every event of the pack. Events of other use
cases stand in it as leaf hashes. The peaks of the tree before it are its whole proof: with the leaves that follow they
lead to the root of every checkpoint, so each event is in the record at its number.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import leaves, merkle, pack
from audit.canonical import canonical
from audit.pack.container import Container, loads
from audit.pack.faults import UNREADABLE, Faults, Wrong
from audit.verify import Refused, check_signature, check_values, signed_words

_LINK: Final = re.compile(rb'\{"head":"([0-9a-f]{64})","leaf":"([0-9a-f]{64})","seq":([1-9][0-9]{0,17})\}')


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the pack tells it; `place` is where, for faults."""

    place: str
    seq: int
    content: Mapping[str, Any]
    shown: Mapping[str, Any]
    erased: tuple[str, ...]
    leaf: bytes
    path: tuple[bytes, ...] = ()

    @property
    def kind(self) -> str:
        return str(self.content["kind"])

    @property
    def version(self) -> int | None:
        number: int | None = self.content["version"]
        return number

    @property
    def new(self) -> Mapping[str, Any]:
        """The new values; none where they are erased or there were none."""
        value = self.shown.get("new")
        return value if isinstance(value, dict) else {}

    def tells(self, field_: str, value: Any) -> bool:
        """Say whether a field holds a value, as far as it is still known; what is erased is nowhere else either."""
        return value == leaves.EMPTY[field_] if field_ in self.erased else bool(self.shown[field_] == value)


@dataclass
class Record:
    """What was recomputed: the period's events, those before it that others refer to, and the checkpoints."""

    events: list[Told] = field(default_factory=list)
    earlier: list[Told] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    links: int = 0

    @property
    def all(self) -> Iterator[Told]:
        yield from self.earlier
        yield from self.events


def check(
    held: Container, manifest: Mapping[str, Any], keys: list[Ed25519PublicKey], faults: Faults
) -> Record:
    """Check everything that the record says, and return it."""
    found = Record()
    with faults.reading(pack.EVENTS):
        found.events = list(_told(held, pack.EVENTS, faults))
    with faults.reading(pack.EARLIER):
        found.earlier = list(_told(held, pack.EARLIER, faults))
    with faults.reading(pack.CHECKPOINTS):
        found.checkpoints = list(_checkpoints(held, keys, faults))
    _check_events(found, manifest, faults)
    _check_erasures(found, faults)
    with faults.reading(pack.SEGMENT):
        _check_segment(held, manifest, found, faults)
    with faults.reading(pack.EARLIER):
        _check_earlier(found, faults)
    with faults.reading(pack.CONSISTENCY):
        _check_consistency(held, found, faults)
    return found


def _told(held: Container, name: str, faults: Faults) -> Iterator[Told]:
    """Read events, and recompute from each the commitments of what it shows and its leaf."""
    for number, line in enumerate(held.lines(name), 1):
        try:
            said = loads(line)
            content, shown, seq = said["content"], said["shown"], said["seq"]
            place = f"line {number}, event {seq}"
            if type(seq) is not int or seq < 1:
                raise Refused("its place in the record is not a number")
            check_values(content, shown)
            erased = tuple(said["erased"])
            if sorted([*erased, *shown]) != sorted(leaves.ERASABLE):
                raise Refused("of its values some are neither shown nor erased, or both")
            leaf = leaves.leaf(canonical(content))
            path = tuple(bytes.fromhex(step) for step in said.get("path", []))
        except UNREADABLE as error:
            told = str(error) if isinstance(error, Refused) else f"{type(error).__name__} {error}"
            faults.add(name, f"line {number}{_number_of(line)}: {told}"[:300])
            continue
        values = {key: one["value"] for key, one in shown.items()}
        yield Told(place, seq, content, values, erased, leaf, path)


def _number_of(line: bytes) -> str:
    try:
        return f", event {loads(line)['seq']}"
    except UNREADABLE:
        return ""


def _check_events(found: Record, manifest: Mapping[str, Any], faults: Faults) -> None:
    slug, period = manifest["use_case"]["slug"], manifest["period"]
    last, uids = 0, set()
    for event in found.events:
        where = f"{event.place}: "
        if event.seq <= last:
            faults.add(pack.EVENTS, f"{where}stands after event {last}: the order is not the record's")
        if not period["since"] <= event.content["at"] < period["until"]:
            faults.add(pack.EVENTS, f"{where}happened at {event.content['at']}, outside of the period")
        last = max(last, event.seq)
    for name, events in ((pack.EVENTS, found.events), (pack.EARLIER, found.earlier)):
        for event in events:
            if event.content["use_case"] != slug:
                faults.add(name, f"{event.place}: is of another use case, “{event.content['use_case']}”")
            if event.content["uid"] in uids:
                faults.add(name, f"{event.place}: was told before")
            uids.add(event.content["uid"])
    if len(found.events) != manifest["counts"]["events"]:
        said = manifest["counts"]["events"]
        faults.add(pack.EVENTS, f"holds {len(found.events)} sound events; {said} were signed for")


def _check_erasures(found: Record, faults: Faults) -> None:
    """See that what was erased stays erased, and that what is gone went on record."""
    by_uid = {event.content["uid"]: event for event in found.all}
    recorded: set[tuple[str, str]] = set()
    for event in found.all:
        if event.kind != leaves.ERASURE or not event.new:
            continue
        target = by_uid.get(event.new["event"])
        for name in event.new["fields"]:
            recorded.add((event.new["event"], name))
            if target is not None and name not in target.erased:
                words = f"{target.place}: {name} was erased by event {event.seq}, and is shown again"
                faults.add(pack.EVENTS, words)
    silent = sum((uid, name) not in recorded for uid, one in by_uid.items() for name in one.erased)
    if silent:
        faults.notes.append(
            f"{silent} values are erased by events outside of the period: the pack does not show by whom."
        )


def _checkpoints(held: Container, keys: list[Ed25519PublicKey], faults: Faults) -> Iterator[dict[str, Any]]:
    """Read the checkpoints: each signed, each larger than the one before, each naming the one before."""
    before: dict[str, Any] | None = None
    for number, line in enumerate(held.lines(pack.CHECKPOINTS), 1):
        one = loads(line)
        where = f"line {number}, the checkpoint over {one['size']} events: "
        if type(one["size"]) is not int:
            raise Wrong("a size is not a number")
        try:
            check_signature(one, keys)
        except Refused as refused:
            faults.add(pack.CHECKPOINTS, f"{where}{refused}")
        if before is not None and one["size"] <= before["size"]:
            faults.add(pack.CHECKPOINTS, f"{where}is not larger than the one before it")
        if before is not None and one["previous"] != sha256(signed_words(before)).hexdigest():
            faults.add(pack.CHECKPOINTS, f"{where}does not name the one before it")
        yield one
        before = one


class _Segment:
    """The chain as it is walked along: head and tree after each link, held against checkpoints and events."""

    def __init__(self, first: int, tree: merkle.Growing, head: bytes, found: Record, faults: Faults) -> None:
        self.at, self.tree, self.head, self.faults = first - 1, tree, head, faults
        self.events = {event.seq: event for event in found.events}
        self.signed = {one["size"]: one for one in found.checkpoints}

    def add(self, line: bytes) -> None:
        """Take one more link. Raises Wrong where the chain cannot be walked any further."""
        link = _LINK.fullmatch(line)
        if link is None:
            raise Wrong(f"after event {self.at}: this is no link of a chain")
        if int(link[3]) != self.at + 1:
            raise Wrong(f"after event {self.at} comes event {int(link[3])}: links are missing or moved")
        self.at += 1
        leaf = bytes.fromhex(link[2].decode())
        event = self.events.pop(self.at, None)
        if event is not None and event.leaf != leaf:
            words = f"{event.place}: is not what the record holds at this number"
            self.faults.add(pack.EVENTS, words)
        self.head = leaves.head(self.head, leaf)
        if self.head.hex() != link[1].decode():
            raise Wrong(f"event {self.at}: its head does not follow from the one before and its leaf")
        self.tree.add(leaf)
        self.meet_checkpoint()

    def meet_checkpoint(self) -> None:
        signed = self.signed.pop(self.at, None)
        if signed is not None and signed["head"] != self.head.hex():
            self.faults.add(pack.CHAIN, f"at event {self.at} the chain is not the one that was signed")
        if signed is not None and signed["root"] != self.tree.root().hex():
            self.faults.add(pack.SEGMENT, f"at event {self.at} the tree is not the one that was signed")


def _check_segment(held: Container, manifest: Mapping[str, Any], found: Record, faults: Faults) -> None:
    said, signed = held.json(pack.SEGMENT), manifest["record"]
    first, last = signed["first"], signed["last"]
    if (said["first"], said["last"]) != (first, last):
        faults.add(pack.SEGMENT, f"covers other events than {first} to {last}, which were signed for")
    if not last:
        if found.events or any(held.lines(pack.CHAIN)):
            faults.add(pack.CHAIN, "there are events or links although none was signed for")
        return
    before = [bytes.fromhex(one) for one in said["before"]]
    segment = _Segment(first, merkle.Growing(first - 1, before), bytes.fromhex(said["head"]), found, faults)
    if first == 1 and segment.head != leaves.GENESIS:
        faults.add(pack.SEGMENT, "the chain begins with event 1, and yet with another head than the first")
    elif first > 1 and first - 1 not in segment.signed:
        faults.add(
            pack.CHECKPOINTS, f"the checkpoint over {first - 1} events, which the segment follows, is missing"
        )
    segment.meet_checkpoint()
    with faults.reading(pack.CHAIN):
        for line in held.lines(pack.CHAIN):
            segment.add(line)
    found.links = segment.at - first + 1
    _check_ends(segment, last, found, faults)


def _check_ends(segment: _Segment, last: int, found: Record, faults: Faults) -> None:
    if segment.at != last:
        faults.add(pack.CHAIN, f"ends at event {segment.at}; the segment that was signed for ends at {last}")
    if not found.checkpoints or found.checkpoints[-1]["size"] != last:
        faults.add(
            pack.CHECKPOINTS, f"the checkpoint over {last} events, which covers the segment, is missing"
        )
    for size in segment.signed:
        faults.add(pack.CHECKPOINTS, f"the checkpoint over {size} events is not reached by the chain")
    for event in segment.events.values():
        faults.add(pack.EVENTS, f"{event.place}: is not in the chain's segment")


def _check_earlier(found: Record, faults: Faults) -> None:
    """Lead each event before the period to the last checkpoint, by a path of its own."""
    for event in found.earlier:
        signed = found.checkpoints[-1]
        try:
            root = merkle.root_from_inclusion(event.leaf, event.seq - 1, signed["size"], event.path)
        except merkle.ProofRefused as refused:
            faults.add(pack.EARLIER, f"{event.place}: {refused}")
            continue
        if root.hex() != signed["root"]:
            faults.add(pack.EARLIER, f"{event.place}: is not in the record that the last checkpoint signs")


def _check_consistency(held: Container, found: Record, faults: Faults) -> None:
    """Hold first against last checkpoint by the proof of RFC 9162, which needs nothing of the chain."""
    said = held.json(pack.CONSISTENCY)
    if not found.checkpoints:
        return
    first, last = found.checkpoints[0], found.checkpoints[-1]
    if (said["first"], said["size"]) != (first["size"], last["size"]):
        faults.add(pack.CONSISTENCY, "is about other checkpoints than the first and the last one")
        return
    roots = bytes.fromhex(first["root"]), bytes.fromhex(last["root"])
    path = [bytes.fromhex(step) for step in said["path"]]
    try:
        merkle.verify_consistency(first["size"], last["size"], *roots, path)
    except merkle.ProofRefused as refused:
        faults.add(pack.CONSISTENCY, f"the last checkpoint does not continue the first: {refused}")
