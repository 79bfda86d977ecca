"""Celery's work: see versions through, mend what is missing, keep house. Nothing depends on it for a kill to work.

Every task reads what is so now and acts on that: run twice, late or cut off half way, it does no harm.
"""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from audit import context
from routing.actions import blocks, partitions, rollouts
from routing.models import Assistant, Holding, Rollout, Target

logger = logging.getLogger(__name__)

APPLY_TRIES = 4
FIRST_WAIT = 0.5
LONGEST_WAIT = 4.0
RESEND_EVERY = timedelta(seconds=4)
FORGET_AFTER = timedelta(days=7)
OUTAGES = (OperationalError, InterfaceError)


@shared_task(autoretry_for=OUTAGES, retry_backoff=1, retry_backoff_max=30, max_retries=10)
def apply(use_case: str, version: int) -> None:
    """Drive a version to convergence: look who has not confirmed, send it to them again, with growing pauses.

    Ends when all have confirmed, when a newer version is out, or after some tries: the reconciler goes on from there.
    """
    with context.through("task"):
        for wait in _waits():
            _linger()
            if _seen_through(use_case, version):
                return
            time.sleep(wait)


def _waits() -> Iterator[float]:
    for step in range(APPLY_TRIES):
        yield min(FIRST_WAIT * 2**step, LONGEST_WAIT)


def _linger() -> None:
    """Take longer over a step where the settings say so: fault tests kill the worker in the middle of one."""
    if settings.SLOW_APPLY_SECONDS > 0:
        time.sleep(settings.SLOW_APPLY_SECONDS)


def _seen_through(use_case: str, version: int) -> bool:
    """Take one step towards convergence; say whether there is nothing left to do."""
    target = Target.objects.filter(use_case=use_case).first()
    if target is None or target.version != version:
        return True
    if (
        rollouts.settle([use_case])
        or Rollout.objects.filter(use_case=use_case, version=version, converged_at__isnull=False).exists()
    ):
        return True
    missing = rollouts.laggards(target)
    if missing:
        rollouts.resend(target=target, to=missing)
    return False


@shared_task
def reconcile() -> None:
    """Compare what is desired with what is reported, for every use case; send again, close what is over."""
    with context.through("task"):
        for target in Target.objects.order_by("use_case").iterator():
            try:
                _reconcile(target)
            except OUTAGES:
                raise
            except Exception:  # one use case's trouble must not keep the others from being mended
                logger.exception("cannot reconcile %s", target.use_case)
        rollouts.worker_was_here()


def _reconcile(target: Target) -> None:
    rollouts.ensure(target)
    rollouts.settle([target.use_case])
    missing = rollouts.laggards(target)
    if missing:
        rollouts.resend(target=target, to=missing, at_most_every=RESEND_EVERY)
    if rollouts.fell_silent(target):
        rollouts.changed([target.use_case])


@shared_task(autoretry_for=OUTAGES, retry_backoff=5, max_retries=3)
def housekeeping() -> None:
    """Create the coming months' partitions; forget assistants that were last heard of long ago."""
    with context.through("task"):
        made = partitions.ensure()
        if made:
            logger.info("created %s", ", ".join(made))
        forget_assistants()


@shared_task(autoretry_for=OUTAGES, retry_backoff=5, max_retries=3)
def seal(use_case: str | None = None) -> None:
    """Seal the decisions of one use case, or of all, where enough have come together."""
    with context.through("task"):
        named = (
            [use_case] if use_case else Target.objects.order_by("use_case").values_list("use_case", flat=True)
        )
        for slug in list(named):
            try:
                sealed = blocks.seal(slug)
            except OUTAGES:
                raise
            except Exception:  # the other use cases' history is to be read in seconds all the same
                logger.exception("cannot seal the decisions of %s", slug)
            else:
                if sealed:
                    logger.info("sealed %s decisions of %s", sealed, slug)


def forget_assistants() -> int:
    """Delete what was last reported a week ago: a process by that name is not coming back. Return how many."""
    long_ago = timezone.now() - FORGET_AFTER
    with transaction.atomic():
        Holding.objects.filter(last_seen__lt=long_ago).delete()
        gone, _ = Assistant.objects.filter(last_seen__lt=long_ago, holdings=None).delete()
    return gone
