"""The form of what changes past the lane need: approvals, by whom, evidence, freezes and quiet hours; of where models
may be asked, and of which golden set has to come out. Never saves.

Freezes and quiet hours are typed one a line: `2026-12-20 00:00 to 2027-01-02 00:00 Year's end`, and
`sat sun 00:00 to 24:00`. So are endpoints, and regions of models: `eu.example.com: eu`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from usecases import term_words, terms
from usecases.record import moment
from usecases.strictest import sets_of

MARK = "terms"
NUMBERS = (
    ("approvals", "Approvals past the lane", "0 to 5; nobody approves their own change"),
    ("approvals_to_restore", "Approvals to leave a safe state", "0 to 5; stopping never needs one"),
    ("expire_days", "Unanswered changes expire after days", "1 to 90"),
    ("evidence_hours", "A what-if counts for hours", "1 to 2160"),
)
FLAGS = (
    ("evidence_needed", "A what-if on the same content is needed past the lane"),
    ("certificate_needed", "A certificate that covers the change is needed past the lane"),
    ("one_pager_needed", "A complete one-pager is needed to go live, whatever the change"),
)
_FREEZE = re.compile(r"(\S+(?: \d\d:\d\d)?) to (\S+(?: \d\d:\d\d)?)(?: (.*))?")
_SPAN = re.compile(r"((?:\w{3}[ ,]+)+)(\d\d:\d\d) to (\d\d:\d\d)")


# Where the form asks for what a fault of the terms is about, by the longest beginning of its path.
FIELDS = {
    "approvers.groups": "groups",
    "approvers.people": "people",
    "approvers": "groups",
    "quiet_hours.zone": "zone",
    "quiet_hours": "hours",
    "golden_set.at_least": "golden_score",
    "golden_set": "golden_name",
}
LABELS = {key: label for key, label, _ in NUMBERS} | {
    "groups": "Groups who may approve",
    "people": "People who may approve",
    "golden_name": "Golden set that has to come out",
    "golden_score": "Share of its cases as expected",
    "freezes": "Freezes",
    "hours": "Quiet hours",
    "zone": "Time zone of the quiet hours",
    "endpoints": "Approved endpoints",
    "regions": "Regions where models may be",
    "model_regions": "Where models are",
    "models": "Approved models",
}


class TermForm:
    """What was typed, read into the terms that the action takes; without the form's mark nothing was said.

    What is wrong stands in `faults` by its field. `partial`: a shared lane's, which asks only for what it says: a field
    that is left empty is not said.
    """

    def __init__(
        self, held: Mapping[str, Any], data: Mapping[str, str] | None, *, partial: bool = False
    ) -> None:
        self.partial = partial
        self.own = held
        self.held = terms.complete(held)
        self.said = data is not None and MARK in data
        self.data = data if data is not None and self.said else self._typed()
        self.faults: dict[str, list[str]] = {}

    def _fault(self, key: str, words: str) -> None:
        self.faults.setdefault(key, []).append(words)

    def add_errors(self, errors: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
        """Put what the action refused beside the field it is about; return what is about none.

        A field that could not be read has its fault already.
        """
        others, told = [], set(self.faults)
        for error in errors:
            path = re.sub(r"\[\d+\]", "", error["path"].removeprefix("guardrails."))
            key = next(
                (field for part, field in FIELDS.items() if path.startswith(part)), path.partition(".")[0]
            )
            if key not in LABELS:
                others.append(error)
            if key in told or key not in LABELS:
                continue
            # The words name the path for programs; beside the field that says nothing.
            bare = re.sub(r"^“[^”]*” ", "", error["message"])
            self._fault(key, bare[:1].upper() + bare[1:])
        return others

    @property
    def faulty_labels(self) -> list[str]:
        return [LABELS[key] for key in self.faults]

    def _typed(self) -> dict[str, str]:
        held, named, quiet = self.held, self.held["approvers"], self.held["quiet_hours"]
        said = self.own if self.partial else held
        typed = {key: str(said.get(key, "")) for key, _, _ in NUMBERS}
        typed |= {key: "on" for key, _ in FLAGS if held[key]}
        typed["groups"], typed["people"] = (", ".join(named.get(key) or []) for key in ("groups", "people"))
        typed["freezes"] = "\n".join(term_words.typed_freeze(freeze) for freeze in held["freezes"])
        typed["zone"] = str(quiet.get("zone", "UTC"))
        typed["hours"] = "\n".join(term_words.typed_span(span) for span in quiet.get("hours", []))
        typed["endpoints"] = "\n".join(held["endpoints"])
        typed["regions"] = ", ".join(held["regions"])
        typed["model_regions"] = "\n".join(f"{key}: {value}" for key, value in held["model_regions"].items())
        wanted = held["golden_set"] or {}
        typed["golden_name"] = wanted.get("name", "")
        typed["golden_score"] = f"{wanted['at_least']:g}" if wanted else ""
        return typed

    @property
    def numbers(self) -> list[dict[str, Any]]:
        return [
            {
                "key": key,
                "label": label,
                "hint": hint,
                "value": self.data.get(key, ""),
                "faults": self.faults.get(key),
            }
            for key, label, hint in NUMBERS
        ]

    @property
    def flags(self) -> list[dict[str, Any]]:
        return [{"key": key, "label": label, "on": bool(self.data.get(key))} for key, label in FLAGS]

    @property
    def values(self) -> dict[str, Any] | None:
        """Return the terms as typed, keeping what cannot be read in `faults`; None where nothing was said."""
        if not self.said:
            return None
        typed: dict[str, Any] = {key: _number(self.data.get(key, "")) for key, _, _ in NUMBERS}
        typed |= {key: bool(self.data.get(key)) for key, _ in FLAGS}
        typed["approvers"] = {key: _names(self.data.get(key, "")) for key in ("groups", "people")}
        typed["freezes"] = [self._freeze(line) for line in _lines(self.data.get("freezes", ""))]
        hours = [self._span(line) for line in _lines(self.data.get("hours", ""))]
        typed["quiet_hours"] = {"zone": self.data.get("zone", "").strip() or "UTC", "hours": hours}
        typed["endpoints"] = _lines(self.data.get("endpoints", ""))
        typed["regions"] = _names(self.data.get("regions", ""))
        typed["model_regions"] = dict(
            self._region(line) for line in _lines(self.data.get("model_regions", ""))
        )
        typed["golden_set"] = self._golden()
        return self._said(typed) if self.partial else typed

    def _said(self, typed: dict[str, Any]) -> dict[str, Any]:
        """Leave out what a shared lane does not say."""
        numbers = {key for key, _, _ in NUMBERS}
        return {
            key: value
            for key, value in typed.items()
            if (value != "" if key in numbers else value != terms.USUAL[key]) and not self._empty(key, value)
        }

    def _empty(self, key: str, value: Any) -> bool:
        return key == "quiet_hours" and not value["hours"]

    def _region(self, line: str) -> tuple[str, str]:
        name, colon, region = (part.strip() for part in line.rpartition(":"))
        if not (name and colon and region):
            self._fault("model_regions", f"“{line}” says no region. Write “eu.example.com: eu”.")
        return name, region

    def _golden(self) -> dict[str, Any] | None:
        name, score = (self.data.get(key, "").strip() for key in ("golden_name", "golden_score"))
        if not name and not score:
            return None
        try:
            return {"name": name, "at_least": float(score.replace(",", "."))}
        except ValueError:
            self._fault("golden_score", "The golden set needs a score such as 0.95.")
            return None

    def _freeze(self, line: str) -> dict[str, str]:
        # What stands there untouched stays to the second, and the same at an hour that comes twice.
        for held in self.held["freezes"]:
            if line == term_words.typed_freeze(held):
                return dict(held)
        found = _FREEZE.fullmatch(line)
        ends = [moment(text) for text in found.groups()[:2]] if found else [None]
        if found is None or None in ends:
            words = f"“{line}” is no freeze. Write “2026-12-20 00:00 to 2027-01-02 00:00 Year's end”."
            self._fault("freezes", words)
            return {}
        since, until = (end.isoformat(timespec="minutes") for end in ends if end)
        return {"from": since, "until": until, "reason": found[3] or ""}

    def _span(self, line: str) -> dict[str, Any]:
        found = _SPAN.fullmatch(line)
        if found is None:
            self._fault("hours", f"“{line}” is no quiet time. Write “sat sun 00:00 to 24:00”.")
            return {}
        return {"days": re.split(r"[ ,]+", found[1].lower().strip(" ,")), "from": found[2], "until": found[3]}

    def words(self) -> list[str]:
        """Say what holds, for those who may not set it."""
        held, named = self.held, self.held["approvers"]
        who = [*(f"group {name}" for name in named.get("groups") or []), *(named.get("people") or [])]
        by = ", ".join(who) or "anybody who may approve"
        told = {
            "approvals": f"Past the lane: {_plural(held['approvals'], 'approval')}, by {by} but its author.",
            "approvals_to_restore": (
                f"Leaving a safe state: {_plural(held['approvals_to_restore'], 'approval')}."
            ),
            "expire_days": f"Unanswered changes expire after {_plural(held['expire_days'], 'day')}.",
        }
        said = [words for key, words in told.items() if not self.partial or key in self.own]
        said += [f"Approved by {by}."] if self.partial and who and "approvals" not in self.own else []
        said += [f"{label}." for key, label in FLAGS if held[key]]
        typed = self._typed()
        said += self._places()
        said += [f"Frozen {term_words.freeze(one)}." for one in held["freezes"]]
        return said + [f"Quiet {line} ({typed['zone']})." for line in _lines(typed["hours"])]

    def _places(self) -> list[str]:
        """Say where models may be asked, and which golden set has to come out."""
        held = self.held
        said = [f"Models are asked at {', '.join(held['endpoints'])}."] if held["endpoints"] else []
        said += [f"Models are in {', '.join(held['regions'])}."] if held["regions"] else []
        said += [f"“{name}” is in {region}." for name, region in held["model_regions"].items()]
        return said + [f"Golden set {term_words.golden_set(one)}." for one in sets_of(held)]


def _plural(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'s' * (count != 1)}"


def _number(text: str) -> Any:
    return int(text) if text.strip().isdecimal() and len(text.strip()) < 6 else text


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
