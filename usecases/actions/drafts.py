"""What one person is working on: kept while they work, with undo, carried over to newer versions.

A draft changes nothing that runs, so it writes no audit event; its rows keep their history.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from usecases import permissions
from usecases.actions import changes, versions
from usecases.merging import merge
from usecases.models import Change, Draft, DraftStep, UseCase, Version
from usecases.publishing import Refused, latest, lock

STEPS_KEPT = 100
SIZE_LIMIT = 512 * 1024


@dataclass(frozen=True, slots=True)
class Rebased:
    """A draft carried over to a newer version, and the places where both had changed the same thing."""

    draft: Draft
    conflicts: list[str]


@transaction.atomic
def open_for(*, use_case: UseCase, by: User) -> Draft:
    """Return a person's draft of a use case, starting one from the newest version where there is none."""
    permissions.check(by, "tune", use_case)
    standing = latest(use_case)
    draft, created = Draft.objects.get_or_create(
        use_case=use_case,
        author=by,
        defaults={"base_version": standing.number, "document": standing.document},
    )
    if created:
        DraftStep.objects.create(draft=draft, position=0, document=standing.document)
    elif draft.base_version != standing.number and not is_changed(draft):
        # Nothing of it is anybody's work: begin again from what is live, rather than tell of a conflict with nothing.
        return rebase(draft=draft, by=by).draft
    return draft


@transaction.atomic
def edit(*, draft: Draft, document: Any, by: User, sentence: str = "") -> Draft:
    """Make a document the draft's next step. Faulty ones are kept too: nothing is lost while somebody works."""
    row = _own(draft, by)
    if not isinstance(document, dict) or len(json.dumps(document)) > SIZE_LIMIT:
        raise Refused("A draft has to be a config document of at most 512 KiB.")
    if document == row.document:
        return row
    row.steps.filter(position__gt=row.position).delete()
    row.position += 1
    row.document = document
    row.save()
    DraftStep.objects.create(draft=row, position=row.position, document=document, sentence=sentence)
    row.steps.filter(position__lt=row.position - STEPS_KEPT).delete()
    return row


def undo(*, draft: Draft, by: User) -> Draft:
    """Go one step back; the draft as it is when there is none."""
    return _move(draft, by, -1)


def redo(*, draft: Draft, by: User) -> Draft:
    """Go one step forward again."""
    return _move(draft, by, +1)


@transaction.atomic
def _move(draft: Draft, by: User, by_steps: int) -> Draft:
    row = _own(draft, by)
    step = row.steps.filter(position=row.position + by_steps).first()
    if step is None:
        return row
    row.position, row.document = step.position, step.document
    row.save()
    return row


@transaction.atomic
def note(*, draft: Draft, reason: str, by: User) -> Draft:
    """Keep the reason while it is being written."""
    row = _own(draft, by)
    if reason == row.reason:
        return row
    versions.check_reason(reason)
    row.reason = reason
    row.save()
    return row


@transaction.atomic
def discard(*, draft: Draft, by: User) -> None:
    """Throw a draft away."""
    _own(draft, by).delete()


@transaction.atomic
def rebase(*, draft: Draft, by: User) -> Rebased:
    """Carry a draft over to the newest version; where both changed the same place, the draft's word stands.

    Every step is carried over, not the newest alone: an undo must not bring back what somebody else has replaced.
    """
    row = _own(draft, by)
    standing = latest(row.use_case)
    base = Version.objects.get(use_case=row.use_case, number=row.base_version)
    for step in row.steps.all():
        step.document, _ = merge(base.document, step.document, standing.document)
        step.save()
    row.document, conflicts = merge(base.document, row.document, standing.document)
    row.base_version = standing.number
    row.save()
    return Rebased(row, conflicts)


@transaction.atomic
def apply(*, draft: Draft, by: User, reason: str = "") -> Version:
    """Publish a draft, then it is done with. Raises as `versions.apply`; the draft stays when it is refused.

    A kill, a restore or an edited message published since then is no reason to refuse: the document is the same.
    """
    row = _own(draft, by)
    version = versions.apply(
        use_case=row.use_case,
        document=row.document,
        by=by,
        reason=reason,
        expected_version=_expected(row, latest(lock(row.use_case))),
    )
    row.delete()
    return version


def submit(*, draft: Draft, by: User, reason: str = "") -> Change:
    """Propose a draft, or amend the change that it was taken from; then it is done with. Raises as `changes.submit`.

    Not one transaction: the evidence is gathered in between, and a draft that is left over can be submitted again.
    """
    with transaction.atomic():
        row = _own(draft, by)
    expected = _expected(row, latest(row.use_case))
    if row.amends is not None:
        change = changes.amend(
            change=row.amends,
            by=by,
            document=row.document,
            reason=reason or None,
            base_version=row.base_version,
        )
    else:
        change = changes.submit(
            use_case=row.use_case, document=row.document, by=by, reason=reason, expected_version=expected
        )
    with transaction.atomic():
        _own(draft, by).delete()
    return change


@transaction.atomic
def take_up(*, change: Change, by: User) -> Draft:
    """Put a change back on its author's desk, to be amended. Refused where other work of theirs lies there."""
    permissions.check(by, "tune", change.use_case)
    if change.author_id != by.pk:
        raise permissions.Forbidden("Only its author can amend a change.")
    if change.leaves_to or not change.living:
        raise Refused("There is nothing of it to amend.")
    base = Version.objects.get(use_case=change.use_case, number=change.base_version)
    known = Draft.objects.filter(use_case=change.use_case, author=by).first()
    if known is not None and known.amends_id == change.pk:
        return known
    if known is not None and is_changed(known):
        raise Refused("Your desk has another draft of this use case. Apply, submit or discard it first.")
    if known is not None:
        known.delete()
    draft = Draft.objects.create(
        use_case=change.use_case,
        author=by,
        base_version=base.number,
        document=change.document,
        reason=change.reason,
        position=1,
        amends=change,
    )
    DraftStep.objects.create(draft=draft, position=0, document=base.document)
    words = f"Change {change.number} as submitted"
    DraftStep.objects.create(draft=draft, position=1, document=change.document, sentence=words)
    return draft


def _expected(draft: Draft, standing: Version) -> int:
    """Return the number that applying expects to be live: any whose document is still the one the draft began with."""
    if standing.number == draft.base_version:
        return standing.number
    base = Version.objects.get(use_case=draft.use_case, number=draft.base_version)
    return standing.number if base.document == standing.document else base.number


def is_changed(draft: Draft) -> bool:
    """Say whether a draft differs from the version it was begun from."""
    base = Version.objects.get(use_case_id=draft.use_case_id, number=draft.base_version)
    return bool(draft.document != base.document)


def neighbours(draft: Draft) -> tuple[str | None, str | None]:
    """Return what undo would take back and what redo would bring again, in words; None where there is no step."""
    near = range(draft.position - 1, draft.position + 2)
    steps = {step.position: step.sentence for step in draft.steps.filter(position__in=near).defer("document")}
    back = steps.get(draft.position, "") if draft.position - 1 in steps else None
    return back, steps.get(draft.position + 1)


def _own(draft: Draft, by: User) -> Draft:
    """Lock a draft; it is its author's alone."""
    permissions.check(by, "tune", draft.use_case)
    row = Draft.objects.select_for_update().select_related("use_case").filter(pk=draft.pk).first()
    if row is None:
        raise Refused("The draft is gone: it was applied or discarded in another window.")
    if row.author_id != by.pk:
        raise permissions.Forbidden("This draft belongs to somebody else.")
    return row
