"""A certificate from random audits of live answers: what counts for it, and what later labels do to it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from uuid6 import uuid7

from routing.actions import outcomes
from routing.models import Decision
from usecases import advice, promise_evidence, promise_standing, promises
from usecases.actions import certificates
from usecases.models import UseCase
from usecases.publishing import Refused, latest

Traffic = Callable[..., None]


@pytest.fixture
def traffic(use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> Traffic:
    """Return what stores answers of the large model, audited with one chance in five, each audit with its verdict."""
    from routing.history import SHARED

    monkeypatch.setattr(SHARED, "fresh_seconds", -1.0)

    def stored(
        count: int, at: datetime, *, wrong: int = 0, action: str = "answer", sure: float = 0.9
    ) -> None:
        made = [
            Decision(
                id=UUID(str(uuid7())),
                request_id=f"{at:%d%H%M}-{action}-{number}",
                use_case="claims",
                at=at + timedelta(seconds=number),
                received_at=timezone.now(),
                model="large",
                tried=[
                    {"model": model, "confidence": said, "cost_usd": 0.01, "latency_ms": 9.0}
                    for model, said in (("small", 0.1), ("large", sure))
                ],
                confidence=sure,
                signal="verbalised",
                action=action,
                audited=action == "answer" and number % 5 == 0,
                audit_share=0.2 if action == "answer" else 0.0,
            )
            for number in range(count)
        ]
        Decision.objects.bulk_create(made)
        labelled = [one for one in made if one.audited or action != "answer"]
        outcomes.store(
            [
                outcomes.Word("claims", place >= wrong, "audit", timezone.now(), decision_id=one.pk)
                for place, one in enumerate(labelled)
            ]
        )

    return stored


def so_far(use_case: UseCase, by: User) -> promise_standing.SoFar:
    evidence = promise_evidence.gathered(use_case, latest(use_case).document, by)
    return promise_standing.so_far(evidence, advice.stated(promises.of(use_case)))


def test_audits_count_reviews_do_not_and_the_rest_is_foretold(
    use_case: UseCase, ops: User, traffic: Traffic
) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    traffic(500, yesterday)
    traffic(300, yesterday, wrong=300, action="review", sure=0.7)
    found = so_far(use_case, ops)
    assert (found.labels, found.wrong, found.needed) == (100, 0, 149)
    assert found.missing == "149 clean labels needed, you have 100."
    assert found.days == 4  # a hundred came in a week
    with pytest.raises(Refused, match="149 clean labels needed, you have 100"):
        certificates.issue(use_case=use_case, by=ops)


@pytest.mark.parametrize(("wrong", "state"), [(0, "holds"), (3, "holds"), (20, "unsupported")])
def test_later_audits_hold_or_withdraw_it(
    use_case: UseCase, ops: User, traffic: Traffic, wrong: int, state: str
) -> None:
    traffic(1000, timezone.now() - timedelta(days=3))
    row = certificates.issue(use_case=use_case, by=ops)
    assert (row.labels, row.wrong) == (200, 0)
    assert promise_standing.standing_of(row, ops).headline == "Holds; no labels since"

    traffic(1000, timezone.now() - timedelta(days=1), wrong=wrong)
    found = promise_standing.standing_of(row, ops)
    assert found.state == state
    assert found.now is not None
    assert (found.now.labels, round(found.now.value * 200)) == (200, wrong)
    assert bool(found.reasons) == (state == "unsupported")
