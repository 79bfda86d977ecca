"""A heartbeat is the whole truth of an assistant at its time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from audit.models import Event
from routing.actions import acks, heartbeats
from routing.models import Assistant, Holding, Rollout, Target

Make = Callable[..., Any]
LONG_AGO = timedelta(minutes=5)


def holding(instance: str = "a") -> Holding:
    return Holding.objects.get(assistant_id=instance, use_case="claims")


def test_a_heartbeat_says_what_is_held_and_what_is_enforced(publish: Make, beat: Make) -> None:
    target = publish(1)

    alone = beat(target, enforced="f" * 64, source="lease", software="1.2", spool={"waiting": 3})
    assert heartbeats.record([alone]) == {"claims"}

    assert (holding().digest, holding().enforced, holding().source) == (target.digest, "f" * 64, "lease")
    assert (Assistant.objects.get().software, Assistant.objects.get().spool) == ("1.2", {"waiting": 3})


def test_a_heartbeat_that_tells_nothing_new_only_moves_the_clock(publish: Make, beat: Make) -> None:
    heartbeats.record([beat(publish(1))], now=timezone.now() - timedelta(seconds=5))
    before = holding()

    assert not heartbeats.record([beat(Target.objects.get())])

    assert holding().last_seen > before.last_seen
    assert holding().acked_at == before.acked_at


def test_a_heartbeat_confirms_as_an_ack_does(publish: Make, beat: Make) -> None:
    heartbeats.record([beat(publish(1))])

    assert Rollout.objects.get().converged_at is not None
    assert Event.objects.get(kind="rollout.converged").sentence.startswith("The only assistant confirmed r1 ")


def test_enforcing_the_lease_fallback_does_not_confirm(publish: Make, beat: Make) -> None:
    heartbeats.record([beat(publish(1), enforced="f" * 64, source="lease")])

    assert Rollout.objects.get().converged_at is None


def test_a_heartbeat_under_way_does_not_take_back_an_ack(publish: Make, beat: Make, ack: Make) -> None:
    old = publish(1)
    heartbeats.record([beat(old)])
    new = publish(2)
    acks.record([ack(new)])

    heartbeats.record([beat(old)])

    assert (holding().version, holding().enforced) == (2, new.digest)


def test_later_a_lower_version_is_believed(publish: Make, beat: Make, ack: Make) -> None:
    old, new = publish(1), publish(2)
    acks.record([ack(new)], now=timezone.now() - LONG_AGO)

    heartbeats.record([beat(old)])

    assert holding().version == 1


def test_a_new_start_with_an_empty_disk_is_believed_at_once(publish: Make, beat: Make, ack: Make) -> None:
    target, started = publish(1), timezone.now() - LONG_AGO
    heartbeats.record([beat(target, started_at=started)])

    heartbeats.record([beat(target, version=0, digest="", enforced="f" * 64, started_at=timezone.now())])

    assert (holding().version, holding().enforced) == (0, "f" * 64)


def test_a_heartbeat_of_an_earlier_start_is_ignored(publish: Make, beat: Make) -> None:
    target, started = publish(1), timezone.now()
    heartbeats.record([beat(target, started_at=started, software="new")])

    assert not heartbeats.record([beat(target, version=0, started_at=started - LONG_AGO, software="old")])

    assert (Assistant.objects.get().software, holding().version) == ("new", 1)


def test_a_clock_far_ahead_does_not_lock_an_assistant_out(publish: Make, beat: Make) -> None:
    target = publish(1)
    heartbeats.record([beat(target, started_at=timezone.now() + timedelta(days=300), software="old")])

    heartbeats.record([beat(target, started_at=timezone.now() + timedelta(seconds=1), software="new")])

    assert Assistant.objects.get().software == "new"


def test_a_goodbye_is_not_undone_by_a_straggler(publish: Make, beat: Make) -> None:
    target, started = publish(1), timezone.now()
    heartbeats.record([beat(target, started_at=started, stopping=True)])

    heartbeats.record([beat(target, started_at=started)])
    assert Assistant.objects.get().stopped_at is not None

    heartbeats.record([beat(target, started_at=started + timedelta(seconds=9))])
    assert Assistant.objects.get().stopped_at is None


def test_a_use_case_no_longer_named_is_no_longer_served(publish: Make, beat: Make) -> None:
    heartbeats.record([beat(publish(1))])

    assert heartbeats.record([beat(None)])

    assert not Holding.objects.exists()


def test_a_heartbeat_is_stored_whole_or_not_at_all(publish: Make, beat: Make) -> None:
    with pytest.raises(DatabaseError):
        heartbeats.record([beat(publish(1), digest="x" * 65)])

    assert not Assistant.objects.exists()


def test_heartbeats_of_many_are_written_together(publish: Make, beat: Make) -> None:
    target, started = publish(1), timezone.now()
    beats = [beat(target, f"a{number}", started_at=started) for number in range(20)]
    straggler = beat(target, "a0", started_at=started, version=0, digest="")

    heartbeats.record([*beats[1:], beat(target, "a0", started_at=started, stopping=True), straggler])

    assert Holding.objects.filter(version=1, enforced=target.digest).count() == 20
    assert list(Assistant.objects.exclude(stopped_at=None).values_list("instance", flat=True)) == ["a0"]
    assert Event.objects.get(kind="rollout.converged").sentence.startswith("All 19 assistants confirmed r1 ")
