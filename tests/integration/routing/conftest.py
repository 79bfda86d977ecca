"""A published target, and assistants' words about it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import claims

if TYPE_CHECKING:
    from routing.actions.acks import Ack
    from routing.actions.heartbeats import Heartbeat
    from routing.models import Target

Publish = Callable[..., "Target"]


@pytest.fixture
def publish(db: None) -> Publish:
    """Publish versions of “claims”, each with a digest of its own."""
    from django.db import transaction

    from routing.actions import targets
    from routing.engine.baseline import BUILT_IN

    def one(version: int, state: str = "live", **more: Any) -> "Target":
        document = claims(0.7 + version / 100) | more
        with transaction.atomic():
            return targets.publish(
                use_case="claims",
                version=version,
                state=state,
                document=document,
                baseline=BUILT_IN,
                message="",
            )

    return one


@pytest.fixture
def ack() -> "Callable[..., Ack]":
    """Make an ack of “a” for what a target wants, or for another version or digest."""
    from routing.actions.acks import Ack

    def one(target: "Target", instance: str = "a", *, applied: bool = True, **other: Any) -> Ack:
        fields = {"version": target.version, "digest": target.digest, "error": "", **other}
        return Ack(instance=instance, use_case=target.use_case, applied=applied, **fields)

    return one


@pytest.fixture
def beat() -> "Callable[..., Heartbeat]":
    """Make a heartbeat of “a” that holds and enforces what a target wants, or something else."""
    from routing.actions.heartbeats import Heartbeat, Held

    def one(target: "Target | None", instance: str = "a", **other: Any) -> Heartbeat:
        held = []
        if target is not None:
            desired = {
                "version": target.version,
                "digest": target.digest,
                "enforced": target.digest,
                "source": "",
            }
            fields: dict[str, Any] = {name: other.pop(name, value) for name, value in desired.items()}
            held = [Held(use_case=target.use_case, **fields)]
        return Heartbeat(instance=instance, use_cases=held, **other)

    return one
