"""Assistants that reported, and decisions that they made."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from routing.models import Decision, Holding

Report = Callable[..., "Holding"]
Decide = Callable[..., "Decision"]


@pytest.fixture
def report(db: None) -> Report:
    """Return what makes an assistant hold and enforce the newest version, or what is said of it."""
    from django.utils import timezone

    from routing.models import Assistant, Holding, Target

    def reported(slug: str, instance: str, *, seconds_ago: float = 0, **said: Any) -> "Holding":
        target = Target.objects.get(use_case=slug)
        heard = timezone.now() - timedelta(seconds=seconds_ago)
        assistant, _ = Assistant.objects.update_or_create(instance=instance, defaults={"last_seen": heard})
        acked = target.issued_at + timedelta(seconds=0.14)
        said = {
            "version": target.version,
            "enforced": target.digest,
            "acked_at": acked,
            "last_seen": heard,
        } | said
        return Holding.objects.update_or_create(assistant=assistant, use_case=slug, defaults=said)[0]

    return reported


@pytest.fixture
def decide(db: None) -> Decide:
    """Return what stores one decision, a minute old where nothing else is said."""
    import uuid6
    from django.utils import timezone

    from routing.models import Decision

    def decided(slug: str, text: str = "Do you pay for the floor?", **said: Any) -> "Decision":
        plain: dict[str, Any] = {
            "action": "answer",
            "band": "answer",
            "confidence": 0.9,
            "version": 1,
            "cost_usd": 0.02,
        }
        plain |= {"request_id": f"request {text}", "at": timezone.now() - timedelta(minutes=1)}
        return Decision.objects.create(
            id=uuid6.uuid7(),
            use_case=slug,
            text=text,
            **(plain | said),
        )

    return decided
