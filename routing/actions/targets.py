"""Publish what assistants should run. Called inside the transaction that writes the version and its audit event."""

import json
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from audit.verify import public_key_text
from routing.engine import envelope
from routing.keys import signing_key
from routing.models import Rollout, Target

CHANNEL = "routing_target"


class StaleTarget(Exception):
    """A version that is not newer than the published one; numbers only rise."""


def publish(
    *,
    use_case: str,
    version: int,
    state: str,
    document: dict[str, Any],
    baseline: dict[str, Any],
    message: str,
) -> Target:
    """Write the target and its rollout, and tell every web process at commit.

    Raises `InvalidDocument` for a document that no assistant would take, `StaleTarget` for an old number.
    """
    held = Target.objects.select_for_update().filter(use_case=use_case).first()
    if held is not None and held.version >= version:
        raise StaleTarget(f"{use_case} is at version {held.version} already")
    now = timezone.now()
    lease = int(document.get("lease", {}).get("seconds", 300))
    unsigned = envelope.build(
        use_case=use_case,
        version=version,
        state=state,
        document=document,
        baseline=baseline,
        message=message,
        issued_at=now,
        lease_seconds=lease,
    )
    signed = envelope.sign(unsigned, signing_key())
    target = Target(
        use_case=use_case,
        version=version,
        state=state,
        digest=signed["digest"],
        document=document,
        baseline=baseline,
        message=message,
        lease_seconds=lease,
        issued_at=now,
        envelope=json.dumps(signed, separators=(",", ":"), ensure_ascii=False),
    )
    target.save()
    Rollout.objects.create(
        use_case=use_case, version=version, state=state, digest=target.digest, desired_at=now
    )
    notify(use_case=use_case, version=version)
    return target


def notify(*, use_case: str, version: int) -> None:
    """Tell every web process which version to send; PostgreSQL delivers it at commit, to each listener once."""
    payload = json.dumps({"use_case": use_case, "version": version})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


def follow_up(*, use_case: str, version: int) -> None:
    """Ask Celery, after commit, to see the version through. A stopped Redis costs nothing: the reconciler finds it."""
    from routing.follow_up import ask  # imported late: pages and commands that publish nothing need no Celery

    transaction.on_commit(lambda: ask(use_case=use_case, version=version))


def public_keys() -> list[dict[str, str]]:
    """Return the keys that assistants check signatures with."""
    public = signing_key().public_key()
    return [
        {"key_id": envelope.key_id(public), "algorithm": "Ed25519", "public_key": public_key_text(public)}
    ]
