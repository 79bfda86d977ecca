"""Hand a published version to Celery without making the person who clicked wait for Redis."""

import logging
from concurrent.futures import ThreadPoolExecutor

from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="follow-up")


def ask(*, use_case: str, version: int) -> None:
    """Queue `apply` from a thread of its own; connecting to a stopped Redis may take its time there."""
    _sender.submit(_send, use_case, version)


def _send(use_case: str, version: int) -> None:
    from routing.tasks import apply

    try:
        apply.delay(use_case, version)
    except (OperationalError, OSError) as error:
        logger.warning(
            "%s version %s: no follow-up queued, the reconciler will: %s", use_case, version, error
        )
