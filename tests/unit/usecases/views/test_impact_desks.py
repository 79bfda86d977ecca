"""What comes to a desk in each hour, and what that does to its promise."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from usecases.views.impact_desks import Desk, desks

AT = 1_780_000_000_000  # May 2026: Berlin is two hours ahead


def desk(load: dict[int, float], capacity: float | None = 10, zone: str = "UTC") -> Desk:
    hours = [load.get(hour, 0.0) for hour in range(24)]
    queue: dict[str, Any] = {"queue": "claims-desk", "capacity_per_hour": capacity, "sla_minutes": 30}
    queue |= {"live": [1.0] * 24, "draft": hours}
    return desks({"queues": [queue], "last_at_ms": AT}, ZoneInfo(zone))[0]


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({9: 8.0}, "at most 8.0 an hour: it carries that"),
        ({9: 14.0}, "over at 09:00–10:00; up to 24 min of waiting at 09:00, the promise is kept"),
        ({9: 14.0, 10: 13.0}, "over at 09:00–11:00; up to 42 min of waiting at 10:00, not the promised 30"),
        ({23: 20.0, 0: 15.0}, "over at 23:00–01:00; up to 90 min of waiting at 00:00, not the promised 30"),
        (
            dict.fromkeys(range(24), 11.0),
            "over at all hours; more comes in a day than it can take, so it never catches up",
        ),
    ],
)
def test_what_is_not_done_in_an_hour_waits_for_the_next(load: dict[int, float], said: str) -> None:
    assert desk(load).draft == said


def test_hours_are_those_of_the_readers_clock() -> None:
    found = desk({9: 14.0}, zone="Europe/Berlin")
    assert [hour.label for hour in found.hours if hour.over] == ["11:00"]
    assert found.hours[0].label == "00:00"


def test_a_desk_without_a_limit_is_never_over() -> None:
    found = desk({9: 14.0}, capacity=None)
    assert (found.line, found.strained, found.draft) == (None, False, "14.0 a day")
