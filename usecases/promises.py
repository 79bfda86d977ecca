"""What the owner of a use case promises, and what its people cost. A use case without its own gets the defaults."""

from typing import TYPE_CHECKING

from usecases.models import Promise, UseCase

if TYPE_CHECKING:
    from routing.replay.impact import People


def of(use_case: UseCase) -> Promise:
    """Return the promise of a use case; an unsaved one with the defaults where none was stated."""
    return Promise.objects.filter(use_case=use_case).first() or Promise(use_case=use_case)


def people(use_case: UseCase) -> "People":
    """Return what a review and an escalation of a use case cost, in dollars and minutes."""
    # Here, since NumPy comes with it: pages that ask for no numbers do not wait for that.
    from routing.replay.impact import People

    promise = of(use_case)
    return People(
        review_usd=promise.review_usd,
        escalation_usd=promise.escalation_usd,
        review_minutes=promise.review_minutes,
        escalation_minutes=promise.escalation_minutes,
    )
