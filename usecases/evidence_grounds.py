"""What a use case stood on in a period, as an evidence pack tells it: limits, promise, one-pager, rights, certificates.

Read as `usecases.evidence_files` reads the rest: as it stood at the period's end. Of decisions there are counts alone.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Q

from audit.models import Event
from routing.engine.digest import digest
from routing.models import Decision
from usecases.evidence_files import Json, Period, moment
from usecases.models import (
    Certificate,
    Delegation,
    GoldenSet,
    Guardrail,
    KeptImpact,
    Lane,
    OnePager,
    Promise,
    UnitUseCase,
)

# Limits, promise, one-pager, access ----------------------------------------------------------------------------------


def guardrails(period: Period) -> list[Json]:
    """Return the limits as they were set, the ones in force when the period began first."""
    rows = period.history(Guardrail)
    return [
        {
            "at": moment(row.history_date),
            "first": row.history_type == "+",
            "limits": period.erased.wordless(row.instance.as_dict(), row.history_date, "guardrail.set"),
            "digest": digest(row.instance.as_dict()),
            "set_by": period.erased.kept(row.set_by, "actor", row.history_date, "guardrail.set"),
        }
        for row in rows
    ]


def lanes(period: Period) -> list[Json]:
    """Return the shared lanes that the limits have named, with each wording that held in the period."""
    named = sorted({slug for row in period.history(Guardrail) for slug in row.instance.lanes})
    return [
        {
            "slug": slug,
            "rows": [
                {
                    "at": moment(row.history_date),
                    "name": row.name,
                    "limits": period.erased.wordless(row.instance.as_dict(), row.history_date, "lane.set"),
                    "set_by": period.erased.kept(row.set_by, "actor", row.history_date, "lane.set"),
                }
                for row in period.history(Lane, slug=slug)
            ],
        }
        for slug in named
    ]


PROMISE: Final = (
    "wrong_at_most", "confidence", "cost_at_most_usd", "review_usd", "escalation_usd", "review_minutes",
    "escalation_minutes", "stated_by",
)  # fmt: skip


def promise(period: Period) -> list[Json]:
    """Return what was promised, and since when."""
    keep = period.erased.kept
    return [
        {"at": moment(row.history_date)}
        | {name: getattr(row, name) for name in PROMISE}
        | {"stated_by": keep(row.stated_by, "actor", row.history_date, "promise.stated")}
        for row in period.history(Promise)
    ]


def one_pager(period: Period) -> Json | None:
    """Return the one-pager as it stood at the end; None where there was none."""
    row = next(period.of(OnePager), None)
    if row is None:
        return None
    by = period.erased.kept(row.written_by, "actor", row.written_at, "one_pager.")
    gone = period.erased.lost("new", row.written_at, "one_pager.")
    said = {"answers": {}, "dpia": {}} if gone else {"answers": row.answers, "dpia": row.dpia}
    return {**said, "written_by": by, "written_at": moment(row.written_at)}


def golden_sets(period: Period) -> list[Json]:
    """Return which golden sets there were; their cases may tell of people, and are counted only."""
    plain, keep = ("name", "digest", "pins", "recorded_models"), period.erased.kept
    return [
        {name: getattr(row, name) for name in plain}
        | {"cases": len(row.cases), "set_at": moment(row.set_at)}
        | {"set_by": keep(row.set_by, "actor", row.set_at, "golden_set.set")}
        for row in sorted(period.of(GoldenSet), key=lambda row: row.name)
    ]


def access(period: Period) -> Json:
    """Return the business unit, the rights that were lent in the period, and what access reviews said."""
    place = UnitUseCase.objects.filter(use_case=period.use_case).select_related("unit").first()
    lent = [row for row in period.of(Delegation) if (row.ended_at or row.ends_at) >= period.since]
    lines = period.use_case.access_lines.filter(review__started_at__lt=period.until).filter(
        Q(review__closed_at=None) | Q(review__closed_at__gte=period.since)
    )
    return {
        "unit": place.unit.name if place else None,
        "delegations": [_delegation(period, row) for row in lent],
        "reviews": [
            _reviewed(period, row) for row in lines.select_related("review").order_by("review__number", "pk")
        ],
    }


def _delegation(period: Period, row: Delegation) -> Json:
    keep, begun = period.erased.kept, "delegation.given"
    return {
        "giver": keep(row.giver.get_username(), "actor", row.begins_at, begun),
        "holder": keep(row.holder.get_username(), "new", row.begins_at, begun),
        "verbs": row.verbs,
        "reason": keep(row.reason, "reason", row.begins_at, begun),
        "ended_by": keep(row.ended_by, "actor", row.ended_at, "delegation.ended"),
        **{name: moment(getattr(row, name)) for name in ("begins_at", "ends_at", "ended_at")},
    }


def _reviewed(period: Period, row: Any) -> Json:
    plain = ("holder_kind", "holder", "verbs", "verdict", "comment", "decided_by")
    told = {name: getattr(row, name) for name in plain}
    for name, field in (("comment", "reason"), ("decided_by", "actor"), ("holder", "new")):
        told[name] = period.erased.kept(told[name], field, row.decided_at, "access_review.")
    return {"review": row.review.number, "decided_at": moment(row.decided_at), **told}


# Certificates, impacts, decisions ------------------------------------------------------------------------------------

CERTIFICATE: Final = (
    "version", "answer_from", "wrong_at_most", "confidence", "labels", "wrong", "bound", "subject", "ids_digest",
    "code", "sentence", "issued_by",
)  # fmt: skip


def certificates(period: Period, named: set[int]) -> list[Json]:
    """Return the certificates issued in the period, and those that changes stood on."""
    inside = Q(issued_at__gte=period.since, issued_at__lt=period.until)
    rows = Certificate.objects.filter(Q(use_case=period.use_case) & (inside | Q(pk__in=named))).order_by("pk")
    times = ("issued_at", "first_at", "last_at")
    return [
        {"id": row.pk}
        | {name: getattr(row, name) for name in CERTIFICATE}
        | {name: moment(getattr(row, name)) for name in times}
        | {"issued_by": period.erased.kept(row.issued_by, "actor", row.issued_at, "certificate.issued")}
        for row in rows
    ]


def impacts(period: Period) -> Iterator[tuple[str, Json]]:
    """Return the results that were kept in the period, by id."""
    keep = period.erased.kept
    rows = KeptImpact.objects.filter(
        use_case=period.use_case, kept_at__gte=period.since, kept_at__lt=period.until
    )
    for row in rows.order_by("kept_at", "pk").iterator(chunk_size=20):
        yield (
            str(row.pk),
            {
                "id": str(row.pk),
                "live_version": row.live_version,
                "result": row.result,
                "note": keep(row.note, "reason", row.kept_at, "what_if.kept"),
                "kept_by": keep(row.kept_by, "actor", row.kept_at, "what_if.kept"),
                "kept_at": moment(row.kept_at),
            },
        )


def decisions(period: Period) -> Json:
    """Count the decisions of the period by version and action; nothing of any single one."""
    rows = Decision.objects.filter(use_case=period.slug, at__gte=period.since, at__lt=period.until)
    counted = (
        rows.order_by()
        .values("version", "action")
        .annotate(decisions=Count("id"), audited=Count("id", filter=Q(audited=True)))
    )
    found = [dict(row) for row in counted.order_by("version", "action")]
    return {"total": sum(row["decisions"] for row in found), "by_version_and_action": found}


def kinds(slug: str, since: datetime, until: datetime) -> list[tuple[str, int]]:
    """Count the events of a period by kind, the commonest first."""
    rows = Event.objects.filter(use_case=slug, at__gte=since, at__lt=until).order_by()
    counted = rows.values_list("kind").annotate(count=Count("id"))
    return sorted(counted, key=lambda pair: (-pair[1], pair[0]))
