"""Decisions live in the month that their id tells."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection

from routing.actions import decisions, partitions
from routing.actions.partitions import lowest_id
from routing.models import Decision
from tests.integration.routing.actions.test_decisions import record

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2030, 11, 22, tzinfo=UTC)


def home(decision: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM routing_decision WHERE id = %s", [decision])
        return str(cursor.fetchone()[0])


def test_this_month_and_the_next_three_are_made_once() -> None:
    made = partitions.ensure(NOVEMBER)

    assert made == [f"routing_decision_{month}" for month in ("2030_11", "2030_12", "2031_01", "2031_02")]
    assert partitions.ensure(NOVEMBER) == []


def test_a_decision_goes_to_the_month_of_its_id() -> None:
    partitions.ensure(NOVEMBER)
    one = record(id=str(UUID(int=lowest_id(NOVEMBER).int + 5)))

    decisions.store([one])

    assert home(one["id"]) == "routing_decision_2030_11"


def test_rows_that_came_before_their_month_was_made_move_there() -> None:
    early = record(id=str(UUID(int=lowest_id(NOVEMBER).int + 5)))
    other = record(id="00000000-0000-4000-8000-000000000001")
    decisions.store([early, other])

    partitions.ensure(NOVEMBER)

    assert home(early["id"]) == "routing_decision_2030_11"
    assert home(other["id"]) == "routing_decision_other"
    assert Decision.objects.count() == 2
    assert decisions.store([early]) == 0
