"""How the terms of guardrails read: in a form, in a list of what holds, in an event; moments in the reader's zone.

A term that is wrong from outside is no business of these: they write what was kept.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from usecases import fields, terms

_DATED: Final = "%Y-%m-%d %H:%M"


def typed_moment(text: Any) -> str:
    """Write a moment as a freeze is typed: to the minute, in the reader's zone."""
    found = terms.moment(text)
    return timezone.localtime(found).strftime(_DATED) if found else str(text)


def typed_freeze(freeze: Mapping[str, Any]) -> str:
    """Write a freeze as it is typed: `2026-12-20 00:00 to 2027-01-02 00:00 Year's end`."""
    ends = " to ".join(typed_moment(freeze.get(end)) for end in ("from", "until"))
    return f"{ends} {freeze.get('reason') or ''}".strip()


def typed_span(span: Mapping[str, Any]) -> str:
    """Write quiet hours as they are typed: `sat sun 00:00 to 24:00`."""
    return f"{' '.join(span['days'])} {span['from']} to {span['until']}"


def moment(found: datetime) -> str:
    """Write a moment for people, with the zone that it counts in."""
    return timezone.localtime(found).strftime("%-d %b %Y %H:%M %Z")


def _ends(freeze: Mapping[str, Any]) -> str:
    ends = [terms.moment(freeze.get(end)) for end in ("from", "until")]
    return " to ".join(moment(end) if end else "?" for end in ends)


def freeze(said: Mapping[str, Any]) -> str:
    """Say when nothing may change, and why."""
    why = f": {said['reason']}" if said.get("reason") else ""
    return _ends(said) + why


def golden_set(wanted: Mapping[str, Any]) -> str:
    """Say which golden set has to come out, and how well."""
    return f"“{wanted['name']}”, at least {fields.percent(wanted['at_least'])} of its cases as expected"


def _approvers(named: Mapping[str, Any]) -> str:
    each = named.get("each") or [named]
    said = [
        ", ".join([*(f"group {name}" for name in one.get("groups") or []), *(one.get("people") or [])])
        for one in each
    ]
    return "; and ".join(one for one in said if one) or "anybody who may approve"


def _quiet(held: Mapping[str, Any]) -> str:
    zone = held.get("zone", "UTC")
    return "\n".join(f"{typed_span(span)} ({span.get('zone') or zone})" for span in held.get("hours") or [])


def _golden(wanted: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None) -> str:
    sets = [wanted] if isinstance(wanted, Mapping) else wanted or []
    return "\n".join(golden_set(one) for one in sets)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)


_SAID: Final[dict[str, Callable[[Any], str]]] = {
    "approvers": _approvers,
    "freezes": lambda freezes: "\n".join(freeze(one) for one in freezes),
    "quiet_hours": _quiet,
    "endpoints": _listed,
    "regions": _listed,
    "model_regions": lambda known: "\n".join(f"{name}: {region}" for name, region in known.items()),
    "golden_set": _golden,
}


def said(key: str, value: Any) -> str:
    """Write the value of a term; empty where it asks for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _SAID.get(key, str)(value) if value is not None else ""
