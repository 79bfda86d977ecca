"""Celery's work on changes: what is due goes live, what nobody decided expires, what was granted for a time ends.

Each looks at what stands in the database now: run twice, late, or cut off half way, it does no harm.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from celery import shared_task
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from audit import context
from usecases.actions import delegations, due_changes, overrides
from usecases.models import Change, Delegation, Override

logger = logging.getLogger(__name__)
OUTAGES = (OperationalError, InterfaceError)


@shared_task
def keep_time() -> None:
    """End overrides, fire scheduled changes, close unanswered ones, and record which loans of rights are over."""
    with context.through("task"):
        now = timezone.now()
        due = Override.objects.filter(ended_at=None, ends_at__lte=now).select_related("use_case")
        _each(due, lambda row: overrides.end_due(override=row))
        scheduled = Change.objects.filter(status=Change.Status.OPEN, scheduled_for__lte=now)
        _each(scheduled.order_by("scheduled_for"), lambda row: due_changes.fire(change=row))
        late = Change.objects.filter(status__in=Change.LIVING, expires_at__lte=now)
        _each(late, lambda row: due_changes.expire(change=row))
        over = Delegation.objects.filter(ended_at=None, ends_at__lte=now)
        _each(over, lambda row: delegations.end_due(delegation=row))


def _each(rows: Iterable[Any], act: Callable[[Any], Any]) -> None:
    for row in rows:
        try:
            act(row)
        except OUTAGES:
            raise
        except Exception:  # one use case's trouble must not keep the others waiting
            logger.exception("cannot act on %s", row)
