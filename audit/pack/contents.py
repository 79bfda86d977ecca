"""Whether versions, changes, approvals, overrides, limits and kills are as the record tells them.

These files are read out of the product's tables, which could be written to; the record could not. So each is held
against the sealed events: same person, same words, same digest of the content. What no event speaks of, the manifest's
signature alone vouches for; `README.txt` in the pack says what that is.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from audit.pack.container import Container
from audit.pack.enforced import digest, enforced
from audit.pack.faults import Faults, Wrong
from audit.pack.record import Record, Told

Row = Mapping[str, Any]
VERDICTS: Final = {
    "approve": "change.approved",
    "request_changes": "change.changes_requested",
    "veto": "change.vetoed",
}
EVIDENCE: Final = ("change.submitted", "change.amended", "change.rebased", "change.evidence_renewed")
KILLS: Final = ("kill_switch.engaged", "kill_switch.review_all")
MOST_APART: Final = 60  # seconds between a row and the event of its transaction
_NUMBERED: Final = re.compile(r"(?:versions|changes)/([1-9][0-9]{0,9})\.json")


def check(held: Container, manifest: Row, record: Record, faults: Faults) -> None:
    """Hold every file that the record can vouch for against it."""
    versions = _numbered(held, "versions", faults)
    changes = _numbered(held, "changes", faults)
    counts = {"versions": len(versions), "changes": len(changes), "links": record.links}
    counts |= {"checkpoints": len(record.checkpoints), "approvals": 0, "overrides": 0, "kills": 0}
    _check_versions(versions, record, faults)
    for number, change in changes.items():
        with faults.reading(f"changes/{number}.json"):
            _Change(f"changes/{number}.json", change, record, faults).check(versions)
            counts["approvals"] += len(change["approvals"])
    _check_told_changes(changes, record, faults)
    with faults.reading("guardrails.json"):
        _check_limits(held.json("guardrails.json"), manifest, record, faults)
    with faults.reading("overrides.json"):
        overrides = held.json("overrides.json")
        counts["overrides"] = len(overrides)
        _check_overrides(overrides, record, faults)
    with faults.reading("kills.json"):
        kills = held.json("kills.json")
        counts["kills"] = len(kills["kills"])
        _check_kills(kills, versions, record, faults)
    for name, count in counts.items():
        if manifest["counts"][name] != count:
            faults.add("", f"holds {count} {name}; {manifest['counts'][name]} were signed for")


def _numbered(held: Container, folder: str, faults: Faults) -> dict[int, Row]:
    found: dict[int, Row] = {}
    for name in held.names:
        match = _NUMBERED.fullmatch(name)
        if match is None or not name.startswith(f"{folder}/"):
            continue
        with faults.reading(name):
            row = held.json(name)
            if row["number"] != int(match[1]):
                raise Wrong(f"says that it is number {row['number']}")
            found[int(match[1])] = row
    return dict(sorted(found.items()))


# Versions ------------------------------------------------------------------------------------------------------------


def _check_versions(versions: Mapping[int, Row], record: Record, faults: Faults) -> None:
    told = defaultdict(list)
    for event in record.all:
        if event.version is not None:
            told[event.version].append(event)
    unsealed = 0
    for number, row in versions.items():
        name = f"versions/{number}.json"
        with faults.reading(name):
            found = digest(enforced(row["document"], row["baseline"], row["state"], row["message"]))
            if found != row["digest"]:
                faults.add(name, "its digest is not that of its document, baseline, state and message")
            unsealed += _check_told(name, row, told[number], faults)
    present = list(versions)
    if present and present != list(range(present[0], present[-1] + 1)):
        faults.add("", f"between r{present[0]} and r{present[-1]} versions are missing")
    for number in sorted(set(told) - set(versions)):
        if any("content" in event.new for event in told[number]):
            faults.add("", f"the record tells of r{number}, and versions/{number}.json is missing")
    if unsealed:
        faults.notes.append(
            f"{unsealed} versions were published when events did not seal whole documents yet: "
            "for what these say beside the settings that changed, the manifest's signature alone vouches."
        )


def _check_told(name: str, row: Row, told: list[Told], faults: Faults) -> bool:
    """See that the event which published a version says the same; tell whether it leaves the document unsealed."""
    pairs = (("sentence", "sentence"), ("reason", "reason"), ("actor", "created_by"))
    fits = [
        event
        for event in told
        if event.tells("sentence", row["sentence"]) and _close(event, row["created_at"])
    ]
    if not fits:
        faults.add(
            name, "no event of the record says that this was published, at this time and in these words"
        )
        return False
    event = next((one for one in fits if "content" in one.new), fits[0])
    for field, key in pairs:
        if not event.tells(field, row[key]):
            faults.add(name, f"“{key}” is not what event {event.seq} of the record says")
    if "content" not in event.new:
        return True
    if event.new["content"] != digest([row["state"], row["document"], row["baseline"], row["message"]]):
        faults.add(name, f"what it says is not what event {event.seq} of the record has sealed")
    return False


def _close(event: Told, at: str) -> bool:
    apart = datetime.fromisoformat(event.content["at"]) - datetime.fromisoformat(at)
    return abs(apart.total_seconds()) <= MOST_APART


# Changes and approvals -----------------------------------------------------------------------------------------------


class _Change:
    """One change and the events that tell of it."""

    def __init__(self, name: str, row: Row, record: Record, faults: Faults) -> None:
        self.name, self.row, self.faults = name, row, faults
        self.told = [event for event in record.all if _of(event, row["number"])]
        # Of which change these tell is erased with their values; time and person are all that is left to match.
        self.vague = [
            event for event in record.all if event.kind.startswith("change.") and "new" in event.erased
        ]

    def check(self, versions: Mapping[int, Row]) -> None:
        self._check_submitted()
        self._check_evidence()
        self._check_approvals()
        if self.row["status"] == "applied":
            self._check_applied(versions)

    def _events(self, *kinds: str) -> list[Told]:
        return [event for event in self.told if event.kind in kinds]

    def _check_submitted(self) -> None:
        events = self._events("change.submitted") or self._vague("change.submitted", self.row["submitted_at"])
        if not events:
            self.faults.add(self.name, "no event of the record says that it was submitted")
        elif not events[0].tells("actor", self.row["author"]):
            self.faults.add(self.name, f"its author is not who submitted it by event {events[0].seq}")

    def _vague(self, kind: str, at: str) -> list[Told]:
        return [event for event in self.vague if event.kind == kind and _close(event, at)]

    def _check_evidence(self) -> None:
        events = [] if any(event.kind in EVIDENCE for event in self.vague) else self._events(*EVIDENCE)
        if events and events[-1].new["evidence"] != digest(self.row["evidence"]):
            words = f"its evidence is not what event {events[-1].seq} of the record has sealed"
            self.faults.add(self.name, words)

    def _check_approvals(self) -> None:
        """Match what reviewers said with what the record holds, one to one."""
        said: Counter[int] = Counter()
        for row in self.row["approvals"]:
            if row["content"] != digest(row["parts"]):
                words = f"what {_who(row)} said is for other content than its parts make up"
                self.faults.add(self.name, words)
            kind = VERDICTS[row["verdict"]]
            events = [*self._events(kind), *self._vague(kind, row["at"])]
            match = next((one for one in events if self._fits(one, row, said)), None)
            if match is None:
                words = f"no event of the record holds “{row['verdict']}” by {_who(row)} in these words"
                self.faults.add(self.name, f"{words}, for this content and at this time")
            else:
                said[match.seq] += 1
        for event in self._events(*VERDICTS.values()):
            if not said[event.seq]:
                self.faults.add(
                    self.name, f"what a reviewer said by event {event.seq} of the record is missing"
                )

    def _fits(self, event: Told, row: Row, said: Counter[int]) -> bool:
        same = (
            event.new.get("content", row["content"]) == row["content"]
            and not said[event.seq]
            and _close(event, row["at"])
        )
        return same and event.tells("actor", row["person"]) and event.tells("reason", row["comment"])

    def _check_applied(self, versions: Mapping[int, Row]) -> None:
        self._check_live(versions)
        events = self._events("change.applied")
        if not events:
            if not self._vague("change.applied", self.row["closed_at"]):
                self.faults.add(self.name, "no event of the record says that it went live")
            return
        content = events[-1].new["content"]
        given = [
            row for row in self.row["approvals"] if (row["verdict"], row["content"]) == ("approve", content)
        ]
        for person in set(events[-1].new["approved_by"]) - {row["person"] for row in given}:
            if not any(row["person"] == "" for row in given):
                self.faults.add(self.name, f"it went live as approved by {person}, whose approval is missing")
        for row in given:
            self._check_given(row, versions)

    def _check_given(self, row: Row, versions: Mapping[int, Row]) -> None:
        """Recompute from the change what an approval was given for."""
        change = self.row
        parts = {
            "document": [change[key] for key in ("document", "baseline", "message", "leaves_to")],
            "evidence": change["evidence"],
        }
        before = versions.get((change["version"] or 0) - 1)
        if before is not None and not change["leaves_to"]:
            parts["base"] = [before["document"], before["baseline"]]
        for part, value in parts.items():
            if row["parts"][part] != digest(value):
                words = f"the {part} is not the one that {_who(row)} approved"
                self.faults.add(self.name, words)

    def _check_live(self, versions: Mapping[int, Row]) -> None:
        version = versions.get(self.row["version"])
        if version is not None and digest(version["document"]) != digest(self.row["document"]):
            self.faults.add(
                self.name, f"its document is not that of r{self.row['version']}, as which it went live"
            )


def _who(row: Row) -> str:
    return str(row["person"]) or "somebody whose name is erased"


def _of(event: Told, number: int) -> bool:
    return event.kind.startswith("change.") and event.new.get("change") == number


def _check_told_changes(changes: Mapping[int, Row], record: Record, faults: Faults) -> None:
    told = {event.new["change"]: event for event in record.events if _numbers(event)}
    for number in sorted(set(told) - set(changes)):
        words = f"event {told[number].seq} of the record is about change {number}, and changes/{number}.json is missing"
        faults.add("", words)


def _numbers(event: Told) -> bool:
    return event.kind.startswith("change.") and type(event.new.get("change")) is int


# Limits, overrides, kills --------------------------------------------------------------------------------------------


def _check_limits(rows: list[Row], manifest: Row, record: Record, faults: Faults) -> None:
    told = [event for event in record.all if event.kind == "guardrail.set"]
    for row in rows:
        inside = row["at"] >= manifest["period"]["since"] and not row["first"]
        if inside and not any(_says(event, row) for event in told):
            faults.add(
                "guardrails.json", f"no event of the record sets the limits of {row['at']} as they stand here"
            )
    for event in told:
        if event.content["at"] >= manifest["period"]["since"] and not any(_says(event, row) for row in rows):
            faults.add(
                "guardrails.json", f"the limits that event {event.seq} of the record has set are missing"
            )


def _says(event: Told, row: Row) -> bool:
    if "new" in event.erased:
        return _close(event, row["at"])
    same = all(event.new.get(key) == value for key, value in row["limits"].items())
    return same and event.tells("actor", row["set_by"]) and _close(event, row["at"])


def _check_overrides(rows: list[Row], record: Record, faults: Faults) -> None:
    told = {event.version: event for event in record.all if event.kind == "override.began"}
    for row in rows:
        event = told.pop(row["version"], None)
        if event is None:
            faults.add("overrides.json", f"no event of the record tells of the override as r{row['version']}")
        elif not (event.tells("actor", row["person"]) and event.tells("reason", row["reason"])):
            words = f"who began the override as r{row['version']}, or why, is not what event {event.seq} says"
            faults.add("overrides.json", words)
    for version, event in told.items():
        if event in record.events:
            faults.add("overrides.json", f"the override as r{version}, of event {event.seq}, is missing")


def _check_kills(said: Row, versions: Mapping[int, Row], record: Record, faults: Faults) -> None:
    told = {event.version: event for event in record.events if event.kind in KILLS}
    seconds = {
        event.version: event.new["seconds"]
        for event in record.events
        if event.kind == "rollout.converged" and "new" not in event.erased
    }
    back = {event.version: event for event in record.events if event.kind.startswith("kill_switch.")}
    for row in said["kills"]:
        number, event = row["version"], told.pop(row["version"], None)
        if event is None:
            faults.add("kills.json", f"no event of the record tells of the stop as r{number}")
            continue
        if row["clicked_at"] != event.content["at"] or not event.tells("actor", row["by"]):
            faults.add(
                "kills.json", f"when r{number} was stopped, or by whom, is not what event {event.seq} says"
            )
        if number in versions and row["to"] != versions[number]["state"]:
            faults.add("kills.json", f"r{number} was sent to {versions[number]['state']}, not to {row['to']}")
        if number in seconds and row["seconds"] != seconds[number]:
            faults.add(
                "kills.json", f"how long r{number} took is not what the record says: {seconds[number]} s"
            )
        left = row["left_by"]
        known = back.get(left["version"]) if left and left["sealed"] else None
        if left and left["sealed"] and (known is None or known.content["at"] != left["at"]):
            faults.add("kills.json", f"how the stop as r{number} ended is not what the record says")
    for number, event in told.items():
        faults.add("kills.json", f"the stop as r{number}, of event {event.seq}, is missing")
