"""What risk asks of changes past the lane: approvals and by whom, evidence, and when nothing is changed. Pure,
but for the reader's zone, in which moments are told.

Terms are a mapping, as guardrails carry them: `approvals` (0 to 5, past the lane), `approvers` (`{groups, people}`;
both empty: everybody who may approve), `approvals_to_restore` (0 to 5, for leaving a safe state), `expire_days`,
`freezes` (`[{from, until, reason}]`, moments with their zone), `quiet_hours` (`{zone, hours: [{days, from, until}]}`,
clock times of every week), `evidence_needed` with `evidence_hours`, `certificate_needed`, `one_pager_needed`
(for every change but tightening, and for being restored to live), `endpoints` (addresses at which models may be asked;
none: any), `regions` (where models may be; none: anywhere) with `model_regions` (LiteLLM name or host of an endpoint:
its region), `golden_set` (`{name, at_least}` or null: the share of its cases that has to come out as expected).

What several guardrails say at once (`usecases.strictest`) has two shapes more: `approvers.each`, a list of `{groups,
people}` of which somebody has to be in every one, and a `zone` of its own for each of the quiet hours.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from usecases import places

Faults = list[dict[str, str]]

MOST_APPROVALS: Final = 5
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
USUAL: Final[dict[str, Any]] = {
    "approvals": 1,
    "approvers": {"groups": [], "people": []},
    "approvals_to_restore": 0,
    "expire_days": 14,
    "freezes": [],
    "quiet_hours": {"zone": "UTC", "hours": []},
    "evidence_needed": False,
    "evidence_hours": 72,
    "certificate_needed": False,
    "one_pager_needed": False,
    "endpoints": [],
    "regions": [],
    "model_regions": {},
    "golden_set": None,
}
WORDS: Final = {
    "approvals": "approvals past the lane",
    "approvers": "who may approve",
    "approvals_to_restore": "approvals to leave a safe state",
    "expire_days": "days until unanswered changes expire",
    "freezes": "freezes",
    "quiet_hours": "quiet hours",
    "evidence_needed": "whether a what-if is needed",
    "evidence_hours": "how old a what-if may be",
    "certificate_needed": "whether a certificate is needed",
    "one_pager_needed": "whether a complete one-pager is needed",
    "endpoints": "approved endpoints",
    "regions": "regions",
    "model_regions": "where models are",
    "golden_set": "the golden set that is needed",
}
WHOLE: Final = {
    "approvals": (0, MOST_APPROVALS),
    "approvals_to_restore": (0, MOST_APPROVALS),
    "expire_days": (1, 90),
    "evidence_hours": (1, 24 * 90),
}
FLAGS: Final = ("evidence_needed", "certificate_needed", "one_pager_needed")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_MOST_LISTED: Final = 50


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all terms, the usual one wherever none is said."""
    return {key: given.get(key, usual) for key, usual in USUAL.items()}


def unusual(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return only what differs from the usual: what is kept."""
    return {key: given[key] for key, usual in USUAL.items() if key in given and given[key] != usual}


def faults(given: Mapping[str, Any]) -> Faults:
    """Return everything that is wrong with terms as they come from outside, each with its path."""
    found: Faults = []
    for key, (low, high) in WHOLE.items():
        value = given.get(key, low)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            found.append(_fault(key, f"has to be a whole number from {low} to {high}."))
    for key in FLAGS:
        if not isinstance(given.get(key, False), bool):
            found.append(_fault(key, "has to be true or false."))
    found += _approver_faults(given.get("approvers", USUAL["approvers"]))
    found += _freeze_faults(given.get("freezes", []))
    found += [_fault(path, words) for path, words in places.faults(given)]
    found += _golden_faults(given.get("golden_set"))
    return found + _quiet_faults(given.get("quiet_hours", USUAL["quiet_hours"]))


def _golden_faults(wanted: Any) -> Faults:
    if wanted is None:
        return []
    if not isinstance(wanted, Mapping) or set(wanted) != {"name", "at_least"}:
        return [_fault("golden_set", "has to be an object with “name” and “at_least”, or null.")]
    found: Faults = []
    if not isinstance(wanted["name"], str) or not wanted["name"].strip():
        found.append(_fault("golden_set.name", "has to be the name of a golden set."))
    score = wanted["at_least"]
    if not isinstance(score, int | float) or isinstance(score, bool) or not 0 < score <= 1:
        found.append(_fault("golden_set.at_least", "has to be a share above 0, up to 1, such as 0.95."))
    return found


def _approver_faults(named: Any) -> Faults:
    if not isinstance(named, Mapping) or set(named) - {"groups", "people"}:
        return [_fault("approvers", "has to be an object with “groups” and “people”.")]
    return [
        _fault(f"approvers.{key}", "has to be a list of names.")
        for key, names in named.items()
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names)
    ]


def _freeze_faults(freezes: Any) -> Faults:
    if not isinstance(freezes, list) or len(freezes) > _MOST_LISTED:
        return [_fault("freezes", f"has to be a list of at most {_MOST_LISTED}.")]
    found: Faults = []
    for index, freeze in enumerate(freezes):
        where = f"freezes[{index}]"
        if not isinstance(freeze, Mapping) or set(freeze) - {"from", "until", "reason"}:
            found.append(_fault(where, "has to be an object with “from”, “until” and “reason”."))
            continue
        since, until = (moment(freeze.get(end)) for end in ("from", "until"))
        if since is None or until is None or since >= until:
            words = (
                "needs “from” and a later “until”, moments with their zone such as “2026-12-20T00:00:00Z”."
            )
            found.append(_fault(where, words))
        if not isinstance(freeze.get("reason", ""), str):
            found.append(_fault(f"{where}.reason", "has to be text."))
    return found


def _quiet_faults(quiet: Any) -> Faults:
    if not isinstance(quiet, Mapping) or set(quiet) - {"zone", "hours"}:
        return [_fault("quiet_hours", "has to be an object with “zone” and “hours”.")]
    found: Faults = []
    if _zone(quiet.get("zone", "UTC")) is None:
        found.append(_fault("quiet_hours.zone", "is no time zone; use a name such as “Europe/Berlin”."))
    hours = quiet.get("hours", [])
    if not isinstance(hours, list) or len(hours) > _MOST_LISTED:
        return [*found, _fault("quiet_hours.hours", f"has to be a list of at most {_MOST_LISTED}.")]
    for index, span in enumerate(hours):
        if not _is_span(span):
            words = "needs “days” (mon to sun), “from” and “until” as clock times such as “18:00”."
            found.append(_fault(f"quiet_hours.hours[{index}]", words))
    return found


def _is_span(span: Any) -> bool:
    if not isinstance(span, Mapping) or set(span) - {"days", "from", "until"}:
        return False
    days = span.get("days")
    clocks = [span.get("from"), span.get("until")]
    return (
        isinstance(days, list)
        and bool(days)
        and all(day in DAYS for day in days)
        and all(isinstance(clock, str) and bool(_CLOCK.fullmatch(clock)) for clock in clocks)
        and clocks[0] not in (clocks[1], "24:00")
    )


def _fault(path: str, words: str) -> dict[str, str]:
    return {"path": f"guardrails.{path}", "message": f"“{path}” {words}"}


def moment(value: Any) -> datetime | None:
    """Read a moment with its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def _zone(name: Any) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        return None


def frozen(given: Mapping[str, Any], now: datetime) -> str:
    """Say which freeze holds now and until when; empty where none does."""
    for freeze in given.get("freezes", []):
        since, until = moment(freeze["from"]), moment(freeze["until"])
        if since and until and since <= now < until:
            why = f": {freeze['reason']}" if freeze.get("reason") else ""
            return f"Frozen until {timezone.localtime(until):%-d %b %Y %H:%M %Z}{why}"
    return ""


def quiet(given: Mapping[str, Any], now: datetime) -> str:
    """Say that it is quiet hours, and until when; empty where it is not."""
    held = given.get("quiet_hours") or {}
    for span in held.get("hours", []):
        zone = _zone(span.get("zone") or held.get("zone", "UTC")) or ZoneInfo("UTC")
        local = now.astimezone(zone).replace(tzinfo=None)
        for day in (local.date(), local.date() - timedelta(days=1)):
            if DAYS[day.weekday()] not in span["days"]:
                continue
            begin, end = (
                datetime.combine(day, time()) + _since_midnight(span[key]) for key in ("from", "until")
            )
            end += timedelta(days=1) if end <= begin else timedelta()
            if begin <= local < end:
                return f"Quiet hours until {end:%a %H:%M} ({zone.key})"
    return ""


def _since_midnight(clock: str) -> timedelta:
    hours, minutes = clock.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def changed_words(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Name the terms that differ, for the record."""
    before, after = complete(old), complete(new)
    return [WORDS[key] for key in USUAL if before[key] != after[key]]
