"""What it takes to leave a safe state: how many have to agree, and the change by which that is asked for already."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from routing.models import State
from usecases import lanes, own_limits, terms
from usecases.models import Change, UseCase, Version
from usecases.reviewing import Review


@dataclass(frozen=True, slots=True)
class Way:
    """The way back to live: `approvals` that it takes, and the open change that asks for them, where it takes any."""

    approvals: int
    asked: Change | None


def way(use_case: UseCase, standing: Version) -> Way:
    """Return the way back to live for a use case on a safe state."""
    needed = approvals(use_case)
    return Way(needed, asked(use_case, standing, State.LIVE) if needed else None)


def approvals(use_case: UseCase, by: User | None = None) -> int:
    """Return how many have to approve before the use case leaves a safe state; what `by` set themselves aside."""
    held = [lanes.effective(use_case.guardrail)]
    before = own_limits.before(use_case.guardrail, by.get_username()) if by is not None else None
    held += [before] if before is not None else []
    return max(int(terms.complete(bounds)["approvals_to_restore"]) for bounds in held)


def asked(use_case: UseCase, standing: Version, to: str) -> Change | None:
    """Return the open change that asks to leave this very safe state for `to`."""
    for known in Change.objects.filter(use_case=use_case, status__in=Change.LIVING, leaves_to=to):
        if Review(known, standing, use_case.guardrail).same_episode:
            return known
    return None
