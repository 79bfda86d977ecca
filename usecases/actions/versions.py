"""Publish changes of a use case, and take them back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from routing.engine import describe, diff
from routing.engine.validation import faults
from routing.models import State
from usecases import judging, permissions
from usecases.checks import Findings
from usecases.gates import Gate
from usecases.models import UseCase, Version
from usecases.publishing import (
    Content,
    NeedsApproval,
    Refused,
    Stale,
    Story,
    Unfit,
    latest,
    lock_with_limits,
    publish,
)
from usecases.subjects import NEEDS

REASON_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a document would do: every difference, every gate, in the words of the record."""

    version: int
    sentence: str
    differences: list[diff.Difference]
    findings: Findings

    @property
    def gates(self) -> list[Gate]:
        return list(self.findings.judged)

    @property
    def applies(self) -> bool:
        """Say whether one person may apply it by themselves, now."""
        return self.findings.passes


def plan(
    *, use_case: UseCase, document: dict[str, Any], standing: Version, baseline: Any = None, by: Any = None
) -> Plan:
    """Return what applying `document` over the standing version would do, by somebody. Raises `InvalidDocument`."""
    findings = judging.document(use_case, document, standing, baseline, by)
    found = faults(document)
    if baseline is not None:
        found += [type(f)(f"baseline.{f.path}", f.message) for f in faults(baseline, baseline=True)]
    if found:
        raise Unfit(found, findings.checks)
    changes = diff.changes(standing.document, document)
    return Plan(
        version=standing.number + 1,
        sentence=summary(changes, describe.rule_names(document, standing.document)),
        differences=changes,
        findings=findings,
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
    Raises `Forbidden`, `Stale`, `InvalidDocument`, `Refused` (outside the guardrails: every gate that is shut),
    `NeedsApproval` past the lane, where guardrails ask for approvals.
    """
    permissions.check(by, "tune", use_case)
    use_case = lock_with_limits(use_case)
    standing = latest(use_case)
    if expected_version is not None and expected_version != standing.number:
        raise Stale(standing)
    check_reason(reason)
    planned = plan(use_case=use_case, document=document, standing=standing, baseline=baseline, by=by)
    content = content_of(standing, document, baseline, message)
    if content.same_as(Content.of(standing)):
        return standing
    refuse_shut(planned.findings)
    return put_live(use_case, standing, content, planned, by=by, reason=reason)


def content_of(
    standing: Version, document: dict[str, Any], baseline: dict[str, Any] | None, message: str | None
) -> Content:
    """Return what applying would publish: what is not said stays as it stands."""
    return Content(
        standing.state,
        document,
        standing.baseline if baseline is None else baseline,
        standing.message if message is None else message.strip(),
    )


def told(standing: Version, content: Content, planned: Plan) -> str:
    """Return one sentence for all that a change does: to document, baseline and message."""
    words = [planned.sentence] if planned.sentence else []
    for part, word in (("baseline", "Baseline edited"), ("message", "Message on baseline edited")):
        if getattr(standing, part) != getattr(content, part):
            words.append(word)
    return "; ".join(words)


def put_live(
    use_case: UseCase, standing: Version, content: Content, planned: Plan, *, by: User, reason: str
) -> Version:
    """Publish what was planned; the caller has judged it, and holds the lock and the transaction."""
    later = " It takes effect when the use case is restored." if standing.state != State.LIVE else ""
    old = {change.path: change.old for change in planned.differences}
    new = {change.path: change.new for change in planned.differences}
    for part in ("baseline", "message"):
        if getattr(standing, part) != getattr(content, part):
            old[part], new[part] = getattr(standing, part), getattr(content, part)
    story = Story(
        kind="change" if planned.differences else "baseline",
        event="version.applied",
        sentence=told(standing, content, planned) + "." + later,
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
    use_case = lock_with_limits(use_case)
    standing = latest(use_case)
    if expected_version is not None and expected_version != standing.number:
        raise Stale(standing)
    old = Version.objects.filter(use_case=use_case, number=to).first()
    if old is None:
        raise Refused(f"There is no r{to}; the newest is r{standing.number}.")
    planned = plan(use_case=use_case, document=old.document, standing=standing, by=by)
    if not planned.differences:
        return standing
    refuse_shut(planned.findings)
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


def refuse_shut(found: Findings) -> None:
    """Refuse with every gate that does not pass, never only the first.

    Raises `Refused` where nobody may, or not now, and `NeedsApproval` where others have to agree.
    """
    if found.passes:
        return
    refuse_forbidden(found)
    if any(one.status == NEEDS for one in found.open):
        closed = [gate for gate in found.judged if not gate.passes]
        errors = [{"path": gate.path, "message": gate.message} for gate in closed]
        words = "Outside the guardrails: " + " ".join(gate.message for gate in closed)
        if not closed:  # past what held before the same person set the limits
            errors = [{"path": one.key, "message": one.evidence} for one in found.open if one.status == NEEDS]
            words = " ".join(one["message"] for one in errors)
        raise NeedsApproval(words, errors, found.checks)
    held = [{"path": one.key, "message": f"{one.name}: {one.evidence} {one.clear}"} for one in found.open]
    # Evidence is taken when a change is submitted; a freeze is waited for.
    refusal = NeedsApproval if any(one.key in ("evidence", "certificate") for one in found.open) else Refused
    raise refusal(" ".join(item["message"] for item in held), held, found.checks)


def refuse_forbidden(found: Findings) -> None:
    """Refuse what nobody may publish, whoever agrees; told together with what others would have to agree to."""
    closed = [gate for gate in found.judged if not gate.passes]
    if any(gate.status == "shut" for gate in closed):
        errors = [{"path": gate.path, "message": gate.message} for gate in closed]
        words = "Outside the guardrails: " + " ".join(gate.message for gate in closed)
        raise Refused(words, errors, found.checks)


def check_reason(reason: str) -> None:
    """Refuse a reason nobody would read."""
    if len(reason) > REASON_LIMIT:
        words = f"The reason has {len(reason)} characters; {REASON_LIMIT} at most."
        raise Refused(words, [{"path": "reason", "message": words}])
