"""Hand an upload to Celery without making the person who clicked wait for Redis."""

import logging
from concurrent.futures import ThreadPoolExecutor

from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="uploads")


def ask(upload: str) -> None:
    """Queue the work from a thread of its own; connecting to a stopped Redis may take its time there."""
    _sender.submit(_send, upload)


def _send(upload: str) -> None:
    from usecases.tasks import work_off

    try:
        work_off.delay(upload)
    except (OperationalError, OSError) as error:
        logger.warning("upload %s is not queued, a worker will find it: %s", upload, error)
