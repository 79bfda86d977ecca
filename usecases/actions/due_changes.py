"""What time does to changes: those that are scheduled go live when due, those that nobody decided expire closed."""

from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone

from audit import log
from routing.engine.validation import InvalidDocument
from usecases.actions import changes
from usecases.models import Change, Version
from usecases.publishing import Refused, Stale

SCHEDULE: Final = log.System("schedule")
EXPIRY: Final = log.System("expiry")


def fire(*, change: Change) -> Version | None:
    """Make a change live that is due, in its author's name; where a gate holds it up, it stays, and says why."""
    row = Change.objects.select_related("author", "use_case").get(pk=change.pk)
    if row.status != Change.Status.OPEN or row.scheduled_for is None or row.scheduled_for > timezone.now():
        return None
    try:
        return changes.apply(change=row, by=row.author, reason=row.reason)
    except (Refused, Stale, InvalidDocument, PermissionDenied, Http404) as refusal:
        _hold_up(row, str(refusal))
        return None


@transaction.atomic
def _hold_up(change: Change, words: str) -> None:
    row = Change.objects.select_for_update(of=("self",)).select_related("use_case").get(pk=change.pk)
    if row.scheduled_for is None or not row.living:
        return
    row.scheduled_for, row.held_up = None, words
    row.save()
    changes.record(
        row, "change.held_up", f"Change {row.number} did not go live when it was due.", SCHEDULE, words
    )


@transaction.atomic
def expire(*, change: Change) -> Change:
    """Close a change that was not decided in time; as it is where its time has not come."""
    row = Change.objects.select_for_update(of=("self",)).select_related("use_case").get(pk=change.pk)
    if not row.living or timezone.now() < row.expires_at:
        return row
    changes.close(row, Change.Status.EXPIRED, EXPIRY, "Nobody decided in time.")
    changes.record(row, "change.expired", f"Change {row.number} expired: nobody decided in time.", EXPIRY)
    return row
