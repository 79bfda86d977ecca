"""Limits are tightened at the moment at which a change is applied: one comes first, and the other knows of it.

Real connections, one a thread; each holds what it has done until the test lets it commit.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from audit.models import Event
from tests.documents import claims
from usecases.actions import guardrails, versions
from usecases.models import Guardrail, UseCase, Version
from usecases.publishing import Refused

pytestmark = pytest.mark.django_db(transaction=True)
WANTED = 0.8  # allowed by the limits that the use case has, forbidden by those that it gets
TIGHTER: dict[str, Any] = {"bands.answer.from": {"lane": None, "limit": [0.84, 1.0], "reason": "Complaints."}}
WAITERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def test_limits_wait_for_a_change_that_is_being_applied(use_case: UseCase, ops: User, risk: User) -> None:
    applied, tightened = held_then(lambda: apply(use_case, ops), lambda: tighten(use_case, risk))
    assert applied.exception() is None
    assert tightened.exception() is None
    assert kinds() == ["version.applied", "guardrail.set"]
    assert live() == WANTED


def test_a_change_waits_for_limits_that_are_being_set_and_is_judged_by_them(
    use_case: UseCase, ops: User, risk: User
) -> None:
    tightened, applied = held_then(lambda: tighten(use_case, risk), lambda: apply(use_case, ops))
    assert tightened.exception() is None
    assert isinstance(applied.exception(), Refused)
    assert kinds() == ["guardrail.set"]
    assert live() == 0.85


@pytest.mark.parametrize("at_once", range(6))
def test_whoever_wins_nothing_goes_live_outside_limits_that_were_set_before(
    use_case: UseCase, ops: User, risk: User, at_once: int
) -> None:
    start = threading.Barrier(2)
    works = [lambda: apply(use_case, ops), lambda: tighten(use_case, risk)]
    with ThreadPoolExecutor(2) as pool:
        order = works if at_once % 2 else works[::-1]
        futures = [pool.submit(on_own_connection, work, begin=start.wait) for work in order]
    applied, tightened = futures if at_once % 2 else futures[::-1]
    assert tightened.exception() is None
    if applied.exception() is None:
        assert kinds() == ["version.applied", "guardrail.set"]
    else:
        assert isinstance(applied.exception(), Refused)
        assert kinds() == ["guardrail.set"]
    assert Guardrail.objects.get(use_case=use_case).knobs == TIGHTER


def held_then(first: Callable[[], object], second: Callable[[], object]) -> list[Future[None]]:
    """Do the first and keep its transaction open until the second waits for it."""
    done, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            first()
            done.set()
            assert go_on.wait(30)

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(on_own_connection, slowly)
        assert done.wait(30) or slow.result()
        quick = pool.submit(on_own_connection, second)
        deadline = time.monotonic() + 30
        while not waiting() and not quick.done() and time.monotonic() < deadline:
            time.sleep(0.02)
        waited = not quick.done()
        go_on.set()
    assert waited, "the second did not wait for the first"
    return [slow, quick]


def on_own_connection(work: Callable[[], object], begin: Callable[[], object] = lambda: None) -> None:
    try:
        connection.ensure_connection()
        begin()
        work()
    finally:
        connection.close()


def waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITERS)
        row = cursor.fetchone()
    return bool(row and row[0])


def apply(use_case: UseCase, ops: User) -> object:
    return versions.apply(use_case=use_case, document=claims(WANTED), by=ops, reason="Peak season")


def tighten(use_case: UseCase, risk: User) -> object:
    return guardrails.set_limits(
        use_case=use_case, knobs=TIGHTER, approved_models=[], by=risk, reason="Complaints"
    )


def live() -> float:
    return float(Version.objects.latest("number").document["bands"][0]["from"])


def kinds() -> list[str]:
    """Name what was recorded of the race, in the order of the chain."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id FROM audit_link ORDER BY seq")
        order = [row[0] for row in cursor.fetchall()]
    known = dict(Event.objects.values_list("pk", "kind"))
    return [known[pk] for pk in order if known[pk] in ("version.applied", "guardrail.set")]
