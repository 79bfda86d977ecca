"""What was erased from the record is told from no table of an evidence pack either."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit import erasure, leaves, log
from audit.models import Event
from usecases import evidence_grounds
from usecases.actions import access_reviews, delegations
from usecases.evidence_files import Period
from usecases.models import UseCase


def test_who_lent_what_to_whom_is_not_told_from_tables_once_it_was_erased(
    use_case: UseCase, people: dict[str, User]
) -> None:
    begun = timezone.now()
    delegations.lend(
        use_case=use_case, to=people["stranger"], verbs=["tune"], until=begun + timedelta(days=2), by=people["ops"],
        reason="On sick leave",
    )  # fmt: skip
    review = access_reviews.start(by=people["admin"], due_at=begun + timedelta(days=2), use_case=use_case)
    line = review.lines.get(holder_kind="delegation")
    seen = {line.pk: line.verbs}
    access_reviews.decide(review=review, seen=seen, verdict="revoked", by=people["admin"], comment="Is well")
    period = Period(use_case, begun, timezone.now())
    assert "On sick leave" in str(evidence_grounds.access(period))

    for event in Event.objects.filter(use_case=use_case.slug):
        erasure.erase(event=event, fields=leaves.ERASABLE, by=log.System("admin"), reason="All of it")

    found = evidence_grounds.access(Period(use_case, begun, timezone.now()))
    told = str(
        [found["delegations"], [one for one in found["reviews"] if one["holder_kind"] == "delegation"]]
    )
    for words in ("On sick leave", "Is well", "stranger", "'ops'", "'admin'"):
        assert words not in told, told
