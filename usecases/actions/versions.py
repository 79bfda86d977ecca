"""Publish changes of a use case, and take them back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from routing.engine import describe, diff
from routing.engine.validation import InvalidDocument, faults
from routing.models import State
from usecases import permissions
from usecases.gates import Gate, gates
from usecases.models import UseCase, Version
from usecases.publishing import Content, Refused, Stale, Story, latest, lock, publish

REASON_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a document would do: every difference, every gate, in the words of the record."""

    version: int
    sentence: str
    differences: list[diff.Difference]
    gates: list[Gate]

    @property
    def refused(self) -> list[Gate]:
        return [gate for gate in self.gates if not gate.passes]


def plan(*, use_case: UseCase, document: dict[str, Any], standing: Version, baseline: Any = None) -> Plan:
    """Return what applying `document` over the standing version would do. Raises `InvalidDocument`."""
    found = faults(document)
    if baseline is not None:
        found += [type(f)(f"baseline.{f.path}", f.message) for f in faults(baseline, baseline=True)]
    if found:
        raise InvalidDocument(found)
    changes = diff.changes(standing.document, document)
    return Plan(
        version=standing.number + 1,
        sentence=summary(changes, describe.rule_names(document, standing.document)),
        differences=changes,
        gates=gates(use_case.guardrail.as_dict(), standing.document, document),
    )


def summary(changes: list[diff.Difference], names: Mapping[str, str], most: int = 3) -> str:
    """Return one sentence for a set of differences, naming the first few; `names` are those of rules, by id."""
    told = [describe.difference_sentence(change, names) for change in changes]
    rest = len(told) - most
    return "; ".join(told[:most]) + (f"; and {rest} more" if rest > 0 else "")


@transaction.atomic
def apply(
    *,
    use_case: UseCase,
    document: dict[str, Any],
    by: User,
    reason: str = "",
    expected_version: int | None = None,
    baseline: dict[str, Any] | None = None,
    message: str | None = None,
) -> Version:
    """Make a document the one that assistants enforce; returns the standing version if nothing changes.

    In a safe state the state stays: the document takes effect when the use case is restored.
    Raises `Forbidden`, `Stale`, `InvalidDocument`, `Refused` (outside the guardrails: every gate that is shut).
    """
    permissions.check(by, "tune", use_case)
    standing = latest(lock(use_case))
    if expected_version is not None and expected_version != standing.number:
        raise Stale(standing)
    check_reason(reason)
    planned = plan(use_case=use_case, document=document, standing=standing, baseline=baseline)
    content = Content(
        standing.state,
        document,
        standing.baseline if baseline is None else baseline,
        standing.message if message is None else message.strip(),
    )
    if content.same_as(Content.of(standing)):
        return standing
    refuse_shut(planned.gates)
    return _publish_change(use_case, standing, content, planned, by=by, reason=reason)


def _publish_change(
    use_case: UseCase, standing: Version, content: Content, planned: Plan, *, by: User, reason: str
) -> Version:
    later = " It takes effect when the use case is restored." if standing.state != State.LIVE else ""
    old = {change.path: change.old for change in planned.differences}
    new = {change.path: change.new for change in planned.differences}
    words = [planned.sentence] if planned.sentence else []
    for part, word in (("baseline", "Baseline edited"), ("message", "Message on baseline edited")):
        if getattr(standing, part) != getattr(content, part):
            old[part], new[part] = getattr(standing, part), getattr(content, part)
            words.append(word)
    story = Story(
        kind="change" if planned.differences else "baseline",
        event="version.applied",
        sentence="; ".join(words) + "." + later,
        reason=reason.strip(),
        returns_to=planned.version if standing.state != State.LIVE else None,
        old=old,
        new=new,
    )
    return publish(use_case=use_case, content=content, story=story, by=by, number=planned.version)


@transaction.atomic
def revert(
    *, use_case: UseCase, to: int, by: User, reason: str = "", expected_version: int | None = None
) -> Version:
    """Publish the document of an older version as a new one. Raises as `apply`, and `Refused` for an unknown number."""
    permissions.check(by, "tune", use_case)
    standing = latest(lock(use_case))
    if expected_version is not None and expected_version != standing.number:
        raise Stale(standing)
    old = Version.objects.filter(use_case=use_case, number=to).first()
    if old is None:
        raise Refused(f"There is no r{to}; the newest is r{standing.number}.")
    planned = plan(use_case=use_case, document=old.document, standing=standing)
    if not planned.differences:
        return standing
    refuse_shut(planned.gates)
    content = Content(standing.state, old.document, standing.baseline, standing.message)
    story = Story(
        kind="revert",
        event="version.reverted",
        sentence=f"Back to r{to}: {planned.sentence}.",
        reason=reason.strip(),
        returns_to=planned.version if standing.state != State.LIVE else None,
        old={change.path: change.old for change in planned.differences},
        new={change.path: change.new for change in planned.differences},
    )
    return publish(use_case=use_case, content=content, story=story, by=by, number=planned.version)


def refuse_shut(found: list[Gate]) -> None:
    """Refuse with every gate that does not pass, never only the first."""
    closed = [gate for gate in found if not gate.passes]
    if closed:
        errors = [{"path": gate.path, "message": gate.message} for gate in closed]
        raise Refused("Outside the guardrails: " + " ".join(gate.message for gate in closed), errors)


def check_reason(reason: str) -> None:
    """Refuse a reason nobody would read."""
    if len(reason) > REASON_LIMIT:
        words = f"The reason has {len(reason)} characters; {REASON_LIMIT} at most."
        raise Refused(words, [{"path": "reason", "message": words}])
