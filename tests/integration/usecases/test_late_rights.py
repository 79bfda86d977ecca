"""Who approves by a right that came late is told of on the change's page: two may arrange what one may not."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from audit import log
from tests.documents import LOOSE, claims
from usecases import late_rights
from usecases.actions import access, approvals, changes, delegations
from usecases.models import Change, UseCase
from usecases.reviewing import review_of


def told(change: Change, by: User) -> list[str]:
    """Approve, and return what is said of all approvals."""
    approvals.approve(change=change, by=User.objects.get(pk=by.pk))
    return list(late_rights.notes(review_of(change)).values())


def test_a_right_given_since_is_told_of_and_one_from_before_is_not(
    client: Any, use_case: UseCase, ops: User, risk: User, admin: User, stranger: User
) -> None:
    change = changes.submit(use_case=use_case, document=claims(LOOSE), by=ops)
    assert told(change, risk) == []
    access.grant(use_case=use_case, to=stranger, verbs=["approve"], by=admin, reason="Helps out")

    assert told(change, stranger) == ["Was given the right to approve by admin, 0 minutes before."]
    client.force_login(risk)
    page = client.get(reverse("change", args=["claims", change.number])).content.decode()
    assert page.count("Was given the right to approve by admin") == 1


def test_a_loan_and_a_group_that_the_provider_gave_are_told_of_too(
    use_case: UseCase, ops: User, risk: User, admin: User, stranger: User
) -> None:
    other = User.objects.create_user("other")
    until = timezone.now() + timedelta(days=1)
    change = changes.submit(use_case=use_case, document=claims(LOOSE), by=ops)
    delegations.lend(use_case=use_case, to=stranger, verbs=["approve"], until=until, by=risk, reason="Away")
    other.groups.add(Group.objects.get(name="risk"))
    log.record(
        kind="person.groups_set",
        sentence="other joined risk.",
        by=log.System("sign-in"),
        old={"groups": []},
        new={"groups": ["risk"]},
    )
    assert len(told(change, stranger)) == 1
    assert len(told(change, other)) == 2


def test_rights_that_have_been_held_for_long_are_no_news(
    use_case: UseCase, ops: User, admin: User, stranger: User
) -> None:
    access.grant(use_case=use_case, to=stranger, verbs=["view", "approve"], by=admin, reason="Joins")
    change = changes.submit(use_case=use_case, document=claims(LOOSE), by=ops)
    later = timezone.now() + timedelta(hours=2)
    approvals.approve(change=change, by=User.objects.get(pk=stranger.pk))
    Change.objects.filter(pk=change.pk).update(submitted_at=later)
    change.approvals.update(at=later)
    assert late_rights.notes(review_of(Change.objects.get(pk=change.pk))) == {}
