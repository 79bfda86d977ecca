"""What one version did to decisions: what it promised over the week before it, and what came of it since.

Both compare its document with the one before it. A kill or a restore leaves the document as it is: only the state
differs then, and there is nothing to replay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.http import Http404
from django.utils import timezone

from routing.engine.digest import digest
from usecases.models import UseCase, Version

BEFORE: Final = timedelta(days=7)
PARTS: Final = ("then", "since")


@dataclass(frozen=True, slots=True)
class Effect:
    """A version beside the one before it, and which decisions tell what it did; `until` None: up to now."""

    part: str
    before: Version
    after: Version
    since: datetime
    until: datetime | None

    @property
    def window(self) -> dict[str, Any]:
        """The decisions as a what-if takes them."""
        return {"since": self.since} | ({"until": self.until} if self.until else {})


def effect(use_case: UseCase, number: int, part: str) -> Effect:
    """Return one part of what a version did. Raises `Http404` where it, or one before it, does not exist."""
    around = Version.objects.filter(use_case=use_case, number__in=[number - 1, number, number + 1])
    known = {version.number: version for version in around}
    if number not in known or number - 1 not in known:
        raise Http404(f"There is no r{number} of “{use_case.name}” with a version before it.")
    after, following = known[number], known.get(number + 1)
    if part == "then":
        since, until = after.created_at - BEFORE, after.created_at
        return Effect(part, known[number - 1], after, since, until)
    return Effect(
        part, known[number - 1], after, after.created_at, following.created_at if following else None
    )


def same_document(before: Version, after: Version) -> bool:
    """Tell whether two versions decide alike while they are live: key order and number spelling do not count."""
    return digest(before.document) == digest(after.document)


def really(slug: str, since: datetime, until: datetime | None) -> Mapping[str, int]:
    """Return how many decisions were really answered, reviewed and escalated between two moments."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT action, count(*) FROM routing_decision"
            " WHERE use_case = %s AND at >= %s AND at < %s GROUP BY action",
            [slug, since, until or timezone.now()],
        )
        return {"answer": 0, "review": 0, "escalate": 0} | dict(cursor.fetchall())
