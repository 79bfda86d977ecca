"""Propose changes, work them over, and make them live once every gate passes. Reviewers' words: `approvals`.

Evidence is gathered before anything is locked: a kill must not wait for a replay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from audit import log
from routing.actions import rollouts
from routing.engine.digest import digest
from routing.models import State
from usecases import change_evidence, lanes, leaving, permissions, terms
from usecases.actions import kill_switches, versions
from usecases.checks import Findings
from usecases.merging import merge
from usecases.models import Change, Remark, UseCase, Version
from usecases.publishing import Content, Refused, Stale, latest, lock_with_limits
from usecases.reviewing import Review

TEXT_LIMIT: Final = 2000
PATH_LIMIT: Final = 300
RESTORES: Final = {
    State.LIVE: "Restore: assistants answer by the document again",
    State.REVIEW_ALL: "Half the way back: assistants draft, people review everything",
}


@dataclass(frozen=True, slots=True)
class Rebased:
    """A change carried over to what is live, and the places where both had changed the same thing."""

    change: Change
    conflicts: list[str]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a change would publish."""

    document: dict[str, Any]
    baseline: dict[str, Any] | None = None
    message: str | None = None


def submit(
    *,
    use_case: UseCase,
    document: dict[str, Any],
    by: User,
    reason: str = "",
    expected_version: int | None = None,
    baseline: dict[str, Any] | None = None,
    message: str | None = None,
) -> Change:
    """Propose a document, with the evidence frozen; the one that is open already where it says the same.

    Raises `Forbidden`, `Stale`, `InvalidDocument`, `Refused` (nothing changes, or outside a hard limit).
    """
    permissions.check(by, "tune", use_case)
    versions.check_reason(reason)
    wish = _Wish(document, baseline, message)
    _sentence(use_case, wish, expected_version)
    evidence = change_evidence.gather(use_case=use_case, document=document, by=by)
    with transaction.atomic():
        locked = lock_with_limits(use_case)
        sentence = _sentence(locked, wish, expected_version)
        standing = latest(locked)
        for known in Change.objects.filter(
            use_case=locked, author=by, status__in=Change.LIVING, leaves_to=""
        ):
            if known.base_version == standing.number and _same(known, wish):
                return known
        row = _new(locked, standing, wish, by=by, reason=reason, sentence=sentence, evidence=evidence)
        record(row, "change.submitted", f"Change {row.number} submitted: {sentence}.", by, reason)
    return row


def _sentence(use_case: UseCase, wish: _Wish, expected: int | None) -> str:
    """Say what a wish would change; refuse what nobody may publish, and what changes nothing."""
    standing = latest(use_case)
    if expected is not None and expected != standing.number:
        raise Stale(standing)
    planned = versions.plan(
        use_case=use_case, document=wish.document, standing=standing, baseline=wish.baseline
    )
    content = versions.content_of(standing, wish.document, wish.baseline, wish.message)
    if content.same_as(Content.of(standing)):
        raise Refused(f"Nothing changes: r{standing.number} says the same.")
    versions.refuse_forbidden(planned.findings)
    return versions.told(standing, content, planned)


def _same(row: Change, wish: _Wish) -> bool:
    mine, theirs = ([one.document, one.baseline, one.message] for one in (row, wish))
    return digest(mine) == digest(theirs)


def _new(
    use_case: UseCase,
    standing: Version,
    wish: _Wish,
    *,
    by: User,
    reason: str,
    sentence: str,
    evidence: dict[str, Any],
    leaves_to: str = "",
) -> Change:
    newest = (
        Change.objects.filter(use_case=use_case).order_by("-number").values_list("number", flat=True).first()
    )
    return Change.objects.create(
        use_case=use_case,
        number=(newest or 0) + 1,
        author=by,
        leaves_to=leaves_to,
        document=wish.document,
        baseline=wish.baseline,
        message=wish.message,
        base_version=standing.number,
        sentence=sentence,
        reason=reason.strip(),
        evidence=evidence,
        expires_at=_expiry(use_case),
    )


def _expiry(use_case: UseCase) -> datetime:
    return timezone.now() + timedelta(days=terms.complete(lanes.effective(use_case.guardrail))["expire_days"])


def record(row: Change, kind: str, sentence: str, by: log.Person, reason: str = "", **more: Any) -> None:
    """Write the event of a change, and have open pages look again."""
    evidence = change_evidence.fingerprint(row.evidence)
    new = {"change": row.number, "status": row.status, "evidence": evidence, **more}
    log.record(
        kind=kind, sentence=sentence, by=by, use_case=row.use_case.slug, reason=reason.strip(), new=new
    )
    rollouts.changed([row.use_case.slug])


@transaction.atomic
def submit_restore(
    *,
    use_case: UseCase,
    by: User,
    to: str = State.LIVE,
    reason: str = "",
    expected_version: int | None = None,
) -> Change:
    """Ask to leave the safe state; the request that is open already where there is one. Raises as `submit`."""
    permissions.check(by, "kill", use_case)
    versions.check_reason(reason)
    locked = lock_with_limits(use_case)
    standing = latest(locked)
    if expected_version is not None and expected_version != standing.number:
        raise Stale(standing)
    if to not in RESTORES or standing.state in (State.LIVE, to):
        raise Refused("There is no safe state to leave here.")
    if known := leaving.asked(locked, standing, to):
        return known
    row = _new(
        locked,
        standing,
        _Wish(standing.document),
        by=by,
        reason=reason,
        sentence=RESTORES[State(to)],
        evidence={},
        leaves_to=to,
    )
    record(row, "change.submitted", f"Change {row.number} submitted: {row.sentence}.", by, reason)
    return row


def held(change: Change, by: Any, verb: str) -> Review:
    """Lock a change with all that it is judged by; the caller holds the transaction. `verb`: the right it takes."""
    permissions.check(by, verb, change.use_case)
    locked = lock_with_limits(change.use_case)
    row = Change.objects.select_for_update(of=("self",)).select_related("author").get(pk=change.pk)
    row.use_case = locked
    return Review(row, latest(locked), locked.guardrail)


def verb_of(change: Change) -> str:
    """Return the right that publishing a change takes."""
    return "kill" if change.leaves_to else "tune"


def refuse_decided(review: Review) -> None:
    """Refuse what comes too late."""
    row = review.change
    if review.expired or row.status == Change.Status.EXPIRED:
        raise Refused(f"Change {row.number} expired unanswered. Submit it again.")
    if not row.living:
        raise Refused(f"Change {row.number} is {row.get_status_display().lower()} already.")


def _only_author(change: Change, by: User, what: str) -> None:
    if change.author_id != by.pk:
        raise permissions.Forbidden(f"Only its author can {what} a change.")


def amend(
    *,
    change: Change,
    by: User,
    document: dict[str, Any] | None = None,
    reason: str | None = None,
    base_version: int | None = None,
) -> Change:
    """Work a change over: by its author. Another document voids approvals and answers a request for changes.

    Raises as `submit`, and `Refused` where it is decided already.
    """
    permissions.check(by, verb_of(change), change.use_case)
    versions.check_reason(reason or "")
    _only_author(change, by, "amend")
    if change.leaves_to and document is not None:
        raise Refused("What leaves a safe state has no document of its own. Withdraw it, or wait.")
    wish = _Wish(document if document is not None else change.document, change.baseline, change.message)
    evidence = None
    if not _same(change, wish):
        _sentence(change.use_case, wish, None)
        evidence = change_evidence.gather(use_case=change.use_case, document=wish.document, by=by)
    with transaction.atomic():
        review = held(change, by, verb_of(change))
        refuse_decided(review)
        return _amend(review, wish, evidence, by=by, reason=reason, base_version=base_version)


def _amend(
    review: Review,
    wish: _Wish,
    evidence: dict[str, Any] | None,
    *,
    by: User,
    reason: str | None,
    base_version: int | None,
) -> Change:
    row = review.change
    words = row.reason if reason is None else reason.strip()
    base = row.base_version if base_version is None else base_version
    if _same(row, wish) and words == row.reason and base == row.base_version:
        return row
    if not _same(row, wish):
        if evidence is None:
            raise Refused("The change was amended in another window meanwhile. Look at it again.")
        row.sentence = _sentence(row.use_case, wish, None)
        row.document, row.evidence, row.status = wish.document, evidence, Change.Status.OPEN
        row.held_up = ""
        if row.scheduled_for and row.scheduled_for <= timezone.now():
            row.scheduled_for = None  # its hour is past: nobody meant the next minute
    row.reason, row.base_version, row.amended_at = words, base, timezone.now()
    row.expires_at = _expiry(row.use_case)
    row.save()
    record(row, "change.amended", f"Change {row.number} amended: {row.sentence}.", by, words)
    return row


def rebase(*, change: Change, by: User) -> Rebased:
    """Carry a change over to what is live now; where both changed the same place, the change's word stands."""
    permissions.check(by, "tune", change.use_case)
    standing = latest(change.use_case)
    _only_author(change, by, "carry over")
    base = Version.objects.get(use_case=change.use_case, number=change.base_version)
    if change.leaves_to or digest(base.document) == digest(standing.document):
        return Rebased(change, [])
    document, conflicts = merge(base.document, change.document, standing.document)
    wish = _Wish(document, change.baseline, change.message)
    _sentence(change.use_case, wish, standing.number)
    evidence = change_evidence.gather(use_case=change.use_case, document=document, by=by)
    with transaction.atomic():
        review = held(change, by, "tune")
        refuse_decided(review)
        row = review.change
        if review.standing.number != standing.number or not _same(
            row, _Wish(change.document, change.baseline, change.message)
        ):
            raise Stale(review.standing)
        row.sentence = _sentence(row.use_case, wish, standing.number)
        row.document, row.evidence, row.base_version = document, evidence, standing.number
        row.amended_at, row.held_up = timezone.now(), ""
        row.save()
        said = f"Change {row.number} carried over to r{standing.number}: {row.sentence}."
        record(row, "change.rebased", said, by, conflicts=conflicts)
    return Rebased(row, conflicts)


def renew_evidence(*, change: Change, by: User) -> Change:
    """Take the evidence anew, by the author: it is judged by its age, and by what is live."""
    permissions.check(by, "tune", change.use_case)
    _only_author(change, by, "renew the evidence of")
    if change.leaves_to:
        return change
    document = change.document
    evidence = change_evidence.gather(use_case=change.use_case, document=document, by=by)
    with transaction.atomic():
        review = held(change, by, "tune")
        refuse_decided(review)
        row = review.change
        if digest(row.document) != digest(document):
            raise Refused("The change was amended in another window meanwhile. Look at it again.")
        row.evidence = evidence
        row.save()
        record(row, "change.evidence_renewed", f"Change {row.number}: evidence taken anew.", by)
    return row


@transaction.atomic
def withdraw(*, change: Change, by: User, reason: str = "") -> Change:
    """Take a change back: by its author."""
    review = held(change, by, verb_of(change))
    _only_author(review.change, by, "withdraw")
    versions.check_reason(reason)
    if review.change.status == Change.Status.WITHDRAWN:
        return review.change
    refuse_decided(review)
    row = close(review.change, Change.Status.WITHDRAWN, by, reason)
    record(row, "change.withdrawn", f"Change {row.number} withdrawn.", by, reason)
    return row


def close(row: Change, status: str, by: log.Person, words: str = "", version: int | None = None) -> Change:
    """Mark a change as decided; the caller records it."""
    row.status, row.closed_at, row.closed_by = status, timezone.now(), by.get_username()
    row.closing_words, row.version, row.scheduled_for = words.strip(), version, None
    row.save()
    return row


@transaction.atomic
def schedule(*, change: Change, by: User, at: datetime | None, reason: str = "") -> Change:
    """Have a change go live at a moment, or no longer (None). Every gate is run again then."""
    review = held(change, by, verb_of(change))
    row = review.change
    if row.scheduled_for == at:
        return row
    refuse_decided(review)
    if at is not None and not review.now < at < row.expires_at:
        until = timezone.localtime(row.expires_at)
        words = f"Choose a moment after now and before it expires, {until:%-d %b %Y %H:%M %Z}."
        raise Refused(words, [{"path": "at", "message": words}])
    row.scheduled_for, row.held_up = at, ""
    row.save()
    said = f"goes live at {at:%-d %b %Y %H:%M} UTC" if at else "is no longer scheduled"
    record(
        row, "change.scheduled", f"Change {row.number} {said}.", by, reason, at=at.isoformat() if at else None
    )
    return row


@transaction.atomic
def comment(*, change: Change, by: User, text: str, path: str = "") -> Remark:
    """Say something about a change or one line of it; the same words by the same person are said once."""
    verb = "approve" if permissions.can(by, "approve", change.use_case) else "tune"
    review = held(change, by, verb)
    words = text.strip()
    if not words or len(words) > TEXT_LIMIT:
        said = f"Say something, in at most {TEXT_LIMIT} characters."
        raise Refused(said, [{"path": "text", "message": said}])
    if len(path) > PATH_LIMIT:
        raise Refused("There is no such line.", [{"path": "path", "message": "There is no such line."}])
    row = review.change
    known = row.remarks.filter(person=by, path=path, text=words).first()
    if known is not None:
        return known
    remark = Remark.objects.create(change=row, person=by, path=path, text=words)
    record(row, "change.commented", f"Change {row.number}, {path or 'as a whole'}: “{words[:200]}”", by)
    return remark


@transaction.atomic
def apply(*, change: Change, by: User, reason: str = "", expected_version: int | None = None) -> Version:
    """Make a change live, once every gate passes at this very moment; the version where it is applied already.

    Raises `Forbidden`, `Stale` and `Refused` with every gate that holds it up.
    """
    review = held(change, by, verb_of(change))
    row, standing = review.change, review.standing
    if row.status == Change.Status.APPLIED:
        return Version.objects.get(use_case=row.use_case, number=row.version or 0)
    if expected_version is not None and expected_version != standing.number:
        raise Stale(standing)
    refuse_decided(review)
    refuse_open(review.findings)
    approved = review.approved_by
    version = _publish(review, by, reason)
    close(row, Change.Status.APPLIED, by, reason, version.number)
    who = f", approved by {' and '.join(approved)}" if approved else ""
    said = f"Change {row.number} by {row.author.get_username()} is live as r{version.number}{who}."
    # As they stood: who asks later need not trust what the gates are then.
    passed = [f"{one.name}. {one.evidence}" for one in review.checks]
    record(
        row, "change.applied", said, by, reason, approved_by=approved, content=review.content, gates=passed
    )
    return version


def _publish(review: Review, by: User, reason: str) -> Version:
    row, standing, use_case = review.change, review.standing, review.change.use_case
    words = reason.strip() or row.reason
    if row.leaves_to:
        return kill_switches.leave(
            use_case=use_case, standing=standing, to=row.leaves_to, by=by, reason=words
        )
    planned = versions.plan(
        use_case=use_case, document=row.document, standing=standing, baseline=row.baseline
    )
    content = versions.content_of(standing, row.document, row.baseline, row.message)
    return versions.put_live(use_case, standing, content, planned, by=by, reason=words)


def refuse_open(found: Findings) -> None:
    """Refuse with every gate that holds a change up, and what would clear it."""
    if found.passes:
        return
    errors = [
        {"path": one.key, "message": " ".join(filter(None, [f"{one.name}.", one.evidence, one.clear]))}
        for one in found.open
    ]
    words = "It cannot go live yet: " + " ".join(item["message"] for item in errors)
    raise Refused(words, errors, found.checks)
