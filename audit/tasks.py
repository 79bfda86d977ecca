"""Celery's work for the record: sign it. Reads what is new now; run twice, late or never, it does no harm."""

from celery import shared_task
from django.db import InterfaceError, OperationalError

from audit import checkpoints


@shared_task(autoretry_for=(OperationalError, InterfaceError), retry_backoff=1, max_retries=3)
def sign_checkpoint() -> None:
    """Sign a checkpoint where events have come since the last."""
    checkpoints.make()
