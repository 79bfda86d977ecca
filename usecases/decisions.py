"""Reads of decisions: filtered pages for people, hours for a chart, whole exports. Never across use cases."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from routing.imports.records import INSTANCE as IMPORTED
from routing.models import Decision, Outcome
from usecases.downloads import hang_up

PAGE = 50
EXPORTED = 500  # decisions read at a time for a download
COUNTED = 10_000  # beyond this it says “more than”
Hours = list[tuple[datetime, dict[str, int]]]
ACTIONS = ("answer", "review", "escalate")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asked for; every part narrows."""

    action: str = ""
    version: int | None = None
    band: str = ""
    wrong: bool = False
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.action or self.version is not None or self.band or self.wrong or self.text)


def newest_verdict() -> Subquery:
    """Return the newest word on a decision, whether it came by decision or by request."""
    by_request = Q(decision_id=None, use_case=OuterRef("use_case"), request_id=OuterRef("request_id"))
    outcomes = Outcome.objects.filter(Q(decision_id=OuterRef("pk")) | by_request).order_by("-at")
    return Subquery(outcomes.values("correct")[:1], output_field=BooleanField())


def found(slug: str, wish: Wish) -> QuerySet[Decision]:
    """Return decisions of one use case, newest first, each with its `verdict`."""
    rows = Decision.objects.filter(use_case=slug)
    if wish.action:
        rows = rows.filter(action=wish.action)
    if wish.version is not None:
        rows = rows.filter(version=wish.version)
    if wish.band:
        rows = rows.filter(band=wish.band)
    if wish.text:
        rows = rows.filter(Q(text__icontains=wish.text) | Q(request_id=wish.text))
    if wish.wrong:
        rows = rows.filter(_told_wrong(slug)).annotate(verdict=newest_verdict()).filter(verdict=False)
    else:
        rows = rows.annotate(verdict=newest_verdict())
    return rows.order_by("-at", "id")


def _told_wrong(slug: str) -> Q:
    """Narrow to what anybody ever called wrong first: few rows, found by index."""
    wrong = Outcome.objects.filter(correct=False)
    by_request = wrong.filter(decision_id=None, use_case=slug).values("request_id")
    return Q(pk__in=wrong.filter(decision_id__isnull=False).values("decision_id")) | Q(
        request_id__in=by_request
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of decisions and where the next one begins."""

    rows: list[Decision]
    older: str


def page(slug: str, wish: Wish, after: str = "", size: int = PAGE) -> Page:
    """Return the page after a place, such as another page's `older`; the first one for a place that makes no sense."""
    rows = found(slug, wish)
    place = _place(after)
    if place:
        at, pk = place
        rows = rows.filter(Q(at__lt=at) | Q(at=at, pk__gt=pk))
    got = list(rows[: size + 1])
    last = got[size - 1] if len(got) > size else None
    return Page(got[:size], f"{last.at.isoformat()}_{last.pk}" if last else "")


def count(slug: str, wish: Wish) -> tuple[int, bool] | None:
    """Return how many decisions fit, and whether that is all; None where counting would read them one by one."""
    if wish.text or wish.band or wish.action or wish.wrong:
        return None
    rows = Decision.objects.filter(use_case=slug)
    if wish.version is not None:
        rows = rows.filter(version=wish.version)
    found = len(rows.values_list("version", flat=True)[: COUNTED + 1])
    return min(found, COUNTED), found <= COUNTED


def _place(text: str) -> tuple[datetime, UUID] | None:
    at, _, pk = text.partition("_")
    try:
        moment = parse_datetime(at.replace(" ", "+"))
        return (moment, UUID(pk)) if moment and moment.tzinfo else None
    except ValueError:
        return None


def outcomes_of(decision: Decision) -> QuerySet[Outcome]:
    """Return every word on one decision, newest first."""
    by_request = Q(decision_id=None, use_case=decision.use_case, request_id=decision.request_id)
    return Outcome.objects.filter(Q(decision_id=decision.pk) | by_request).order_by("-at")


def versions_with_decisions(slug: str, most: int = 50) -> list[int]:
    """Return the newest version numbers that decided anything: a walk along the index, not a scan of the table."""
    walk = """
    WITH RECURSIVE seen(version) AS (
        (SELECT version FROM routing_decision WHERE use_case = %(slug)s ORDER BY version DESC LIMIT 1)
        UNION ALL
        SELECT (SELECT version FROM routing_decision WHERE use_case = %(slug)s AND version < seen.version
                 ORDER BY version DESC LIMIT 1) FROM seen WHERE seen.version IS NOT NULL
    ) SELECT version FROM seen WHERE version IS NOT NULL LIMIT %(most)s
    """
    with connection.cursor() as cursor:
        cursor.execute(walk, {"slug": slug, "most": most})
        return [version for (version,) in cursor.fetchall()]


def hours(slug: str, *, count: int = 24) -> Hours:
    """Return decisions per hour and action over the last day, in the reader's zone; quiet hours are there too.

    Imported decisions were made elsewhere, whatever moment they are dated, and do not count.
    """
    last = timezone.localtime().replace(minute=0, second=0, microsecond=0)
    slots: dict[datetime, dict[str, int]] = {
        last - timedelta(hours=back): {} for back in range(count - 1, -1, -1)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('hour', at) AS hour, action, count(*) FROM routing_decision"
            " WHERE use_case = %s AND at >= %s AND instance <> %s GROUP BY 1, 2",
            [slug, min(slots), IMPORTED],
        )
        for hour, action, number in cursor.fetchall():
            slots.setdefault(timezone.localtime(hour), {})[action] = number
    return sorted(slots.items())


COLUMNS = [
    *(
        "id",
        "at",
        "request_id",
        "text",
        "answer",
        "action",
        "band",
        "rule",
        "queue",
        "reason",
        "confidence",
        "model",
    ),
    *("version", "state", "instance", "audited", "holdout", "cost_usd", "latency_ms"),
]


def export(slug: str, wish: Wish) -> tuple[list[str], Iterator[list[Any]]]:
    """Return head and rows of everything that was asked for, read as it is sent."""
    return [*COLUMNS, "verdict"], _rows(slug, wish)


def _rows(slug: str, wish: Wish) -> Iterator[list[Any]]:
    """Read some at a time, each from where the last ended: a cursor would hold its connection until all is taken in."""
    after, more = "", True
    while more:
        read = page(slug, wish, after, EXPORTED)
        told = [_row(decision) for decision in read.rows]
        hang_up()
        yield from told
        after, more = read.older, bool(read.older)


def _row(decision: Any) -> list[Any]:
    """Write one decision, annotated with its `verdict`."""
    words = {True: "right", False: "wrong", None: ""}
    return [*(_plain(getattr(decision, name)) for name in COLUMNS), words[decision.verdict]]


def _plain(value: Any) -> Any:
    return (
        value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
    )
