"""One table: what somebody may by a loan of rights, by what the giver holds and by time."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.http import Http404
from django.utils import timezone
from guardian.shortcuts import assign_perm

from tests.documents import claims
from usecases import delegations, permissions, reviewing
from usecases.actions import approvals, changes, overrides
from usecases.models import Delegation, UseCase

VERBS = ("view", "tune", "approve", "kill", "review")


def lend(use_case: UseCase, giver: User, holder: User, verbs: list[str], **more: Any) -> Delegation:
    now = timezone.now()
    times = {"begins_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=2)}
    return Delegation.objects.create(
        use_case=use_case, giver=giver, holder=holder, verbs=verbs, reason="Away", **(times | more)
    )


def held(person: User, use_case: UseCase) -> set[str]:
    """What somebody may, asked anew, in the three ways in which the product asks."""
    fresh = User.objects.get(pk=person.pk)
    plain = {verb for verb in VERBS if permissions.can(fresh, verb, use_case)}
    cached = User.objects.get(pk=person.pk)
    permissions.read_once(cached)
    assert {verb for verb in VERBS if permissions.can(cached, verb, use_case)} == plain
    assert {v for v in VERBS if permissions.visible(fresh, v).filter(pk=use_case.pk).exists()} == plain
    return plain


GIVERS = {
    "ops": {"tune", "kill", "review"},
    "risk": {"approve", "kill"},
    "admin": {"tune", "approve", "kill", "review"},
    "stranger": set(),
}


@pytest.mark.parametrize("giver", GIVERS)
@pytest.mark.parametrize("verb", ["tune", "approve", "kill", "review"])
def test_a_loan_gives_what_the_giver_holds_and_sight_with_it(
    people: dict[str, User], use_case: UseCase, giver: str, verb: str
) -> None:
    holder = User.objects.create_user("holder")
    lend(use_case, people[giver], holder, [verb])

    assert held(holder, use_case) == ({"view", verb} if verb in GIVERS[giver] else set())


def test_who_does_not_see_a_use_case_lends_nothing_on_it(people: dict[str, User], use_case: UseCase) -> None:
    assign_perm("usecases.tune_usecase", people["stranger"], use_case)
    holder = User.objects.create_user("holder")
    lend(use_case, people["stranger"], holder, ["tune"])
    assert held(holder, use_case) == set()


def test_what_was_borrowed_is_not_lent_on(people: dict[str, User], use_case: UseCase) -> None:
    watcher, holder = people["stranger"], User.objects.create_user("holder")
    assign_perm("usecases.view_usecase", watcher, use_case)
    lend(use_case, people["ops"], watcher, ["tune"])
    lend(use_case, watcher, holder, ["tune"])
    assert (held(watcher, use_case), held(holder, use_case)) == ({"view", "tune"}, set())


def test_a_loan_begins_with_its_first_moment_and_is_over_at_its_last(
    people: dict[str, User], use_case: UseCase
) -> None:
    row, tick = lend(use_case, people["ops"], people["stranger"], ["tune"]), timedelta(microseconds=1)
    moments = (row.begins_at - tick, row.begins_at, row.ends_at - tick, row.ends_at)
    assert [delegations.in_force(moment).exists() for moment in moments] == [False, True, True, False]


def test_a_loan_ends_by_time_by_hand_and_with_its_giver(people: dict[str, User], use_case: UseCase) -> None:
    holder, now = User.objects.create_user("holder"), timezone.now()
    row = lend(use_case, people["ops"], holder, ["tune"])
    assert held(holder, use_case) == {"view", "tune"}

    Delegation.objects.update(ends_at=now - timedelta(seconds=1))
    assert held(holder, use_case) == set()
    Delegation.objects.update(ends_at=now + timedelta(days=1), begins_at=now + timedelta(hours=1))
    assert held(holder, use_case) == set()
    Delegation.objects.update(begins_at=now, ended_at=now)
    assert held(holder, use_case) == set()
    Delegation.objects.update(ended_at=None)
    assert held(holder, use_case) == {"view", "tune"}
    User.objects.filter(pk=row.giver_id).update(is_active=False)
    assert held(holder, use_case) == set()
    assert not delegations.in_force().exists(), "nor is it listed"
    User.objects.filter(pk=row.giver_id).update(is_active=True)
    people["ops"].groups.clear()
    assert held(holder, use_case) == set()
    people["ops"].groups.add(Group.objects.get(name="operations"))
    User.objects.filter(pk=holder.pk).update(is_active=False)
    assert held(holder, use_case) == set()


def test_what_is_borrowed_cannot_be_lent_on(people: dict[str, User], use_case: UseCase) -> None:
    first, second = User.objects.create_user("first"), User.objects.create_user("second")
    lend(use_case, people["ops"], first, ["tune"])
    lend(use_case, first, second, ["tune"])

    assert held(first, use_case) == {"view", "tune"}
    assert held(second, use_case) == set()


def test_a_loan_on_one_use_case_says_nothing_of_another(people: dict[str, User], use_case: UseCase) -> None:
    other = UseCase.objects.create(slug="other", name="Other", owner="x")
    permissions.grant_to_role_groups(other)
    holder = User.objects.create_user("holder")
    lend(use_case, people["ops"], holder, ["tune"])

    assert held(holder, other) == set()
    with pytest.raises(Http404):
        permissions.check(holder, "view", other)


def test_an_approval_by_a_right_that_the_author_lent_does_not_count(
    people: dict[str, User], use_case: UseCase
) -> None:
    admin, friend = people["admin"], User.objects.create_user("friend")
    change = changes.submit(use_case=use_case, document=claims(0.7), by=admin)
    lend(use_case, admin, friend, ["approve"])
    assert not reviewing.review_of(change).waits_for(friend)
    with pytest.raises(permissions.Forbidden, match="lent you"):
        approvals.approve(change=change, by=friend)

    loan = lend(use_case, people["risk"], friend, ["approve"])
    approvals.approve(change=change, by=friend)
    assert reviewing.review_of(change).approved_by == ["friend"]

    loan.delete()
    (verdict,) = reviewing.review_of(change).verdicts
    assert (verdict.counts, verdict.why) == (
        False,
        "Does not count: the right to approve was lent by the change's author.",
    )


def test_an_override_is_not_looked_at_by_a_right_that_its_author_lent(
    people: dict[str, User], use_case: UseCase
) -> None:
    friend = User.objects.create_user("friend")
    row = overrides.override(use_case=use_case, document=claims(0.7), by=people["admin"], reason="Storm")
    lend(use_case, people["admin"], friend, ["approve"])
    with pytest.raises(permissions.Forbidden, match="not lent"):
        overrides.review(override=row, by=friend)

    lend(use_case, people["risk"], friend, ["approve"])
    assert overrides.review(override=row, by=friend).reviewed_by == "friend"
