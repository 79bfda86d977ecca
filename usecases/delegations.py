"""Which loans of rights are in force: the row's own part of the rule. What the giver holds is asked in `permissions`.

A loan needs no work to end: it is judged by the time at which it is asked.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from usecases.models import Delegation

LENT: Final = ("tune", "approve", "kill", "review")
MOST_DAYS: Final = 90


def in_force(now: datetime | None = None) -> QuerySet[Delegation]:
    """Return the loans whose time it is, of givers who may sign in."""
    moment = now or timezone.now()
    rows = Delegation.objects.filter(ended_at=None, begins_at__lte=moment, ends_at__gt=moment)
    return rows.filter(giver__is_active=True).select_related("giver")


def borrowed(holder: Any) -> list[Delegation]:
    """Return what somebody has borrowed at this moment, whatever the givers still hold."""
    return list(in_force().filter(holder_id=holder.pk).order_by("pk"))


def lends(rows: Iterable[Delegation], use_case_id: int, verb: str) -> list[Delegation]:
    """Return the loans that name a use case and a verb; a loan of anything lets its holder see, too."""
    mine = [row for row in rows if row.use_case_id == use_case_id]
    return [row for row in mine if any(_lendable(row)) and (verb == "view" or verb in row.verbs)]


def _lendable(row: Delegation) -> list[str]:
    return [verb for verb in row.verbs if verb in LENT]
