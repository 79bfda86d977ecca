"""What a use case has spent today, with and without the console's word."""

import pytest

from routing.runtime.spend import Spend


class Day:
    """A calendar one can turn."""

    def __init__(self) -> None:
        self.today = "2026-11-22"

    def __call__(self) -> str:
        return self.today


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def spend(day: Day) -> Spend:
    return Spend(day)


def test_alone_it_is_what_this_process_spent(spend: Spend) -> None:
    spend.add("claims", 0.5, "2026-11-22")
    spend.add("claims", 0.25, "2026-11-22")
    assert (spend.today("claims"), spend.today("other")) == (0.75, 0.0)


def test_the_console_s_number_takes_the_place_of_what_was_delivered_before_it(spend: Spend) -> None:
    spend.add("claims", 1.0, "2026-11-22")
    spend.delivered("claims", 1.0, "2026-11-22")
    spend.add("claims", 0.25, "2026-11-22")
    spend.heartbeat_sent()
    spend.told({"claims": 9.0})
    assert spend.today("claims") == 9.25


def test_what_is_delivered_after_the_heartbeat_left_still_counts(spend: Spend) -> None:
    spend.add("claims", 1.0, "2026-11-22")
    spend.heartbeat_sent()
    spend.delivered("claims", 1.0, "2026-11-22")
    spend.told({"claims": 8.0})
    assert spend.today("claims") == 9.0
    spend.heartbeat_sent()
    spend.told({"claims": 9.0})
    assert spend.today("claims") == 9.0


def test_a_new_day_starts_at_nothing(spend: Spend, day: Day) -> None:
    spend.add("claims", 1.0, "2026-11-22")
    spend.told({"claims": 5.0})
    day.today = "2026-11-23"
    assert spend.today("claims") == 0.0
    spend.delivered("claims", 1.0, "2026-11-22")
    spend.add("claims", 0.5, "2026-11-23")
    assert spend.today("claims") == 0.5
