"""What an override in force means for others: lanes are judged against what was live before it."""

from collections.abc import Mapping
from typing import Any

from routing.engine.digest import digest
from usecases.models import Override, UseCase, Version
from usecases.publishing import newest_of, versions_at


def in_force(use_case: UseCase) -> Override | None:
    """Return the override that has not ended yet, if there is one."""
    return Override.objects.filter(use_case=use_case, ended_at=None).select_related("person").first()


def ground(use_case: UseCase) -> dict[str, Any] | None:
    """Return the document that lanes are judged against while an override is live; None: the one that is live.

    Else what was loosened for an hour would count as live, and any later change would keep it without an approval.
    What was published on top was judged itself: from then on it counts, or what it tightened could be taken back.
    """
    return grounds({use_case.pk: None}).get(use_case.pk)


def grounds(standings: Mapping[int, Version | None]) -> dict[int, dict[str, Any]]:
    """Return the grounds of several use cases by their keys; none where what is live counts.

    `standings`: their newest versions, None where it was not read yet.
    """
    rows = {row.use_case_id: row for row in Override.objects.filter(use_case__in=standings, ended_at=None)}
    if not rows:
        return {}
    known = versions_at({(pk, n) for pk, row in rows.items() for n in (row.version, row.returns_to)})
    unread = newest_of(pk for pk in rows if standings[pk] is None)
    found = {}
    for pk, row in rows.items():
        live = standings[pk] or unread[pk]
        if digest(live.document) == digest(known[pk, row.version].document):
            found[pk] = known[pk, row.returns_to].document
    return found
