"""What pages and the API read: who holds what, and what was decided of late."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from routing import selectors
from routing.actions import acks, decisions, heartbeats
from routing.models import Holding
from tests.integration.routing.actions.test_decisions import record

Make = Callable[..., Any]


def status(instance: str) -> tuple[str, str]:
    found = {one["instance"]: one for one in selectors.convergence("claims")["assistants"]}
    return found[instance]["status"], found[instance]["words"]


def test_convergence_names_desired_held_and_enforced(publish: Make, beat: Make, ack: Make) -> None:
    first = publish(1)
    for instance in ("a", "b"):
        heartbeats.record([beat(first, instance)])
    second = publish(2)
    acks.record([ack(second, "a")])

    found = selectors.convergence("claims")

    assert (found["version"], found["digest"], found["converged_at"]) == (2, second.digest, None)
    assert (found["confirmed"], found["expected"], found["laggards"]) == (1, 2, ["b"])
    assert found["words"] == "1 of 2 assistants confirmed."
    a, b = found["assistants"]
    assert (a["held"], a["enforced"], a["status"]) == (second.digest, second.digest, "confirmed")
    assert (b["held_version"], b["enforced"], b["status"]) == (1, first.digest, "pending")


def test_once_all_have_confirmed_it_says_how_long_it_took(publish: Make, ack: Make) -> None:
    acks.record([ack(publish(1))])

    found = selectors.convergence("claims")

    assert found["converged_at"] is not None
    assert found["words"].startswith("1 of 1 assistants confirmed, the last after 0.")


def test_each_way_of_lagging_has_its_own_words(publish: Make, beat: Make, ack: Make) -> None:
    first = publish(1)
    for instance in ("alone", "gone", "new", "refusing", "silent", "slow", "stopped"):
        heartbeats.record([beat(first, instance)])
    second = publish(2)
    heartbeats.record([beat(first, "alone", enforced="f" * 64, source="lease")])
    heartbeats.record(
        [beat(first, "new", version=0, digest="", enforced="f" * 64, started_at=timezone.now())]
    )
    heartbeats.record([beat(first, "stopped", stopping=True)])
    acks.record([ack(second, "refusing", applied=False, error="signature")])
    for instance, seconds in (("silent", 16), ("gone", 301)):
        Holding.objects.filter(assistant_id=instance).update(
            last_seen=timezone.now() - timedelta(seconds=seconds)
        )

    assert status("alone")[0] == "pending"
    assert "alone for longer than its lease" in status("alone")[1]
    assert status("gone")[0] == "gone"
    assert status("new") == ("pending", "Holds nothing yet.")
    assert status("refusing") == ("refused", "Refused r2: signature")
    assert status("silent")[0] == "silent"
    assert status("slow") == ("pending", "Still on r1.")
    assert status("stopped")[0] == "stopped"
    assert selectors.convergence("claims")["expected"] == 5


def test_silence_is_not_shown_as_confirmed(publish: Make, beat: Make) -> None:
    heartbeats.record([beat(publish(1))])
    Holding.objects.update(last_seen=timezone.now() - timedelta(seconds=20))

    found = selectors.convergence("claims")

    assert (found["confirmed"], found["assistants"][0]["status"]) == (0, "silent")


@pytest.mark.django_db
def test_of_an_unknown_use_case_nothing_is_said() -> None:
    assert selectors.convergence("nobody") == {}


def test_what_is_desired_comes_with_what_was_spent_today(publish: Make) -> None:
    target = publish(1)
    selectors._spent.clear()
    now = timezone.now().isoformat()
    yesterday = (timezone.now() - timedelta(days=1)).isoformat()
    decisions.store(
        [record(cost_usd=0.25, at=now), record(cost_usd=0.5, at=now), record(cost_usd=9, at=yesterday)]
    )

    assert selectors.desired(["claims", "nobody"]) == [
        {"use_case": "claims", "version": 1, "digest": target.digest, "spent_today_usd": 0.75}
    ]
