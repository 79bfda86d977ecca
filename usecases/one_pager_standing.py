"""The one-pager of a use case as it stands."""

from usecases import one_pagers
from usecases.models import OnePager, UseCase


def held(use_case: UseCase) -> OnePager:
    """Return the one-pager; an empty one that is not kept yet where nobody has written anything."""
    return OnePager.objects.filter(use_case=use_case).first() or OnePager(use_case=use_case)


def state_of(use_case: UseCase) -> one_pagers.State:
    """Return how much of it is answered."""
    row = held(use_case)
    return one_pagers.completeness(row.answers, row.dpia, use_case.risk)
