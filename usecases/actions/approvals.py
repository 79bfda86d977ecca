"""What reviewers say of a change: approve, ask for changes, veto. Each for exactly the content that stands there."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from usecases import permissions
from usecases.actions import changes, versions
from usecases.models import Approval, Change
from usecases.publishing import Refused
from usecases.reviewing import Review


@transaction.atomic
def approve(*, change: Change, by: User, reason: str = "", content: str = "") -> Approval:
    """Approve a change as it stands; the approval that counts already where there is one.

    `content`: the digest of what the reviewer saw, refused where it is another by now. Raises `Forbidden` for the
    author and for whom risk has not named, `Refused` where it is decided, or waits for its author.
    """
    review = _reviewed(change, by, reason)
    if not review.may_approve(by, by_loan=True):
        raise permissions.Forbidden("Risk has named who may approve changes here; you are not among them.")
    if not review.may_approve(by):
        raise permissions.Forbidden(
            "You approve by a right that this change's author lent you: it does not count here."
        )
    if review.change.status == Change.Status.CHANGES_REQUESTED:
        raise Refused("Changes were asked for: it waits for its author.")
    if content and content != review.content:
        raise Refused("It is not what you looked at any more. Look at it again, then approve.")
    standing = next((v for v in review.verdicts if v.counts and v.approval.person_id == by.pk), None)
    if standing is not None:
        return standing.approval
    return _say(review, "approve", by, reason, f"Change {review.change.number} approved.")


@transaction.atomic
def request_changes(*, change: Change, by: User, reason: str = "") -> Approval:
    """Ask the author to work a change over: it cannot go live before they have."""
    review = _reviewed(change, by, reason)
    row = review.change
    last = review.approvals[-1] if review.approvals else None
    asked = row.status == Change.Status.CHANGES_REQUESTED
    if (
        last
        and asked
        and (last.person_id, last.verdict, last.comment) == (by.pk, "request_changes", reason.strip())
    ):
        return last
    if not reason.strip():
        raise Refused(
            "Say what should be changed.", [{"path": "reason", "message": "Say what should be changed."}]
        )
    row.status = Change.Status.CHANGES_REQUESTED
    row.save()
    return _say(review, "request_changes", by, reason, f"Change {row.number}: changes asked for.")


@transaction.atomic
def veto(*, change: Change, by: User, reason: str = "") -> Change:
    """End a change. It cannot be taken back; the author may submit another one."""
    review = _reviewed(change, by, reason, again=Change.Status.VETOED)
    row = review.change
    if row.status == Change.Status.VETOED:
        return row
    changes.close(row, Change.Status.VETOED, by, reason)
    _say(review, "veto", by, reason, f"Change {row.number} vetoed.")
    return row


def _reviewed(change: Change, by: User, reason: str, again: str = "") -> Review:
    """Lock a change for a reviewer's word. `again`: the end that may be asked for twice."""
    review = changes.held(change, by, "approve")
    versions.check_reason(reason)
    if review.change.author_id == by.pk:
        raise permissions.Forbidden("Nobody judges their own change. You can withdraw it.")
    if review.change.status != again:
        changes.refuse_decided(review)
    return review


def _say(review: Review, verdict: str, by: User, reason: str, sentence: str) -> Approval:
    row = Approval.objects.create(
        change=review.change,
        person=by,
        verdict=verdict,
        content=review.content,
        parts=review.parts,
        comment=reason.strip(),
    )
    kinds: dict[str, Any] = {
        "approve": "change.approved",
        "request_changes": "change.changes_requested",
        "veto": "change.vetoed",
    }
    changes.record(review.change, kinds[verdict], sentence, by, reason, content=review.content)
    return row
