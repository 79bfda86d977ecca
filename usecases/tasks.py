"""Celery's work on uploaded decision logs. What is to do stands in the database: a lost message costs seconds."""

import logging
from uuid import UUID

from celery import shared_task

from audit import context
from usecases.actions import upload_runs

logger = logging.getLogger(__name__)


@shared_task
def work_off(upload: str) -> None:
    """Check or import one upload; nothing where that is done already, or where others have their turn."""
    with context.through("task"):
        upload_runs.work_off(upload=UUID(upload))


@shared_task
def resend() -> None:
    """Queue again what waits and may have been forgotten: Redis was away, or all turns were taken."""
    for pk in upload_runs.next_ones():
        work_off.delay(str(pk))


@shared_task
def housekeeping() -> None:
    """Delete files that were kept long enough."""
    with context.through("task"):
        gone = upload_runs.tidy()
        if gone:
            logger.info("deleted %d files of uploads", gone)
