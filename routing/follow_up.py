"""Hand work to Celery without making the person who clicked wait for Redis: a published version, decisions to seal."""

import logging
from concurrent.futures import ThreadPoolExecutor

from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
# What was received this long ago is seen by everybody, unless a transaction takes longer.
SETTLED_AFTER_S = 5
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


def seal(use_case: str) -> None:
    """Queue the sealing of what has come together; what cannot be queued is sealed in its turn."""
    _sender.submit(_send_seal, use_case)


def _send_seal(use_case: str) -> None:
    from routing.tasks import seal

    try:
        seal.apply_async((use_case,), countdown=SETTLED_AFTER_S)
    except (OperationalError, OSError) as error:
        logger.warning("%s: sealing is not queued: %s", use_case, error)
