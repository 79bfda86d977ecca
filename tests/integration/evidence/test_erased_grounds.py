"""What was erased from the record is told from no table of an evidence pack either."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit import erasure, leaves, log
from audit.models import Event
from usecases import evidence_grounds
from usecases.actions import access_reviews, delegations, guardrails, lanes, one_pagers
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


def test_reasons_of_limits_and_words_of_a_one_pager_are_not_told_once_their_values_were_erased(
    use_case: UseCase, risk: User, ops: User
) -> None:
    begun = timezone.now()
    knobs = {
        "bands.answer.from": {"lane": [0.8, 1.0], "limit": [0.6, 1.0], "reason": "Complaint of a patient"}
    }
    lane = lanes.create(slug="shared", name="Shared", by=risk).lane
    guardrails.set_limits(use_case=use_case, knobs=knobs, approved_models=[], lanes=["shared"], by=risk)
    lanes.set_lane(
        lane=lane, by=risk, knobs={"bands.answer.from": {"lane": [0.7, 1.0], "reason": "A case we know"}}
    )
    one_pagers.keep(use_case=use_case, given={"answers": {"problem": "One clerk is slow"}}, by=ops)
    words = ("Complaint of a patient", "A case we know", "One clerk is slow")

    def told() -> str:
        period = Period(use_case, begun, timezone.now())
        found = [evidence_grounds.guardrails(period), evidence_grounds.lanes(period)]
        return str([*found, evidence_grounds.one_pager(period)])

    assert [one for one in words if one not in told()] == []
    for event in Event.objects.filter(
        use_case=use_case.slug, kind__in=["guardrail.set", "lane.set", "one_pager.written"]
    ):
        erasure.erase(event=event, fields=["old", "new"], by=log.System("admin"), reason="All of it")

    after = told()
    assert [one for one in words if one in after] == []
    assert "[0.8, 1.0]" in after, "numbers stay: they tell of nobody"
