"""Spans of time by name, as people ask for them: today, the last seven days, this month, March."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format

MONTHS: Final = 24
NAMED: Final = {
    "today": "Today",
    "7d": "Last 7 days",
    "this-month": "This month",
    "last-month": "Last month",
}


def choices() -> list[tuple[str, str]]:
    """Return the spans to choose from, the calendar's months last."""
    first = _month(timezone.localtime())
    months = [first]
    while len(months) < MONTHS:
        months.append(_month(months[-1] - timedelta(days=1)))
    return [*NAMED.items(), *((f"{month:%Y-%m}", date_format(month, "F Y")) for month in months)]


def span(name: str) -> tuple[datetime, datetime] | None:
    """Return when a span begins and ends, in the reader's zone; None for an empty or unknown name."""
    now = timezone.localtime()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "today":
        return _days(today, 0, 1)
    if name == "7d":
        return _days(today, -6, 1)
    if name == "this-month":
        return _whole(today)
    if name == "last-month":
        return _whole(_month(today) - timedelta(days=1))
    try:
        return _whole(timezone.make_aware(datetime.strptime(name, "%Y-%m")))  # noqa: DTZ007 (made aware)
    except (ValueError, OverflowError):
        return None


def _days(today: datetime, first: int, last: int) -> tuple[datetime, datetime]:
    """Return midnights by the calendar: a day of the clocks' change has 23 or 25 hours."""
    return tuple(_midnight(today + timedelta(days=count, hours=12)) for count in (first, last))  # type: ignore[return-value]


def _whole(day: datetime) -> tuple[datetime, datetime]:
    first = _month(day)
    return first, _month(first + timedelta(days=32))


def _month(day: datetime) -> datetime:
    return _midnight(day.replace(day=1))


def _midnight(day: datetime) -> datetime:
    naive = day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return timezone.make_aware(naive)
