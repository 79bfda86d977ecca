"""What stood behind one decision: its version, who had allowed that, and what another version would decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from audit.models import Event
from routing.engine import describe
from routing.engine.decision import Decision as Decided
from routing.engine.validation import InvalidDocument
from routing.models import Decision, State
from usecases import change_evidence
from usecases.models import Approval, Change, Override, UseCase, Version

# What brings a document; the other kinds go on with the one that stood.
BRINGS = ("created", "change", "revert", "baseline", "override", "override_end")


@dataclass(frozen=True, slots=True)
class Judged:
    """A change that went live, what reviewers said of it before, in order, and on which evidence."""

    change: Change

    @property
    def approvals(self) -> list[Approval]:
        return list(self.change.approvals.all())

    @property
    def evidence(self) -> str:
        """The digest of the evidence that was frozen into the change."""
        return change_evidence.fingerprint(self.change.evidence) if self.change.evidence else ""


@dataclass(frozen=True)
class Allowed:
    """Who had allowed what a version says. `version`: None where it is not known here."""

    use_case: UseCase
    version: Version | None

    @cached_property
    def origin(self) -> Version | None:
        """The version that brought the document: the same one, or one before a kill, a restore, a new message."""
        if self.version is None or self.version.kind in BRINGS:
            return self.version
        rows = Version.objects.filter(
            use_case=self.use_case, number__lte=self.version.number, kind__in=BRINGS
        )
        return rows.order_by("-number").first()

    @cached_property
    def changes(self) -> list[Judged]:
        """The change that made that version, and the one by which a safe state was left with it; none is needed."""
        numbers = {one.number for one in (self.version, self.origin) if one}
        rows = Change.objects.filter(use_case=self.use_case, version__in=numbers).order_by("version")
        return [Judged(row) for row in rows.select_related("author").prefetch_related("approvals__person")]

    @cached_property
    def override(self) -> Override | None:
        if self.origin is None:
            return None
        rows = Override.objects.filter(use_case=self.use_case, version=self.origin.number)
        return rows.select_related("person").first()

    @cached_property
    def event(self) -> Event | None:
        """The event that the version was recorded with."""
        if self.version is None:
            return None
        rows = Event.objects.filter(use_case=self.use_case.slug, version=self.version.number)
        # Others may name the version later, such as its arrival; publishing it was the first.
        return rows.order_by("pk").first()


@dataclass(frozen=True)
class Story:
    """One decision and what stood behind it, as of then. Parts are None where there were none, or none are known."""

    use_case: UseCase
    decision: Decision

    @cached_property
    def version(self) -> Version | None:
        return Version.objects.filter(use_case=self.use_case, number=self.decision.version).first()

    @cached_property
    def allowed(self) -> Allowed:
        return Allowed(self.use_case, self.version)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """What was enforced: the document, or the baseline while the use case was on it."""
        if self.version is None:
            return {}
        on_baseline = self.decision.state == State.BASELINE or self.decision.holdout
        found: Mapping[str, Any] = self.version.baseline if on_baseline else self.version.document
        return found

    @property
    def rule(self) -> str:
        """The rule that fired, as it stood then; its id where that version has no such rule."""
        for rule in self.document.get("rules", []):
            if rule["id"] == self.decision.rule:
                return describe.rule_sentence(rule)
        return self.decision.rule

    @property
    def rule_name(self) -> str:
        names = describe.rule_names(self.document)
        return names.get(self.decision.rule, self.decision.rule)

    @property
    def band_from(self) -> float | None:
        """The confidence from which its band judged."""
        bands = self.document.get("bands", [])
        return next((band["from"] for band in bands if band["name"] == self.decision.band), None)


@dataclass(frozen=True, slots=True)
class Other:
    """What another version makes of a decision. `decided` is None where history does not tell; `why` says why."""

    version: Version
    decided: Decided | None
    rule_name: str = ""
    why: str = ""


def other(decision: Decision, version: Version) -> Other:
    """Replay one decision through another version's document, over what was recorded with it; no model is asked.

    It is replayed as if the use case were live under that version: what a safe state does is the same for everybody.
    """
    from routing.replay.building import build
    from routing.replay.replay import replay

    columns = build([_row(decision)])
    try:
        made = replay(columns, version.document, state="live", baseline=version.baseline)
    except InvalidDocument:
        return Other(version, None, why="That version was written under rules that are no longer read.")
    found = made.row(0)
    if found is None:
        why = "It would have asked a model whose answer nobody has, or needs a signal that was not recorded."
        return Other(version, None, why=why)
    names = describe.rule_names(version.document)
    return Other(version, found, rule_name=names.get(found.rule, found.rule) if found.rule else "")


def _row(decision: Decision) -> dict[str, Any]:
    """Return a stored decision as a record for a replay."""
    names = ("request_id", "at", "attributes", "model", "tried", "confidence", "signal", "action")
    more = ("audited", "audit_share", "holdout", "signals")
    return {"id": str(decision.pk), **{name: getattr(decision, name) for name in (*names, *more)}}
