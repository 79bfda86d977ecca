"""Each action on rights: it changes, it refuses, unchanged it writes nothing, and without its record nothing holds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from guardian.models import GroupObjectPermission, UserObjectPermission

from audit.models import Event
from tests.record import failing_record
from usecases import permissions
from usecases.access import Access, verbs_of
from usecases.actions import access, access_reviews, delegations, units
from usecases.change_tasks import keep_time
from usecases.models import AccessReview, AccessReviewLine, BusinessUnit, Delegation, UnitUseCase, UseCase
from usecases.publishing import Refused

People = dict[str, User]


def soon(days: float = 7) -> Any:
    return timezone.now() + timedelta(days=days)


@pytest.fixture
def unit(admin: User) -> BusinessUnit:
    return units.create(slug="claims-unit", name="Claims", by=admin, reason="They own it")


@pytest.fixture
def loan(use_case: UseCase, people: People) -> Delegation:
    return delegations.lend(
        use_case=use_case,
        to=people["stranger"],
        verbs=["tune"],
        until=soon(),
        by=people["ops"],
        reason="Away",
    )


@pytest.fixture
def review(use_case: UseCase, admin: User, loan: Delegation) -> AccessReview:
    return access_reviews.start(by=admin, due_at=soon(), reason="Every quarter", use_case=use_case)


def line(review: AccessReview, holder: str) -> AccessReviewLine:
    return review.lines.get(holder=holder)


def said(review: AccessReview, holder: str, verdict: str, by: User, comment: str = "") -> Any:
    row = line(review, holder)
    return access_reviews.decide(
        review=review, seen={row.pk: row.verbs}, verdict=verdict, by=by, comment=comment
    )


def may(person: User, use_case: UseCase) -> list[str]:
    fresh = User.objects.get(pk=person.pk)
    return [verb for verb in permissions.WORDS if permissions.can(fresh, verb, use_case)]


def last() -> Event:
    return Event.objects.latest("id")


# What each action needs beside a use case, and how it is called in somebody's name.
ACTIONS: dict[str, Callable[[Any, User], Any]] = {
    "grant": lambda c, by: access.grant(
        use_case=c.use_case, to=c.people["stranger"], verbs=["review"], by=by, reason="New here"
    ),
    "revoke": lambda c, by: access.revoke(
        use_case=c.use_case, holder=Group.objects.get(name="operations"), by=by
    ),
    "lend": lambda c, by: delegations.lend(
        use_case=c.use_case, to=c.friend, verbs=["kill"], until=c.until, by=by, reason="On call"
    ),
    "end": lambda c, by: delegations.end(delegation=c.loan, by=by),
    "create": lambda c, by: units.create(slug="other", name="Other", by=by),
    "rename": lambda c, by: units.rename(unit=c.unit, name="Claims, north", by=by),
    "place": lambda c, by: units.place(use_case=c.use_case, unit=c.unit, by=by),
    "add": lambda c, by: units.add_person(unit=c.unit, role="operations", person=c.friend, by=by),
    "start": lambda c, by: access_reviews.start(by=by, due_at=c.until, use_case=c.use_case),
    "decide": lambda c, by: said(c.review, "operations", "revoked", by),
}
MANAGERS, EVERYBODY = {"admin"}, {"ops", "risk", "admin"}
ALLOWED = {
    "grant": MANAGERS,
    "revoke": MANAGERS,
    "lend": EVERYBODY,
    "end": {"ops", "admin"},
    "create": MANAGERS,
    "rename": MANAGERS,
    "place": MANAGERS,
    "add": MANAGERS,
    "start": {"risk", "admin"},
    "decide": {"risk", "admin"},
}
WHOLE_CONSOLE = {"create", "rename", "add"}  # a stranger is told that they may not, of nothing that is hidden


class Cast:
    def __init__(self, use_case: UseCase, people: People, unit: BusinessUnit, loan: Delegation) -> None:
        self.use_case, self.people, self.unit, self.loan = use_case, people, unit, loan
        self.friend = User.objects.create_user("friend")
        self.until = soon()
        self.review = access_reviews.start(by=people["admin"], due_at=soon(9))


@pytest.fixture
def cast(use_case: UseCase, people: People, unit: BusinessUnit, loan: Delegation) -> Cast:
    return Cast(use_case, people, unit, loan)


def outcome(cast: Cast, action: str, by: User) -> str:
    """Carry an action out and take it back; say how it ended."""
    before = Event.objects.count()
    with transaction.atomic():
        try:
            ACTIONS[action](cast, by)
            told = "done" if Event.objects.count() > before else "unchanged"
        except Http404:
            told = "hidden"
        except PermissionDenied:
            told = "forbidden"
        transaction.set_rollback(True)
    return told


def test_who_may_do_which(cast: Cast) -> None:
    cast.people["outsider"] = User.objects.create_user("outsider")
    wrong = []
    for action in ACTIONS:
        for who in ("ops", "risk", "admin", "outsider"):
            hidden = who == "outsider" and action not in WHOLE_CONSOLE
            want = "done" if who in ALLOWED[action] else "hidden" if hidden else "forbidden"
            got = outcome(cast, action, cast.people[who])
            wrong += [(action, who, want, got)] if got != want else []
    assert not wrong


def test_the_same_again_writes_nothing(cast: Cast) -> None:
    for action in ACTIONS:
        with transaction.atomic():
            ACTIONS[action](cast, cast.people["admin"])
            before = Event.objects.count(), snapshot()
            if action == "create":
                with pytest.raises(Refused, match="already"):
                    ACTIONS[action](cast, cast.people["admin"])
            else:
                ACTIONS[action](cast, cast.people["admin"])
            assert (Event.objects.count(), snapshot()) == before, action
            transaction.set_rollback(True)


def test_who_may_no_longer_see_may_do_nothing_else(use_case: UseCase, people: People) -> None:
    holder = Group.objects.get(name="operations")
    assert access.revoke(use_case=use_case, holder=holder, verbs=["kill"], by=people["admin"]) == [
        "view",
        "tune",
        "review",
    ]
    assert access.revoke(use_case=use_case, holder=holder, verbs=["view"], by=people["admin"]) == []
    assert may(people["ops"], use_case) == []


def test_a_failing_audit_row_rolls_all_back(cast: Cast) -> None:
    before = snapshot()
    for action in ACTIONS:
        with failing_record():
            ACTIONS[action](cast, cast.people["admin"])
        assert snapshot() == before, action


def snapshot() -> Any:
    tables: list[Any] = [
        GroupObjectPermission,
        UserObjectPermission,
        Delegation,
        BusinessUnit,
        UnitUseCase,
        Group,
    ]
    tables += [AccessReview, AccessReviewLine, User.groups.through]
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_a_right_given_and_taken_back_stands_in_the_record(use_case: UseCase, people: People) -> None:
    admin, stranger = people["admin"], people["stranger"]
    with pytest.raises(Refused, match="Say why"):
        access.grant(use_case=use_case, to=stranger, verbs=["tune"], by=admin)

    assert access.grant(use_case=use_case, to=stranger, verbs=["tune"], by=admin, reason="Joins") == [
        "view",
        "tune",
    ]
    assert may(stranger, use_case) == ["view", "tune"]
    assert (last().kind, last().sentence, last().reason) == (
        "access.granted",
        "stranger may now see, tune.",
        "Joins",
    )
    assert access.revoke(use_case=use_case, holder=stranger, verbs=["tune"], by=admin) == ["view"]
    assert access.revoke(use_case=use_case, holder=stranger, verbs=["view"], by=admin) == []
    assert may(stranger, use_case) == []
    assert last().old == {"person": "stranger", "rights": ["view"]}


def test_nobody_gives_rights_to_themselves_and_nobody_is_locked_out(
    use_case: UseCase, people: People
) -> None:
    admin = people["admin"]
    keeper = User.objects.create_user("keeper")
    keeper.user_permissions.add(*Group.objects.get(name="admin").permissions.all())
    permissions.grant(keeper, "risk", use_case)
    for to in (keeper, Group.objects.create(name="mine")):
        if isinstance(to, Group):
            keeper.groups.add(to)
        with pytest.raises(permissions.Forbidden, match="themselves"):
            access.grant(use_case=use_case, to=to, verbs=["tune"], by=keeper, reason="Handy")
    access.revoke(use_case=use_case, holder=keeper, by=admin)

    with pytest.raises(Refused, match="nobody who sees"):
        access.revoke(use_case=use_case, holder=Group.objects.get(name="admin"), by=admin)
    assert may(admin, use_case) == ["view", "tune", "approve", "kill", "review"]


def test_unknown_rights_and_sleeping_accounts_are_refused(use_case: UseCase, people: People) -> None:
    sleeper = User.objects.create_user("sleeper", is_active=False)
    with pytest.raises(Refused, match="may not sign in"):
        access.grant(use_case=use_case, to=sleeper, verbs=["tune"], by=people["admin"], reason="x")
    with pytest.raises(Refused, match="no right “fly”"):
        access.grant(use_case=use_case, to=people["stranger"], verbs=["fly"], by=people["admin"], reason="x")


def test_a_unit_takes_over_a_use_case_and_gives_it_back(
    use_case: UseCase, people: People, unit: BusinessUnit
) -> None:
    admin, ops, risk, friend = (
        people["admin"],
        people["ops"],
        people["risk"],
        User.objects.create_user("friend"),
    )
    units.add_person(unit=unit, role="operations", person=friend, by=admin)
    assert may(friend, use_case) == []

    units.place(use_case=use_case, unit=unit, by=admin, reason="Theirs")
    assert may(friend, use_case) == ["view", "tune", "kill", "review"]
    assert may(ops, use_case) == []
    assert may(risk, use_case) == ["view", "approve", "kill"]
    assert (last().kind, last().use_case) == ("unit.placed", "claims")

    other = units.create(slug="other", name="Other", by=admin)
    units.place(use_case=use_case, unit=other, by=admin)
    assert (may(friend, use_case), may(ops, use_case)) == ([], [])
    units.place(use_case=use_case, unit=None, by=admin)
    assert may(ops, use_case) == ["view", "tune", "kill", "review"]
    assert set(GroupObjectPermission.objects.values_list("group__name", flat=True)) == {
        "operations",
        "risk",
        "admin",
    }

    units.remove_person(unit=unit, role="operations", person=friend, by=admin)
    units.remove_person(unit=unit, role="operations", person=friend, by=admin)
    assert Event.objects.filter(kind="unit.person_removed").count() == 1


def test_people_of_a_unit_are_named_by_who_sees_all_that_it_holds(
    use_case: UseCase, people: People, unit: BusinessUnit
) -> None:
    admin, friend = people["admin"], people["stranger"]
    second = User.objects.create_user("second")
    second.groups.set(admin.groups.all())
    units.place(use_case=use_case, unit=unit, by=admin)
    units.add_person(unit=unit, role="admin", person=second, by=admin)
    access.revoke(use_case=use_case, holder=Group.objects.get(name="admin"), by=second, reason="Apart")
    assert may(admin, use_case) == []

    for act in (units.add_person, units.remove_person):
        with pytest.raises(permissions.Forbidden, match="sees all"):
            act(unit=unit, role="admin", person=friend, by=User.objects.get(pk=admin.pk))
    with pytest.raises(permissions.Forbidden, match="sees all"):
        units.remove_person(unit=unit, role="admin", person=second, by=User.objects.get(pk=admin.pk))
    with pytest.raises(Refused, match="nobody who sees"):
        units.remove_person(unit=unit, role="admin", person=second, by=second)
    units.add_person(unit=unit, role="operations", person=friend, by=second)
    assert may(friend, use_case) == ["view", "tune", "kill", "review"]


def test_nobody_places_a_use_case_where_they_would_gain_by_it(
    use_case: UseCase, people: People, unit: BusinessUnit
) -> None:
    admin, second = people["admin"], User.objects.create_user("second")
    second.groups.set(admin.groups.all())
    units.add_person(unit=unit, role="operations", person=admin, by=second)
    everything_else = ["tune", "approve", "kill", "review"]
    access.revoke(use_case=use_case, holder=Group.objects.get(name="admin"), verbs=everything_else, by=second)

    admin, second = (User.objects.get(pk=person.pk) for person in (admin, second))
    with pytest.raises(permissions.Forbidden, match="give yourself rights"):
        units.place(use_case=use_case, unit=unit, by=admin)
    assert may(admin, use_case) == ["view"]
    units.place(use_case=use_case, unit=unit, by=second)
    assert may(admin, use_case) == ["view", "tune", "kill", "review"]


def test_a_unit_takes_over_no_group_that_is_there_already(admin: User, unit: BusinessUnit) -> None:
    Group.objects.create(name="cards-risk")
    with pytest.raises(Refused, match="cards-risk"):
        units.create(slug="cards", name="Cards", by=admin)
    for slug, name in (("Not a slug", "Cards"), ("cards2", "Claims"), ("cards2", "")):
        with pytest.raises(Refused):
            units.create(slug=slug, name=name, by=admin)
    with pytest.raises(Refused, match="no role"):
        units.add_person(unit=unit, role="king", person=User.objects.create_user("x"), by=admin)
    with pytest.raises(permissions.Forbidden, match="themselves"):
        units.add_person(unit=unit, role="risk", person=admin, by=admin)


def test_a_loan_is_given_of_what_one_holds_for_a_reason_and_a_time(use_case: UseCase, people: People) -> None:
    ops, stranger = people["ops"], people["stranger"]
    more: dict[str, Any] = {"use_case": use_case, "by": ops}
    with pytest.raises(Refused) as refusal:
        delegations.lend(to=ops, verbs=[], until=soon(91), reason=" ", **more)
    assert [error["path"] for error in refusal.value.errors] == ["to", "verbs", "until", "reason"]
    sleeper = User.objects.create_user("sleeper", is_active=False)
    with pytest.raises(Refused, match="may not sign in"):
        delegations.lend(to=sleeper, verbs=["tune"], until=soon(), reason="x", **more)
    with pytest.raises(permissions.Forbidden, match="do not hold that"):
        delegations.lend(to=stranger, verbs=["approve"], until=soon(), reason="x", **more)

    delegations.lend(to=stranger, verbs=["kill", "tune"], until=soon(90 - 0.001), reason="Away", **more)
    assert may(stranger, use_case) == ["view", "tune", "kill"]
    with pytest.raises(permissions.Forbidden, match="do not hold that"):  # no chains
        delegations.lend(
            use_case=use_case, to=people["risk"], verbs=["tune"], until=soon(), by=stranger, reason="On"
        )


def test_a_loan_is_over_by_hand_or_by_itself_and_that_is_recorded_once(
    use_case: UseCase, people: People, loan: Delegation
) -> None:
    with pytest.raises(permissions.Forbidden, match="ended by who"):
        delegations.end(delegation=loan, by=people["risk"])
    keep_time()
    assert may(people["stranger"], use_case) == ["view", "tune"]

    Delegation.objects.update(ends_at=timezone.now() - timedelta(minutes=1))
    keep_time()
    keep_time()

    events = Event.objects.filter(kind="delegation.ended")
    assert [(event.actor, event.sentence) for event in events] == [
        ("delegation", "What ops lent stranger ended by itself: tune.")
    ]
    for by in ("ops", "stranger"):
        row = delegations.lend(
            use_case=use_case,
            to=people["stranger"],
            verbs=["kill"],
            until=soon(),
            by=people["ops"],
            reason="Away",
        )
        assert delegations.end(delegation=row, by=people[by]).ended_by == by
        assert may(people["stranger"], use_case) == []


def test_a_review_has_a_line_for_every_right_and_revoking_takes_it_away(
    use_case: UseCase, people: People, review: AccessReview
) -> None:
    risk = people["risk"]
    held = {(row.holder_kind, row.holder): row.verbs for row in review.lines.all()}
    assert held == {
        ("group", "admin"): ["view", "tune", "approve", "kill", "review"],
        ("group", "operations"): ["view", "tune", "kill", "review"],
        ("group", "risk"): ["view", "approve", "kill"],
        ("delegation", "ops → stranger"): ["view", "tune"],
    }
    said(review, "ops → stranger", "revoked", risk, "Back from holidays")
    assert may(people["stranger"], use_case) == []
    with pytest.raises(PermissionDenied, match="may go through all of"):
        access_reviews.close(review=review, by=people["ops"])
    said(review, "operations", "revoked", risk)
    assert may(people["ops"], use_case) == []
    said(review, "admin", "confirmed", risk)
    with pytest.raises(Refused, match="1 line wait"):
        access_reviews.close(review=review, by=people["admin"])
    said(review, "risk", "confirmed", people["admin"])
    done = access_reviews.close(review=review, by=people["admin"])
    assert access_reviews.close(review=review, by=people["admin"]).closed_at == done.closed_at
    assert last().sentence == "Access review 1 of Claims summarisation closed: 2 confirmed, 2 taken back."
    with pytest.raises(Refused, match="is closed"):
        said(review, "risk", "confirmed", people["admin"])


def test_nobody_judges_their_own_rights(use_case: UseCase, people: People) -> None:
    admin, risk = people["admin"], people["risk"]
    access.grant(use_case=use_case, to=risk, verbs=["tune"], by=admin, reason="For a week")
    delegations.lend(
        use_case=use_case, to=people["ops"], verbs=["approve"], until=soon(), by=risk, reason="Away"
    )
    review = access_reviews.start(by=admin, due_at=soon())
    people["ops"].groups.add(Group.objects.get(name="admin"))

    own = [row.pk for row in review.lines.filter(holder_kind="person")]
    for pk in (*own, line(review, "risk → ops").pk):
        for verdict in ("confirmed", "revoked"):
            with pytest.raises(permissions.Forbidden, match="another reviewer"):
                access_reviews.decide(
                    review=review,
                    seen={pk: AccessReviewLine.objects.get(pk=pk).verbs},
                    verdict=verdict,
                    by=risk,
                )
    row = review.lines.get(holder="risk", holder_kind="group")
    with pytest.raises(permissions.Forbidden, match="another reviewer"):  # a group of one is that person
        access_reviews.decide(review=review, seen={row.pk: row.verbs}, verdict="confirmed", by=risk)
    said(review, "admin", "confirmed", risk)


def test_a_right_that_changed_meanwhile_is_looked_at_again(
    use_case: UseCase, people: People, review: AccessReview, loan: Delegation
) -> None:
    admin, group = people["admin"], Group.objects.get(name="operations")
    access.revoke(use_case=use_case, holder=group, verbs=["kill"], by=admin)
    with pytest.raises(Refused, match="Look at it again"):
        said(review, "operations", "confirmed", admin)
    row = line(review, "operations")
    access_reviews.decide(
        review=review, seen={row.pk: ["view", "tune", "review"]}, verdict="confirmed", by=admin
    )
    assert line(review, "operations").verbs == ["view", "tune", "review"]
    with pytest.raises(Refused, match="already"):
        said(review, "operations", "revoked", admin)

    delegations.end(delegation=loan, by=people["ops"])
    said(review, "ops → stranger", "confirmed", admin)
    assert line(review, "ops → stranger").verdict == "gone"


def test_everybody_on_the_list_may_what_it_says_and_nobody_else(
    use_case: UseCase, people: People, loan: Delegation
) -> None:
    admin = people["admin"]
    User.objects.create_superuser("root")
    access.grant(use_case=use_case, to=people["risk"], verbs=["review"], by=admin, reason="For a week")
    access.grant(
        use_case=use_case, to=Group.objects.create(name="empty"), verbs=["tune"], by=admin, reason="Soon"
    )
    asleep = User.objects.create_user("asleep")
    access.grant(use_case=use_case, to=asleep, verbs=["tune"], by=admin, reason="Was here")
    User.objects.filter(pk=asleep.pk).update(is_active=False)

    found = Access(use_case)

    told = {row.name: row.verbs for row in found.rows}
    assert told == {one.username: may(one, use_case) for one in User.objects.all() if may(one, use_case)}
    sources = {row.name: [source.words for source in row.sources["view"]] for row in found.rows}
    assert sources["stranger"] == ["lent by ops"]
    assert sources["risk"] == ["personally", "group risk"]
    assert verbs_of(asleep, use_case) == ["view", "tune"]
    assert [given.name for given in found.people if not given.active] == ["asleep"]
