"""The form of a period: one of three that are asked for most, or two days. Days are the reader's; never saves."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_date

PRESETS: Final = {
    "this_month": "This month so far",
    "last_month": "Last month",
    "last_90_days": "The last 90 days",
    "days": "From one day to another",
}
USUAL: Final = "last_month"
FIRST, LAST = date(2000, 1, 1), date(2200, 1, 1)


class PeriodForm:
    """What was typed, the period that it means, and what is wrong with it."""

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        said = data or {}
        self.preset = str(said.get("period", USUAL))
        self.since, self.until = str(said.get("since", "")).strip(), str(said.get("until", "")).strip()
        self.errors: dict[str, str] = {}
        self.moments: tuple[datetime, datetime] | None = None
        if data is not None:
            days = self._days()
            self.moments = (_start(days[0]), _start(days[1])) if days else None

    @property
    def presets(self) -> list[tuple[str, str, bool]]:
        """What can be chosen, and what is."""
        return [(key, words, key == self.preset) for key, words in PRESETS.items()]

    def _days(self) -> tuple[date, date] | None:
        """Return the first day, and the first that is not in the period any more."""
        today = timezone.localdate()
        month = today.replace(day=1)
        if self.preset == "this_month":
            return month, today + timedelta(days=1)
        if self.preset == "last_month":
            return (month - timedelta(days=1)).replace(day=1), month
        if self.preset == "last_90_days":
            return today - timedelta(days=89), today + timedelta(days=1)
        if self.preset != "days":
            self.errors["period"] = "Choose one of these periods."
            return None
        first, last = self._day("since"), self._day("until")
        return (first, last + timedelta(days=1)) if first and last else None

    def _day(self, name: str) -> date | None:
        try:
            found = parse_date(getattr(self, name))
        except ValueError:
            found = None
        if found is None or not FIRST <= found < LAST:
            self.errors[name] = "Name a day, such as 2026-03-01."
            return None
        return found


def _start(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001 (made aware here)
