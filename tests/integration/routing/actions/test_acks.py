"""Acks tell what an assistant holds; late, twice or out of order they never make the console know less."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError

from audit.models import Event
from routing.actions import acks
from routing.models import Assistant, Holding, Rollout, Target
from tests.record import failing_record

Make = Callable[..., Any]


def holding(instance: str = "a") -> Holding:
    return Holding.objects.get(assistant_id=instance, use_case="claims")


def test_an_ack_says_what_is_held_and_enforced(publish: Make, ack: Make) -> None:
    target = publish(1)

    assert acks.record([ack(target)]) == {("a", "claims")}

    found = holding()
    assert (found.version, found.digest, found.enforced) == (1, target.digest, target.digest)
    assert (found.status, found.error) == ("applied", "")


def test_the_same_ack_again_changes_nothing(publish: Make, ack: Make) -> None:
    target = publish(1)
    acks.record([ack(target)])
    before = holding()

    assert not acks.record([ack(target), ack(target)])

    assert holding().acked_at == before.acked_at
    assert Event.objects.filter(kind="rollout.converged").count() == 1


def test_an_older_ack_that_comes_late_is_ignored(publish: Make, ack: Make) -> None:
    old, new = publish(1), publish(2)
    acks.record([ack(new)])

    assert not acks.record([ack(old)])

    assert (holding().version, holding().enforced) == (2, new.digest)


def test_of_several_acks_in_one_request_the_highest_counts(publish: Make, ack: Make) -> None:
    old, new = publish(1), publish(2)

    acks.record([ack(new), ack(old), ack(new, "b")])

    assert (holding("a").version, holding("b").version) == (2, 2)


def test_a_refusal_keeps_what_is_held_and_tells_the_reason(publish: Make, ack: Make) -> None:
    old = publish(1)
    acks.record([ack(old)])
    new = publish(2)

    acks.record([ack(new, applied=False, error="bands[0].from: no")])

    found = holding()
    assert (found.version, found.enforced) == (1, old.digest)
    assert (found.status, found.refused_version, found.error) == ("refused", 2, "bands[0].from: no")


def test_a_refusal_of_something_older_than_held_is_no_news(publish: Make, ack: Make) -> None:
    old, new = publish(1), publish(2)
    acks.record([ack(new)])

    assert not acks.record([ack(old, applied=False, error="older than held version 2")])

    assert holding().status == "applied"


@pytest.mark.parametrize("forged", [3, 2_000_000_000])
def test_applying_settles_a_refusal(publish: Make, ack: Make, forged: int) -> None:
    """Also one of a number that was never published: it came from somebody else."""
    acks.record([ack(publish(2))])
    acks.record([ack(Target.objects.get(), applied=False, version=forged, error="signature")])
    assert holding().status == "refused"

    acks.record([ack(publish(3))])

    assert (holding().status, holding().refused_version) == ("applied", None)


def test_an_older_ack_does_not_settle_a_refusal(publish: Make, ack: Make) -> None:
    old = publish(1)
    acks.record([ack(old)])
    acks.record([ack(publish(2), applied=False, error="no")])

    acks.record([ack(old)])

    assert (holding().status, holding().refused_version) == ("refused", 2)


def test_the_last_ack_closes_the_rollout_and_says_so_once(publish: Make, ack: Make, beat: Make) -> None:
    from routing.actions import heartbeats

    old = publish(1)
    for instance in ("a", "b"):
        heartbeats.record([beat(old, instance)])
    new = publish(2, "baseline")

    acks.record([ack(new, "a")])
    assert Rollout.objects.get(version=2).converged_at is None
    acks.record([ack(new, "b")])

    rollout = Rollout.objects.get(version=2)
    assert (rollout.confirmed, rollout.expected, rollout.last_instance) == (2, 2, "b")
    assert rollout.converged_at == holding("b").acked_at
    event = Event.objects.get(kind="rollout.converged", version=2)
    assert (
        event.sentence == f"All 2 assistants confirmed r2 (baseline) {rollout.seconds:.2f} s after the click."
    )
    assert (event.actor, event.actor_kind) == ("console", "system")


def test_a_failing_audit_row_leaves_the_rollout_open_and_the_report_told(publish: Make, ack: Make) -> None:
    """What an assistant reported is a fact; that it completes a rollout is found again by the next report."""
    target = publish(1)
    with failing_record():
        acks.record([ack(target)])
    assert Rollout.objects.get().converged_at is None

    acks.record([ack(target, "b")])
    assert Rollout.objects.get().converged_at is not None


def test_a_batch_is_stored_whole_or_not_at_all(publish: Make, ack: Make) -> None:
    target = publish(1)

    with pytest.raises(DatabaseError):
        acks.record([ack(target), ack(target, "b", digest="x" * 65)])

    assert not Assistant.objects.exists()
