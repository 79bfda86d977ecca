"""What an override in force means for others: lanes are judged against what was live before it."""

from typing import Any

from routing.engine.digest import digest
from usecases.models import Override, UseCase, Version
from usecases.publishing import latest


def in_force(use_case: UseCase) -> Override | None:
    """Return the override that has not ended yet, if there is one."""
    return Override.objects.filter(use_case=use_case, ended_at=None).first()


def ground(use_case: UseCase) -> dict[str, Any] | None:
    """Return the document that lanes are judged against while an override is live; None: the one that is live.

    Else what was loosened for an hour would count as live, and any later change would keep it without an approval.
    What was published on top was judged itself: from then on it counts, or what it tightened could be taken back.
    """
    override = in_force(use_case)
    if override is None:
        return None
    rows = Version.objects.filter(use_case=use_case, number__in=[override.version, override.returns_to])
    known = {version.number: version for version in rows}
    if digest(latest(use_case).document) != digest(known[override.version].document):
        return None
    document: dict[str, Any] = known[override.returns_to].document
    return document
