"""Rights to approve that came late: since a change was submitted, or within the hour before it was approved.

Nobody gives rights to themselves, but two may arrange it. It counts, as any right does; whoever reviews is told.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from audit.models import Event
from usecases.models import Approval
from usecases.permissions import ROLES
from usecases.reviewing import Review

HOUR: Final = timedelta(hours=1)
GIVEN: Final = ("access.granted", "delegation.given", "unit.person_added", "person.groups_set")
APPROVING: Final = tuple(role for role, verbs in ROLES.items() if "approve" in verbs)


def notes(review: Review) -> dict[int, str]:
    """Return what to say of approvals whose right came late, by key of the approval."""
    rows = [row for row in review.approvals if row.verdict == "approve"]
    if not rows:
        return {}
    begun = min(review.change.submitted_at, min(row.at for row in rows) - HOUR)
    given = Event.objects.filter(
        Q(use_case=review.use_case.slug) | Q(use_case=""), kind__in=GIVEN, at__gte=begun
    )
    found = list(given.order_by("pk"))
    told = {row.pk: _note(row, found, review.change.submitted_at) for row in rows} if found else {}
    return {pk: words for pk, words in told.items() if words}


def _note(row: Approval, found: Iterable[Event], submitted: datetime) -> str:
    """Return what to say of one approval; the newest way in which its person came to the right."""
    since = min(submitted, row.at - HOUR)
    late = [event for event in found if since <= event.at <= row.at and _gives(event, row.person)]
    if not late:
        return ""
    minutes = round((row.at - late[-1].at) / timedelta(minutes=1))
    ago = f"{minutes} minute{'s' * (minutes != 1)}" if minutes < 120 else f"{minutes // 60} hours"
    return f"Was given the right to approve by {late[-1].actor or 'somebody erased'}, {ago} before."


def _gives(event: Event, person: Any) -> bool:
    """Say whether an event gives somebody the right to approve."""
    new, old = (value if isinstance(value, dict) else {} for value in (event.new, event.old))
    name = person.get_username()
    if event.kind == "unit.person_added":
        return bool(new.get("person") == name and new.get("role") in APPROVING)
    if event.kind == "person.groups_set":
        gained = set(new.get("groups", ())) - set(old.get("groups", ()))
        return event.sentence.startswith(f"{name} ") and any(one.endswith(APPROVING) for one in gained)
    if "approve" not in new.get("rights", ()) or "approve" in old.get("rights", ()):
        return False
    group = new.get("group")
    return name in (new.get("person"), new.get("holder")) or group in {
        held.name
        for held in person.groups.all()  # read ahead for all reviewers
    }
