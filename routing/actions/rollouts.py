"""How far each version has come. Reports call `settle`; what it finds is computed from what assistants reported.

Who counts: assistants that serve the use case, have not stopped, and were heard of within their lease (30 s at
least). A silent one keeps a rollout open until its lease has run out; then it enforces its own fallback.
Who has confirmed: holds the desired version and enforces the desired digest, by its own last word.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from audit import log
from routing.actions import targets
from routing.models import Rollout, State, Target

CHANNEL = "routing_report"
WORKER = "routing_worker"  # a worker says so after each round of reconciling
CONSOLE = log.System("console")
SHORTEST_LEASE = timedelta(seconds=30)
SILENT_AFTER = timedelta(seconds=15)
NAMED_AT_ONCE = 8
STATE_WORDS = {
    State.LIVE.value: "",
    State.REVIEW_ALL.value: " (everything reviewed)",
    State.BASELINE.value: " (baseline)",
}

# An assistant counts while `h.last_seen` lies within the lease. `%(version)s` and `%(digest)s` are what is desired.
COUNTED = """
FROM routing_holding h JOIN routing_assistant a ON a.instance = h.assistant_id
WHERE h.use_case = %(use_case)s AND a.stopped_at IS NULL AND h.last_seen > %(heard_since)s
"""
CONFIRMED = "(h.version = %(version)s AND h.enforced = %(digest)s)"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many count, how many have confirmed, and the last of these."""

    expected: int
    confirmed: int
    last_instance: str
    last_at: datetime | None

    @property
    def complete(self) -> bool:
        return 0 < self.expected == self.confirmed


def heard_since(lease_seconds: int, now: datetime) -> datetime:
    """Return since when an assistant must have been heard of to count."""
    return now - max(timedelta(seconds=lease_seconds), SHORTEST_LEASE)


def _desired(target: Target, now: datetime) -> dict[str, Any]:
    return {
        "use_case": target.use_case,
        "version": target.version,
        "digest": target.digest,
        "heard_since": heard_since(target.lease_seconds, now),
    }


def progress(target: Target, now: datetime | None = None) -> Progress:
    """Count how many assistants a target has reached."""
    query = f"""
        SELECT count(*), count(*) FILTER (WHERE {CONFIRMED}),
               (array_agg(h.assistant_id ORDER BY h.acked_at DESC NULLS LAST) FILTER (WHERE {CONFIRMED}))[1],
               max(h.acked_at) FILTER (WHERE {CONFIRMED})
        {COUNTED}"""
    with connection.cursor() as cursor:
        cursor.execute(query, _desired(target, now or timezone.now()))
        expected, confirmed, last_instance, last_at = cursor.fetchone()
    return Progress(expected, confirmed, last_instance or "", last_at)


def laggards(target: Target, now: datetime | None = None) -> list[str]:
    """Name the assistants that count and have not confirmed."""
    query = f"SELECT h.assistant_id {COUNTED} AND NOT {CONFIRMED} ORDER BY 1"
    with connection.cursor() as cursor:
        cursor.execute(query, _desired(target, now or timezone.now()))
        return [instance for (instance,) in cursor.fetchall()]


def settle(use_cases: Iterable[str]) -> list[Rollout]:
    """Close the rollouts of these use cases that everybody has confirmed; return them.

    Call it after the report's own transaction: whoever commits last then sees every other report. Called before, two
    last reports at the same moment would each miss the other.
    """
    wanted = sorted(set(use_cases))
    if not wanted:
        return []
    open_rollouts = """
        SELECT t.use_case FROM routing_target t
        JOIN routing_rollout r ON r.use_case = t.use_case AND r.version = t.version
        WHERE t.use_case = ANY(%(use_cases)s) AND r.converged_at IS NULL
        """
    with connection.cursor() as cursor:
        cursor.execute(open_rollouts, {"use_cases": wanted})
        slugs = [slug for (slug,) in cursor.fetchall()]
    return [rollout for slug in slugs if (rollout := _close(slug)) is not None]


def _close(use_case: str) -> Rollout | None:
    target = Target.objects.get(use_case=use_case)
    if laggards_exist(target) or not progress(target).complete:
        return None
    with transaction.atomic():
        rollout = (
            Rollout.objects.select_for_update()
            .filter(use_case=use_case, version=target.version, converged_at=None)
            .first()
        )
        if rollout is None:  # somebody else closed it while we counted
            return None
        reached = progress(target)
        if not reached.complete:
            return None
        _save(rollout, reached, left_out(target, rollout))
    return rollout


def laggards_exist(target: Target) -> bool:
    """Look for one assistant that has not confirmed: with thousands on the way this is cheaper than counting."""
    query = f"SELECT EXISTS (SELECT 1 {COUNTED} AND NOT {CONFIRMED})"
    with connection.cursor() as cursor:
        cursor.execute(query, _desired(target, timezone.now()))
        return bool(cursor.fetchone()[0])


def left_out(target: Target, rollout: Rollout) -> list[str]:
    """Name the assistants that have not confirmed and no longer count: their lease ran out after the click."""
    query = """
        SELECT h.assistant_id FROM routing_holding h JOIN routing_assistant a ON a.instance = h.assistant_id
        WHERE h.use_case = %s AND a.stopped_at IS NULL AND h.last_seen <= %s AND h.last_seen > %s
          AND NOT (h.version = %s AND h.enforced = %s)
        ORDER BY 1"""
    window = max(timedelta(seconds=target.lease_seconds), SHORTEST_LEASE)
    since, until = rollout.desired_at - window, heard_since(target.lease_seconds, timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(query, [target.use_case, until, since, target.version, target.digest])
        return [instance for (instance,) in cursor.fetchall()]


def _save(rollout: Rollout, reached: Progress, missing: Sequence[str]) -> None:
    """Write the end of a rollout, its event, and the word to open pages; the caller holds the transaction."""
    last = reached.last_at or timezone.now()
    # With somebody left out it was not over before the others alone were counted, which is now.
    rollout.converged_at = timezone.now() if missing else max(last, rollout.desired_at)
    rollout.confirmed, rollout.expected = reached.confirmed, reached.expected
    rollout.last_instance = reached.last_instance
    rollout.save()
    log.record(
        kind="rollout.converged",
        sentence=sentence(rollout, missing),
        by=CONSOLE,
        use_case=rollout.use_case,
        version=rollout.version,
        new={
            "seconds": rollout.seconds,
            "confirmed": reached.confirmed,
            "last_instance": reached.last_instance,
            "left_out": list(missing),
        },
    )
    changed([rollout.use_case])


def sentence(rollout: Rollout, missing: Sequence[str] = ()) -> str:
    """Say how a rollout ended, as people will read it."""
    count = rollout.confirmed
    who = "The only assistant" if count == 1 else f"All {count} assistants"
    what = f"r{rollout.version}{STATE_WORDS.get(rollout.state, '')}"
    if not missing:
        return f"{who} confirmed {what} {duration(rollout.seconds or 0.0)} after the click."
    silent = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return (
        f"{count} of {count + len(missing)} assistants confirmed {what}; "
        f"{silent} stayed silent until the lease ran out and no longer counted {duration(rollout.seconds or 0.0)} "
        "after the click."
    )


def duration(seconds: float) -> str:
    """Write a time the way people say it: 0.14 s, 12.3 s, 4 min 10 s."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def changed(use_cases: Iterable[str]) -> None:
    """Tell open pages that what assistants report has changed; delivered at commit."""
    payloads = [json.dumps({"use_case": slug}) for slug in sorted(set(use_cases))]
    if payloads:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload", [CHANNEL, payloads]
            )


def resend(*, target: Target, to: Sequence[str], at_most_every: timedelta = timedelta(0)) -> bool:
    """Have web processes send a target again to some assistants, unless that was just done; say whether it was done.

    Row locks are skipped: whoever holds the rollout is busy with it already.
    """
    now = timezone.now()
    with transaction.atomic():
        rollout = (
            Rollout.objects.select_for_update(skip_locked=True)
            .filter(use_case=target.use_case, version=target.version)
            .first()
        )
        if rollout is None or (rollout.followed_up_at and rollout.followed_up_at > now - at_most_every):
            return False
        rollout.followed_up_at, rollout.resent = now, rollout.resent + 1
        rollout.save(update_fields=["followed_up_at", "resent"])
        # A notification holds 8,000 bytes at most; whoever is not named is sent to in the next round, or polls.
        named = {"use_case": target.use_case, "version": target.version, "to": list(to)[:NAMED_AT_ONCE]}
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [targets.CHANNEL, json.dumps(named)])
    return True


def ensure(target: Target) -> None:
    """Write the rollout that a target lacks: without one nobody would see when it converged."""
    with transaction.atomic():
        Rollout.objects.get_or_create(
            use_case=target.use_case,
            version=target.version,
            defaults={"state": target.state, "digest": target.digest, "desired_at": target.issued_at},
        )


def fell_silent(target: Target, within: timedelta = timedelta(seconds=6)) -> bool:
    """Say whether an assistant has just gone silent, or its lease has just run out: open pages should show it."""
    now = timezone.now()
    edges = [now - SILENT_AFTER, heard_since(target.lease_seconds, now)]
    query = """
        SELECT EXISTS (SELECT 1 FROM routing_holding h, unnest(%s::timestamptz[]) AS edge
                       WHERE h.use_case = %s AND h.last_seen <= edge AND h.last_seen > edge - %s::interval)"""
    with connection.cursor() as cursor:
        cursor.execute(query, [edges, target.use_case, f"{within.total_seconds()} seconds"])
        return bool(cursor.fetchone()[0])


def worker_was_here() -> None:
    """Tell web processes that a worker reconciles; their health page says when none does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [WORKER])
