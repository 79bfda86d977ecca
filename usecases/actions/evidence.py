"""Make an evidence pack for somebody, and record that they have it."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from audit import log
from usecases import evidence_pack, permissions
from usecases.evidence_pack import Made
from usecases.models import UseCase


def export(*, use_case: UseCase, since: datetime, until: datetime, by: User, reason: str = "") -> Made:
    """Make a pack of a use case from one moment until before another, and record who took it; the caller closes it.

    Whoever may see the use case may take it: nothing is in it that its pages do not show. Raises `Http404` for a
    stranger, `Refused` with every fault of the period, or where the record is not the one that was signed. Without the
    event that tells of it there is no pack.
    """
    permissions.check(by, "view", use_case)
    made = evidence_pack.make(evidence_pack.period_of(use_case, since, until), by.get_username())
    try:
        with transaction.atomic():
            _record(made, by, reason)
    except BaseException:
        made.file.close()
        raise
    return made


def _record(made: Made, by: User, reason: str) -> None:
    period, counts = made.manifest["period"], made.manifest["counts"]
    log.record(
        kind="evidence.exported",
        sentence=f"Evidence of {period['since'][:10]} until {period['until'][:10]} taken: {counts['events']:,} events.",
        by=by,
        use_case=made.period.slug,
        reason=reason.strip(),
        new={
            "manifest": made.digest,
            "since": period["since"],
            "until": period["until"],
            "events": counts["events"],
        },
    )
