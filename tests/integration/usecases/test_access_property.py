"""Whatever is given and lent among some people, a loan gives nothing that its giver does not hold by themselves."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usecases import permissions
from usecases.access import VERBS, Access
from usecases.models import Delegation, UseCase

PEOPLE = range(4)
HELD = st.lists(st.frozensets(st.sampled_from(VERBS)), min_size=4, max_size=4)
LOANS = st.lists(
    st.fixed_dictionaries(
        {
            "giver": st.sampled_from(PEOPLE),
            "holder": st.sampled_from(PEOPLE),
            "verbs": st.lists(st.sampled_from([*VERBS, "fly"]), unique=True),
            "begins": st.sampled_from([-3, -1, 1]),
            "ends": st.sampled_from([-2, 2]),
            "ended": st.booleans(),
        }
    ),
    max_size=8,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=HELD, loans=LOANS, asleep=st.frozensets(st.sampled_from(PEOPLE), max_size=1))
def test_a_loan_gives_nothing_that_its_giver_lacks(
    use_case: UseCase, held: Any, loans: list[dict[str, Any]], asleep: frozenset[int]
) -> None:
    with transaction.atomic():
        people = [User.objects.create(username=f"p{n}", is_active=n not in asleep) for n in PEOPLE]
        for person, verbs in zip(people, held, strict=True):
            for verb in verbs:
                assign_perm(f"usecases.{verb}_usecase", person, use_case)
        for loan in loans:
            lent(use_case, people, loan)

        found = {n: {v for v in VERBS if permissions.can(people[n], v, use_case)} for n in PEOPLE}
        for n in PEOPLE:
            own = set() if n in asleep else set(held[n])
            assert found[n] == own | (set() if n in asleep else borrowed(n, held, loans, asleep))
        shown = {row.name: set(row.verbs) for row in Access(use_case).rows}
        assert {f"p{n}": verbs for n, verbs in found.items() if verbs} == {
            name: verbs for name, verbs in shown.items() if name.startswith("p")
        }
        transaction.set_rollback(True)


def lent(use_case: UseCase, people: list[User], loan: dict[str, Any]) -> None:
    now = timezone.now()
    Delegation.objects.create(
        use_case=use_case,
        giver=people[loan["giver"]],
        holder=people[loan["holder"]],
        verbs=loan["verbs"],
        reason="Away",
        begins_at=now + timedelta(days=loan["begins"]),
        ends_at=now + timedelta(days=loan["ends"]),
        ended_at=now if loan["ended"] else None,
    )


def borrowed(n: int, held: Any, loans: list[dict[str, Any]], asleep: frozenset[int]) -> set[str]:
    """What somebody may by loans, said over again without the product."""
    found: set[str] = set()
    for loan in loans:
        giver = loan["giver"]
        running = loan["begins"] < 0 < loan["ends"] and not loan["ended"]
        if loan["holder"] == n != giver and running and giver not in asleep and "view" in held[giver]:
            mine = set(loan["verbs"]) & held[giver] & {"tune", "approve", "kill", "review"}
            found |= mine | {"view"} if mine else set()
    return found
