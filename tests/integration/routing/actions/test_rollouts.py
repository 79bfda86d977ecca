"""When a version has arrived: counted over the assistants that can still be enforcing something else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Event
from routing.actions import acks, heartbeats, rollouts
from routing.models import Rollout

Make = Callable[..., Any]


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def converged(version: int = 2) -> bool:
    return Rollout.objects.get(version=version).converged_at is not None


@pytest.fixture
def two(publish: Make, beat: Make) -> Any:
    """“a” and “b” confirmed r1 20 s ago; r2 is out, and “a” has confirmed it."""
    first = publish(1)
    for instance in ("a", "b"):
        heartbeats.record([beat(first, instance)], now=ago(20))
    second = publish(2)
    heartbeats.record([beat(second, "a")])
    return second


def test_a_silent_assistant_keeps_a_rollout_open(two: Any) -> None:
    assert rollouts.settle(["claims"]) == []
    assert not converged()
    assert rollouts.laggards(two) == ["b"]


def test_once_its_lease_has_run_out_it_no_longer_counts_and_is_named(publish: Make, beat: Make) -> None:
    lease = {"lease": {"seconds": 60, "then": "baseline"}}
    first = publish(1, **lease)
    for instance in ("a", "b"):
        heartbeats.record([beat(first, instance)], now=ago(61))
    second = publish(2, **lease)
    Rollout.objects.filter(version=2).update(desired_at=ago(30))

    heartbeats.record([beat(second, "a")])

    rollout = Rollout.objects.get(version=2)
    assert (rollout.confirmed, rollout.expected) == (1, 1)
    assert rollout.seconds is not None
    assert rollout.seconds > 29
    event = Event.objects.get(version=2)
    assert event.sentence.startswith(
        "1 of 2 assistants confirmed r2; b stayed silent until the lease ran out"
    )
    assert event.new is not None
    assert event.new["left_out"] == ["b"]


def test_a_stopped_assistant_does_not_count(two: Any, beat: Make) -> None:
    heartbeats.record([beat(two, "b", version=1, enforced="f" * 64, stopping=True)])

    assert converged()


def test_without_assistants_nothing_is_called_confirmed(publish: Make) -> None:
    publish(1)
    assert rollouts.settle(["claims"]) == []
    assert not converged(1)


def test_only_the_published_version_is_settled(two: Any, publish: Make, beat: Make) -> None:
    publish(3)
    heartbeats.record([beat(two, "b")])
    assert not converged(2)
    assert not converged(3)


def test_settling_again_writes_nothing(two: Any, ack: Make) -> None:
    acks.record([ack(two, "b")])
    assert converged()

    assert rollouts.settle(["claims"]) == []
    assert Event.objects.filter(kind="rollout.converged", version=2).count() == 1


def test_sending_again_is_noted_and_not_overdone(two: Any) -> None:
    assert rollouts.resend(target=two, to=["b"])
    assert not rollouts.resend(target=two, to=["b"], at_most_every=timedelta(seconds=4))

    rollout = Rollout.objects.get(version=2)
    assert rollout.resent == 1
    assert rollout.followed_up_at is not None


def test_a_missing_rollout_is_written_from_the_target(two: Any) -> None:
    Rollout.objects.filter(version=2).delete()

    rollouts.ensure(two)
    rollouts.ensure(two)

    assert Rollout.objects.get(version=2).desired_at == two.issued_at


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.141, "0.14 s"), (12.34, "12.3 s"), (250, "4 min 10 s"), (7_500, "2 h 5 min")],
)
def test_times_read_as_people_say_them(seconds: float, words: str) -> None:
    assert rollouts.duration(seconds) == words
