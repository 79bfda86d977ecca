"""What a person is working on, as the three pages of a draft show it: live beside draft, faults by field, gates."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from routing.engine import describe, diff, knobs
from routing.engine.validation import Fault, faults
from usecases import checks, judging, lanes, permissions, selectors, strictest
from usecases.actions import drafts
from usecases.editing import mark
from usecases.fields import LISTS, is_number, show
from usecases.gates import Gate
from usecases.models import Change as DbChange
from usecases.models import Draft, Guardrail, UseCase, Version
from usecases.publishing import latest
from usecases.subjects import Check, Subject

Document = dict[str, Any]
ALSO_EDITING = timedelta(minutes=30)
TABS = {"tune": "tune", "models": "models", "escalation": "escalation"}
_PARTS = {
    "tune": ("bands", "thresholds", "rules"),
    "models": ("models", "ladder", "confidence", "pins"),
    "escalation": ("queues", "messages", "lease"),
}
_TAB_OF = {part: tab for tab, parts in _PARTS.items() for part in parts}
_INDEX = re.compile(r"\[(\d+)\]")


def dotted(path: str) -> str:
    """Write a fault's path as fields write theirs: `bands[1].from` is `bands.1.from`."""
    return _INDEX.sub(r".\1", path)


def anchor(path: str) -> str:
    """Return the id of a field's element."""
    return "f-" + re.sub(r"[^a-zA-Z0-9]+", "-", dotted(path)).strip("-")


@dataclass(frozen=True, slots=True)
class Shown:
    """One field: what stands in it, what is live, and what is wrong with it."""

    path: str
    value: Any
    text: str
    live: Any
    live_text: str
    faults: tuple[str, ...] = ()
    known: bool = True

    @property
    def id(self) -> str:
        return anchor(self.path)

    @property
    def changed(self) -> bool:
        return self.known and self.value != self.live


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of the draft against live, with the gate that judges it."""

    path: str
    sentence: str
    old: Any
    new: Any
    gate: Gate | None = None

    @property
    def old_json(self) -> str:
        return json.dumps(describe.without_points(self.old), ensure_ascii=False)

    @property
    def new_json(self) -> str:
        return json.dumps(describe.without_points(self.new), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class FaultLink:
    """A fault with the address of the field that clears it."""

    path: str
    message: str
    tab: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody else who has changes of the same use case on their desk."""

    name: str
    at: Any


@dataclass
class Work:
    """Everything the pages of a draft show. Reads once, decides nothing that an action does not check again."""

    use_case: UseCase
    by: User
    standing: Version
    draft: Draft | None = None
    base: Version = field(init=False)
    may_tune: bool = field(init=False)

    def __post_init__(self) -> None:
        self.may_tune = permissions.can(self.by, "tune", self.use_case)
        self.base = self.standing
        if self.draft and self.draft.base_version != self.standing.number:
            self.base = Version.objects.get(use_case=self.use_case, number=self.draft.base_version)

    @cached_property
    def guardrail(self) -> Guardrail:
        return self.use_case.guardrail

    @cached_property
    def parts(self) -> list[strictest.Part]:
        """The use case's own guardrails and those of the shared lanes that it names."""
        return lanes.parts_of(self.guardrail)

    @cached_property
    def bounds(self) -> dict[str, Any]:
        """The guardrails that hold: of all parts the strictest."""
        return lanes.strict(self.parts)

    def bound(self, path: str) -> dict[str, Any]:
        """Return what holds for one knob; empty where nobody bounds it."""
        found: dict[str, Any] = (self.bounds.get("knobs") or {}).get(path) or {}
        return found

    def said(self, path: str) -> list[str]:
        """Say what each part says of a knob, who set it, and why."""
        return lanes.words(strictest.said_of(self.parts, path), path, self._authors)

    @cached_property
    def _authors(self) -> dict[tuple[str, str], str]:
        return lanes.authors(self.guardrail, self.parts)

    def _said_under(self, part: str) -> list[str]:
        paths = [path for path in self.bounds.get("knobs") or {} if path.startswith(f"{part}.")]
        return [f"{knobs.label(path)}: {words}" for path in paths for words in self.said(path)]

    @property
    def said_of_rules(self) -> list[str]:
        """What is said of the answer thresholds of rules."""
        return self._said_under("rules")

    @property
    def said_of_ladder(self) -> list[str]:
        """What is said of where answers stand on the ladder."""
        return self._said_under("ladder")

    @property
    def live(self) -> Document:
        document: Document = self.standing.document
        return document

    @cached_property
    def document(self) -> Document:
        """The draft; where nothing of it is changed, what is live now, also after somebody else's publication."""
        if self.draft is None or self.draft.document == self.base.document:
            return self.live
        document: Document = self.draft.document
        return document

    @cached_property
    def stale(self) -> bool:
        """Somebody else published other content since the draft was begun."""
        return self.changed and self.base.document != self.standing.document

    @property
    def compared(self) -> Document:
        """What the draft is compared with: live, or what it was begun from while it is not carried over."""
        document: Document = self.base.document if self.stale else self.standing.document
        return document

    @cached_property
    def faults(self) -> list[Fault]:
        return faults(self.document)

    @cached_property
    def fault_map(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for fault in self.faults:
            path = dotted(fault.path)
            found[path] = (*found.get(path, ()), fault.message)
        return found

    @cached_property
    def fault_links(self) -> list[FaultLink]:
        return [self._link(fault) for fault in self.faults]

    def _link(self, fault: Fault) -> FaultLink:
        path = dotted(fault.path)
        part, _, rest = path.partition(".")
        # A rule is mended in its own row; a list that is wrong as a whole is mended in its card.
        place = f"rules.{rest.partition('.')[0]}" if part == "rules" and rest else path
        return FaultLink(fault.path, fault.message, _TAB_OF.get(part, "tune"), anchor(place))

    @cached_property
    def findings(self) -> checks.Findings:
        """Every gate that applying the draft would meet."""
        grounds = judging.grounds(self.use_case, self.document, timezone.now(), self.by)
        subject = Subject(live=self.live, draft=self.document, **grounds)
        return checks.check(subject)

    @property
    def gates(self) -> list[Gate]:
        return list(self.findings.judged)

    @property
    def waits(self) -> list[Check]:
        """What else keeps it from being applied now, such as a freeze; nothing while it changes nothing."""
        told = ("schema", *checks.SETTINGS, "approvals")
        return [
            one
            for one in self.findings.open
            if one.key not in told and not one.key.startswith(("lane:", "step:"))
        ]

    @property
    def shut(self) -> list[Gate]:
        return [gate for gate in self.gates if gate.status == "shut"]

    @cached_property
    def changes(self) -> list[Change]:
        if self.document == self.compared:
            return []
        judged = by_path(self.gates)
        names = describe.rule_names(self.document, self.compared)
        return [
            Change(
                d.path,
                describe.difference_sentence(d, names),
                d.old,
                d.new,
                judged.get(d.path) if _fits(d.new) else None,
            )
            for d in diff.changes(self.compared, self.document)
        ]

    @property
    def other_gates(self) -> list[Gate]:
        """Gates that do not pass and belong to no single change, such as a model that is not approved."""
        told = {change.path for change in self.changes}
        return [gate for gate in self.gates if not gate.passes and gate.path not in told]

    @cached_property
    def changed(self) -> bool:
        return self.draft is not None and self.draft.document != self.base.document

    @property
    def can_apply(self) -> bool:
        return self.submittable and self.findings.passes and not self.amends

    @property
    def submittable(self) -> bool:
        return self.changed and not (self.faults or self.stale or self.shut)

    @property
    def can_submit(self) -> bool:
        return self.submittable and not self.can_apply

    @cached_property
    def amends(self) -> DbChange | None:
        """The change that this draft works over, while it can still be amended."""
        row = self.draft.amends if self.draft else None
        return row if row is not None and row.living else None

    @cached_property
    def steps(self) -> tuple[str | None, str | None]:
        """What undo would take back and redo would bring again, in words; None where there is nothing."""
        return drafts.neighbours(self.draft) if self.draft else (None, None)

    @cached_property
    def delivery(self) -> selectors.Delivery:
        return selectors.deliveries([self.use_case.slug])[self.use_case.slug]

    @cached_property
    def colleagues(self) -> list[Colleague]:
        """Who else changed something here lately and has not applied it."""
        rows = (
            Draft.objects.filter(use_case=self.use_case, updated_at__gte=timezone.now() - ALSO_EDITING)
            .exclude(author=self.by)
            .select_related("author")
            .order_by("-updated_at")
        )
        return [
            Colleague(row.author.get_username(), row.updated_at) for row in rows if drafts.is_changed(row)
        ]

    @property
    def marks(self) -> dict[str, str]:
        """What the page counts its lists by; an edit from an older page is refused by it."""
        return {part: mark(self.document, part) for part in LISTS}

    def shown(self, path: str, value: Any, live: Any, *, known: bool = True) -> Shown:
        """Return a field; `known` is false for a part that live does not have, which is new as a whole."""
        return Shown(
            path, value, show(path, value), live, show(path, live), self.fault_map.get(path, ()), known=known
        )

    def faults_under(self, path: str) -> list[str]:
        """Return the faults of a part, such as one rule, and of all that is in it."""
        return [
            message
            for place, messages in self.fault_map.items()
            if place == path or place.startswith(f"{path}.")
            for message in messages
        ]


def by_path(gates: Iterable[Gate]) -> dict[str, Gate]:
    """Return one gate a path: the worst, with the words of all that do not pass."""
    worst = ("open", "lane", "shut")
    found: dict[str, Gate] = {}
    for gate in gates:
        known = found.get(gate.path)
        if known is None or (known.passes and not gate.passes):
            found[gate.path] = gate
        elif not gate.passes:
            status = max(known.status, gate.status, key=worst.index)
            found[gate.path] = Gate(gate.path, status, f"{known.message} {gate.message}")
    return found


def _fits(value: Any) -> bool:
    """Say whether a gate can judge a value: what is no number yet is a fault, and is told as one."""
    return value is None or is_number(value)


def work_for(use_case: UseCase, by: User) -> Work:
    """Read what a person has on their desk for a use case; reading begins no draft."""
    draft = Draft.objects.filter(use_case=use_case, author=by).first()
    return Work(use_case, by, latest(use_case), draft)


def listed(document: Mapping[str, Any], part: str) -> list[dict[str, Any]]:
    """Return the well-formed entries of a list; an edit never makes others."""
    items = document.get(part)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def mapped(document: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return a part that is a group of settings, empty where there is none."""
    found = document.get(part)
    return found if isinstance(found, dict) else {}


def by_key(document: Mapping[str, Any], part: str, key: str = "name") -> dict[Any, dict[str, Any]]:
    """Return the entries of a list by their name."""
    return {item.get(key): item for item in listed(document, part)}
