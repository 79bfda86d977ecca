"""Celery's tasks: level-triggered, so running one twice, late or half does no harm."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Event
from routing import tasks
from routing.actions import acks, heartbeats
from routing.models import Assistant, Holding, Rollout

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What a task would have slept, instead of sleeping."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.fixture
def half_way(publish: Make, beat: Make) -> Any:
    """Version 2 is out; “a” has confirmed it and “b” has not."""
    first = publish(1)
    for instance in ("a", "b"):
        heartbeats.record([beat(first, instance)])
    second = publish(2)
    heartbeats.record([beat(second, "a")])
    return second


def test_apply_sends_again_to_whoever_has_not_confirmed_with_growing_pauses(
    half_way: Any, waits: list[float]
) -> None:
    tasks.apply("claims", 2)

    assert waits == [0.5, 1, 2, 4]
    rollout = Rollout.objects.get(version=2)
    assert rollout.resent == tasks.APPLY_TRIES
    assert rollout.converged_at is None


def test_apply_ends_when_the_last_one_confirms(
    half_way: Any, ack: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def confirm(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            acks.record([ack(half_way, "b")])

    monkeypatch.setattr(time, "sleep", confirm)
    tasks.apply("claims", 2)

    assert len(slept) == 2
    assert Rollout.objects.get(version=2).converged_at is not None


@pytest.mark.parametrize(("slug", "version"), [("claims", 1), ("claims", 9), ("nobody", 1)])
def test_apply_leaves_what_is_not_current_alone(
    half_way: Any, waits: list[float], slug: str, version: int
) -> None:
    tasks.apply(slug, version)

    assert waits == []
    assert not Rollout.objects.exclude(resent=0).exists()


def test_apply_again_after_convergence_writes_nothing(half_way: Any, ack: Make) -> None:
    acks.record([ack(half_way, "b")])
    before = Rollout.objects.filter(version=2).values().get(), Event.objects.count()

    tasks.apply("claims", 2)

    assert (Rollout.objects.filter(version=2).values().get(), Event.objects.count()) == before


def test_reconcile_sends_again_but_not_at_every_beat(half_way: Any) -> None:
    tasks.reconcile()
    tasks.reconcile()

    assert Rollout.objects.get(version=2).resent == 1


def test_reconcile_mends_a_missing_rollout_and_closes_what_is_over(half_way: Any, ack: Make) -> None:
    acks.record([ack(half_way, "b")])
    Rollout.objects.filter(version=2).delete()

    tasks.reconcile()

    assert Rollout.objects.get(version=2).converged_at is not None


def test_reconcile_closes_a_rollout_whose_laggard_has_run_out_of_its_lease(half_way: Any) -> None:
    Rollout.objects.filter(version=2).update(desired_at=timezone.now() - timedelta(seconds=290))
    Holding.objects.filter(assistant_id="b").update(last_seen=timezone.now() - timedelta(seconds=301))

    tasks.reconcile()

    assert "b stayed silent" in Event.objects.get(kind="rollout.converged", version=2).sentence


def test_one_broken_use_case_does_not_keep_the_others_from_being_mended(
    half_way: Any, monkeypatch: pytest.MonkeyPatch, publish: Make
) -> None:
    seen = []

    def broken(target: Any) -> None:
        seen.append(target.use_case)
        raise ValueError("odd data")

    monkeypatch.setattr(tasks, "_reconcile", broken)
    tasks.reconcile()

    assert seen == ["claims"]


def test_housekeeping_makes_partitions_and_forgets_assistants_of_long_ago(half_way: Any) -> None:
    long_ago = timezone.now() - timedelta(days=8)
    Holding.objects.filter(assistant_id="b").update(last_seen=long_ago)
    Assistant.objects.filter(instance="b").update(last_seen=long_ago)

    tasks.housekeeping()
    tasks.housekeeping()

    assert [one.instance for one in Assistant.objects.all()] == ["a"]
