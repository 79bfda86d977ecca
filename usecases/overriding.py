"""What an override in force means for others: lanes are judged against what was live before it."""

from typing import Any

from usecases.models import Override, UseCase, Version


def in_force(use_case: UseCase) -> Override | None:
    """Return the override that has not ended yet, if there is one."""
    return Override.objects.filter(use_case=use_case, ended_at=None).first()


def ground(use_case: UseCase) -> dict[str, Any] | None:
    """Return the document that lanes are judged against while an override is in force; None: the one that is live.

    Else what was loosened for an hour would count as live, and any later change would keep it without an approval.
    """
    override = in_force(use_case)
    if override is None:
        return None
    before = Version.objects.get(use_case=use_case, number=override.returns_to)
    document: dict[str, Any] = before.document
    return document
