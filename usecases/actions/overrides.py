"""Emergency overrides: past the lane at once and without approvals, for a time. They end by themselves.

Never past a hard limit. Granted by who holds both rights that it spans, to tune and to approve, and looked at
afterwards by somebody else.
"""

from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from audit import log
from routing.engine import diff
from routing.engine.digest import digest
from routing.models import State
from usecases import lanes, overriding, permissions
from usecases.actions import versions
from usecases.gates import gates
from usecases.models import Override, UseCase, Version
from usecases.publishing import Content, Refused, Stale, Story, latest, lock_with_limits, publish

MOST_HOURS: Final = 8
USUAL_HOURS: Final = 1
CLOCK: Final = log.System("override")


@transaction.atomic
def override(
    *,
    use_case: UseCase,
    document: dict[str, Any],
    by: User,
    hours: float = USUAL_HOURS,
    reason: str,
    expected_version: int | None = None,
) -> Override:
    """Make a document live past the lane until its time is over; the override in force where it says the same.

    Raises `Forbidden`, `Stale`, `InvalidDocument`, `Refused`: no reason, too long, one in force already, nothing
    changes, or outside a hard limit.
    """
    permissions.check(by, "tune", use_case)
    permissions.check(by, "approve", use_case)
    use_case = lock_with_limits(use_case)
    standing = latest(use_case)
    known = overriding.in_force(use_case)
    if known is not None and digest(document) == digest(standing.document) and known.person_id == by.pk:
        return known
    if expected_version is not None and expected_version != standing.number:
        raise Stale(standing)
    _check(hours, reason, known)
    planned = versions.plan(use_case=use_case, document=document, standing=standing)
    if not planned.differences:
        raise Refused(f"Nothing changes: r{standing.number} says the same.")
    versions.refuse_forbidden(planned.findings)
    ends = timezone.now() + timedelta(hours=hours)
    story = Story(
        kind="override",
        event="override.began",
        sentence=f"Override until {ends:%-d %b %H:%M} UTC: {planned.sentence}.",
        reason=reason.strip(),
        returns_to=planned.version if standing.state != State.LIVE else None,
        old={change.path: change.old for change in planned.differences},
        new={change.path: change.new for change in planned.differences},
    )
    content = Content(standing.state, document, standing.baseline, standing.message)
    version = publish(use_case=use_case, content=content, story=story, by=by, number=planned.version)
    return Override.objects.create(
        use_case=use_case,
        version=version.number,
        returns_to=standing.number,
        person=by,
        reason=reason.strip(),
        ends_at=ends,
    )


def _check(hours: float, reason: str, known: Override | None) -> None:
    versions.check_reason(reason)
    errors = []
    if not reason.strip():
        errors.append({"path": "reason", "message": "Say why: somebody else will look at it."})
    if not 0 < hours <= MOST_HOURS:
        errors.append({"path": "hours", "message": f"Choose up to {MOST_HOURS} hours."})
    if known is not None:
        until = timezone.localtime(known.ends_at)
        words = f"An override is in force until {until:%-d %b %H:%M %Z}. End it first."
        errors.append({"path": "override", "message": words})
    if errors:
        raise Refused(" ".join(error["message"] for error in errors), errors)


def end(*, override: Override, by: User, reason: str = "") -> Override:
    """End an override before its time. Raises `Forbidden`."""
    permissions.check(by, "tune", override.use_case)
    versions.check_reason(reason)
    return _end(override, by, reason.strip() or "Ended before its time")


def end_due(*, override: Override) -> Override:
    """End an override whose time is over; as it is where it is not."""
    if override.ended_at is not None or timezone.now() < override.ends_at:
        return override
    return _end(override, CLOCK, "Its time is over")


@transaction.atomic
def _end(override: Override, by: log.Person, reason: str) -> Override:
    """Return to the document before, unless something newer is live. Run twice it does nothing the second time."""
    use_case = lock_with_limits(override.use_case)
    row = Override.objects.select_for_update().get(pk=override.pk)
    if row.ended_at is not None:
        return row
    rows = Version.objects.filter(use_case=use_case, number__in=[row.version, row.returns_to])
    known = {version.number: version for version in rows}
    mine, before, standing = known[row.version], known[row.returns_to], latest(use_case)
    row.ended_at = timezone.now()
    if digest(standing.document) != digest(mine.document):
        row.outcome = _newer(use_case, row.version)
        row.save()
        log.record(kind="override.ended", sentence=row.outcome, by=by, use_case=use_case.slug, reason=reason)
        return row
    version = _return(use_case, standing, before, by=by, reason=reason)
    row.ended_version, row.outcome = version.number, version.sentence
    row.save()
    return row


def _return(use_case: UseCase, standing: Version, before: Version, *, by: log.Person, reason: str) -> Version:
    """Publish the document before the override again; the state stays, so that a kill meanwhile holds."""
    state, sentence = standing.state, f"Override ended: back to the document of r{before.number}."
    judged = gates(lanes.effective(use_case.guardrail), before.document, before.document)
    if state == State.LIVE and any(gate.status == "shut" for gate in judged):
        # Risk has tightened the limits meanwhile: neither document may be live.
        state = State.BASELINE
        sentence = f"Override ended: r{before.number} no longer keeps the limits, so sent to baseline."
    turned_back = diff.changes(standing.document, before.document)
    story = Story(
        kind="override_end",
        event="override.ended",
        sentence=sentence,
        reason=reason,
        returns_to=None if state == State.LIVE else standing.number + 1,
        old={"version": standing.number} | {change.path: change.old for change in turned_back},
        new={"version": before.number, "state": state} | {change.path: change.new for change in turned_back},
    )
    content = Content(state, before.document, standing.baseline, standing.message)
    return publish(use_case=use_case, content=content, story=story, by=by, number=standing.number + 1)


def _newer(use_case: UseCase, than: int) -> str:
    newer = Version.objects.filter(use_case=use_case, number__gt=than).order_by("number")
    told = "; ".join(f"r{one.number} by {one.created_by}: {one.sentence}" for one in newer[:10])
    return f"Override ended. Left as it is, since something newer was published meanwhile: {told}"


@transaction.atomic
def review(*, override: Override, by: User, reason: str = "") -> Override:
    """Look at an override afterwards: by somebody else who may approve. Looked at once is enough."""
    permissions.check(by, "approve", override.use_case)
    versions.check_reason(reason)
    row = Override.objects.select_for_update().get(pk=override.pk)
    if row.person_id == by.pk:
        raise permissions.Forbidden("Somebody else has to look at your override.")
    if not permissions.can(by, "approve", row.use_case, not_from=row.person):
        raise permissions.Forbidden("Somebody has to look at it whose right was not lent by who granted it.")
    if row.reviewed_at is not None:
        return row
    row.reviewed_by, row.reviewed_at, row.review = by.get_username(), timezone.now(), reason.strip()
    row.save()
    log.record(
        kind="override.reviewed",
        sentence=f"Override of r{row.version} looked at.",
        by=by,
        use_case=row.use_case.slug,
        version=row.version,
        reason=reason.strip(),
    )
    return row
