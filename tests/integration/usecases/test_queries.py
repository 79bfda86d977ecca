"""Pages and rechecks ask the database as often for many use cases, open changes and lanes as for a few."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.documents import LOOSE, claims
from tests.integration.usecases.actions.test_golden_sets import CASES
from usecases.actions import (
    access_reviews,
    approvals,
    changes,
    delegations,
    golden_sets,
    guardrails,
    lanes,
    overrides,
    use_cases,
)
from usecases.models import Lane, UseCase

KNOBS = {
    "bands.answer.from": {"lane": [0.75, 0.95], "limit": [0.6, 1.0], "step": {"at_most": 0.01, "hours": 24}}
}
TERMS = {
    "approvals": 3,
    "approvers": {"groups": ["risk", "admin"], "people": []},
    "certificate_needed": True,
    "golden_set": {"name": "core", "at_least": 0.5},
}
WHOLE = ("/", "/lanes", "/lanes/l0", "/approvals", "/access-reviews", "/access-reviews/1", "/units")
OF_ONE = ("", "tune", "changes", "approvals/2", "guardrails", "access", "one-pager", "golden-sets")


@pytest.fixture
def risk2(people: dict[str, User]) -> User:
    made = User.objects.create_user("risk2")
    made.groups.add(Group.objects.get(name="risk"))
    return made


@pytest.fixture
def substitute(people: dict[str, User]) -> User:
    """Somebody who approves by what others have lent them alone."""
    return User.objects.create_user("substitute")


def fresh(person: User) -> User:
    """Return a person with nothing remembered of their rights."""
    return User.objects.get(pk=person.pk)


def add_use_case(slug: str, people: dict[str, User], risk2: User, substitute: User) -> None:
    """Make a use case that has everything a page could read once too often."""
    admin, risk, ops = (fresh(people[name]) for name in ("admin", "risk", "ops"))
    made = use_cases.create(slug=slug, name=slug, owner="desk", document=claims(), by=admin).use_case
    golden_sets.keep(use_case=made, name="core", cases=CASES, by=risk)
    guardrails.set_limits(
        use_case=made, knobs=KNOBS, approved_models=[], by=risk, terms=TERMS, lanes=["l0", "l1"]
    )
    delegations.lend(
        use_case=made,
        to=substitute,
        verbs=["approve"],
        until=timezone.now() + timedelta(days=2),
        by=risk,
        reason="On leave",
    )
    made = UseCase.objects.get(slug=slug)
    overrides.override(use_case=made, document=claims(0.72), by=admin, reason="An incident")
    for answer_from in (LOOSE, 0.71):
        change = changes.submit(use_case=made, document=claims(answer_from), by=ops)
        for one in (risk, risk2):
            approvals.approve(change=change, by=fresh(one))


def add_lanes(first: int, last: int, admin: User) -> None:
    for number in range(first, last):
        lanes.create(
            slug=f"l{number}",
            name=f"Lane {number}",
            by=admin,
            knobs={"bands.answer.from": {"lane": [0.7, 1]}},
        )


def asked(person: User) -> dict[str, int]:
    """Return how many queries each page takes, once caches are warm."""
    client, found = Client(), {}
    client.force_login(fresh(person))
    for path in (*WHOLE, *(f"/use-cases/u0/{tab}" for tab in OF_ONE)):
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code in (200, 403), path
        found[path] = len(queries)
    return found


def recheck(admin: User) -> int:
    """Return how many queries it takes to see what setting a shared lane would do."""
    with CaptureQueriesContext(connection) as queries:
        done = lanes.set_lane(
            lane=Lane.objects.get(slug="l0"),
            by=fresh(admin),
            dry_run=True,
            knobs={"bands.answer.from": {"lane": [0.8, 1]}},
        )
    assert all(len(one.voided) == 2 for one in done.rechecked)
    return len(queries)


def test_more_of_everything_takes_no_more_queries(
    people: dict[str, User], risk2: User, substitute: User
) -> None:
    admin = people["admin"]
    add_lanes(0, 2, admin)
    add_use_case("u0", people, risk2, substitute)
    access_reviews.start(by=fresh(admin), due_at=timezone.now() + timedelta(days=9))
    viewers = (people["risk"], substitute)
    few, before = [asked(viewer) for viewer in viewers], recheck(admin)
    add_lanes(2, 6, admin)
    for slug in ("u1", "u2"):
        add_use_case(slug, people, risk2, substitute)
    assert [asked(viewer) for viewer in viewers] == few
    assert recheck(admin) == before
