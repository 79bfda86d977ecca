"""Reads that span tables, set-based: what is live where, and what a stretch of time brought."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from routing.history_rows import NOT_PEOPLE, PEOPLE
from routing.imports.records import INSTANCE as IMPORTED
from routing.models import Holding, Rollout, State, Target
from usecases.models import UseCase, Version
from usecases.standings import Delivery, Held, Standing, Traffic

__all__ = ["DAY", "Delivery", "Held", "Standing", "Traffic", "deliveries", "standings", "traffic"]

SHOWN_FOR = timedelta(hours=24)
STOPPED_SHOWN_FOR = timedelta(minutes=15)
DAY = timedelta(hours=24)
SAFE_KINDS = ("kill", "review_all")


def deliveries(slugs: Iterable[str]) -> dict[str, Delivery]:
    """Return desired against enforced for many use cases: three queries, however many they are."""
    targets = {
        target.use_case: target
        for target in Target.objects.filter(use_case__in=list(slugs)).defer("envelope")
    }
    rollouts = {
        row.use_case: row
        for row in Rollout.objects.filter(use_case__in=targets)
        .order_by("use_case", "-version")
        .distinct("use_case")
    }
    held: dict[str, list[Held]] = defaultdict(list)
    for holding in shown_holdings(targets):
        held[holding.use_case].append(_held(holding, targets[holding.use_case]))
    return {
        slug: Delivery(
            slug=slug,
            version=target.version,
            state=target.state,
            digest=target.digest,
            desired_at=target.issued_at,
            assistants=tuple(one for one in held[slug] if not (one.stopped_at or one.gone)),
            apart=tuple(one for one in held[slug] if one.stopped_at or one.gone),
            rollout_seconds=_seconds(rollouts.get(slug), target),
        )
        for slug, target in targets.items()
    }


def shown_holdings(slugs: Iterable[str]) -> Iterable[Holding]:
    """Return what assistants hold that were heard of within the day, by name; those that said goodbye only briefly."""
    now = timezone.now()
    lately = Q(assistant__stopped_at=None) | Q(assistant__stopped_at__gt=now - STOPPED_SHOWN_FOR)
    return (
        Holding.objects.filter(lately, use_case__in=list(slugs), last_seen__gt=now - SHOWN_FOR)
        .select_related("assistant")
        .order_by("assistant_id")
    )


def _held(holding: Holding, target: Target) -> Held:
    assistant = holding.assistant
    return Held(
        instance=assistant.instance,
        version=holding.version,
        enforced=holding.enforced or holding.digest,
        source=holding.source,
        status=holding.status,
        error=holding.error,
        refused_version=holding.refused_version,
        acked_at=holding.acked_at,
        last_seen=holding.last_seen,
        started_at=assistant.started_at,
        software=assistant.software,
        wanted=target.digest,
        wanted_version=target.version,
        wanted_state=target.state,
        lease_seconds=target.lease_seconds,
        stopped_at=assistant.stopped_at,
    )


def _seconds(rollout: Rollout | None, target: Target) -> float | None:
    return rollout.seconds if rollout and rollout.version == target.version else None


def standings(use_cases: Sequence[UseCase], brought: Mapping[str, Traffic] | None = None) -> list[Standing]:
    """Return how use cases stand, in their order, with what their assistants decided where that is given."""
    slugs = [use_case.slug for use_case in use_cases]
    found = deliveries(slugs)
    newest = _newest(Version.objects.filter(use_case__in=use_cases))
    switches = _newest(
        Version.objects.filter(use_case__in=use_cases, kind__in=SAFE_KINDS).defer("document", "baseline")
    )
    return [
        Standing(
            use_case=use_case,
            version=newest[use_case.pk],
            delivery=found[use_case.slug],
            switch=switches.get(use_case.pk) if newest[use_case.pk].state != State.LIVE else None,
            traffic=(brought or {}).get(use_case.slug, Traffic()),
        )
        for use_case in use_cases
    ]


def _newest(versions: QuerySet[Version]) -> dict[int, Version]:
    """Return the newest of each use case. Numbers are found first: sorting whole documents would spill to disk."""
    newest = versions.order_by("use_case_id", "-number").distinct("use_case_id").values("pk")
    return {version.use_case_id: version for version in versions.filter(pk__in=newest)}


# Imported decisions were made elsewhere: assistants had no traffic from them, whatever moment they are dated.
TRAFFIC = """
SELECT use_case, count(*), count(*) FILTER (WHERE action = 'answer'), count(*) FILTER (WHERE action = 'review'),
       count(*) FILTER (WHERE action = 'escalate'), coalesce(sum(cost_usd), 0),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)
  FROM routing_decision
 WHERE use_case = ANY(%(slugs)s) AND at >= %(since)s AND at < %(until)s AND instance <> %(imported)s GROUP BY use_case
"""
# The newest people's word on each answer that was audited at random, weighted with how many answers it stands for.
# Any other verdict on an answer came because somebody complained, and says nothing of the rest.
LABELS = """
WITH audited AS (
    SELECT id, use_case, request_id, audit_share FROM routing_decision
     WHERE use_case = ANY(%(slugs)s) AND at >= %(since)s AND at < %(until)s AND action = 'answer'
       AND audited AND audit_share > 0 AND NOT holdout AND instance <> %(imported)s
), word AS (
    SELECT a.id, a.use_case, a.audit_share, o.id AS told, o.correct, o.at, o.source
      FROM audited a JOIN routing_outcome o ON o.decision_id = a.id
    UNION ALL
    SELECT a.id, a.use_case, a.audit_share, o.id, o.correct, o.at, o.source
      FROM audited a JOIN routing_outcome o
        ON o.decision_id IS NULL AND o.use_case = a.use_case AND o.request_id = a.request_id
), newest AS (
    SELECT DISTINCT ON (id) use_case, correct, 1 / audit_share AS weight FROM word
     WHERE source ~* %(people)s AND source !~* %(not_people)s ORDER BY id, at DESC, told DESC
)
SELECT use_case, count(*), sum(weight), coalesce(sum(weight) FILTER (WHERE NOT correct), 0)
  FROM newest GROUP BY use_case
"""


def traffic(slugs: Sequence[str], *, since: datetime, until: datetime | None = None) -> dict[str, Traffic]:
    """Return what was decided per use case in a stretch of time: two queries over all of them."""
    end = until or timezone.now() + timedelta(minutes=5)  # an assistant's clock may be a little ahead
    values: dict[str, Any] = {"slugs": list(slugs), "since": since, "until": end, "imported": IMPORTED}
    values |= {"people": PEOPLE, "not_people": NOT_PEOPLE}
    with connection.cursor() as cursor:
        cursor.execute(TRAFFIC, values)
        rows = cursor.fetchall()
        cursor.execute(LABELS, values)
        labels = {slug: told for slug, *told in cursor.fetchall()}
    return {
        slug: Traffic(
            decisions, answered, reviewed, escalated, float(cost), latency, *labels.get(slug, (0, 0.0, 0.0))
        )
        for slug, decisions, answered, reviewed, escalated, cost, latency in rows
    }
