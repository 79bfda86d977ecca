"""The record as one viewer may read it: filtered, newest first, page by page.

Somebody sees the events of the use cases that they see; those of none, such as tokens and sign-ins, are their own to
read, and an admin's.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from audit import search
from audit.models import Event, Link
from audit.search import Sight, Sought
from usecases import permissions, record_periods
from usecases.downloads import hang_up
from usecases.models import UseCase

PAGE = 50
Row = TypeVar("Row")
KINDS = {
    "use_case.created": "Use case created",
    "use_case.renamed": "Use case renamed",
    "version.applied": "Change applied",
    "version.reverted": "Reverted",
    "kill_switch.engaged": "Sent to baseline",
    "kill_switch.review_all": "Everything reviewed",
    "kill_switch.restored": "Restored",
    "kill_switch.message_edited": "Message edited",
    "rollout.converged": "Assistants confirmed",
    "guardrail.set": "Guardrails set",
    "lane.created": "Shared lane made",
    "lane.set": "Shared lane set",
    "lane.deleted": "Shared lane deleted",
    "golden_set.set": "Golden set uploaded",
    "golden_set.deleted": "Golden set deleted",
    "one_pager.written": "One-pager written",
    "change.submitted": "Change submitted",
    "change.amended": "Change amended",
    "change.rebased": "Change carried over",
    "change.evidence_renewed": "Evidence taken anew",
    "change.approved": "Change approved",
    "change.changes_requested": "Changes asked for",
    "change.vetoed": "Change vetoed",
    "change.withdrawn": "Change withdrawn",
    "change.scheduled": "Change scheduled",
    "change.held_up": "Change held up",
    "change.commented": "Change commented",
    "change.applied": "Change live",
    "change.expired": "Change expired",
    "override.began": "Override",
    "override.ended": "Override ended",
    "override.reviewed": "Override looked at",
    "access.granted": "Right given",
    "access.revoked": "Right taken back",
    "delegation.given": "Rights lent",
    "delegation.ended": "Loan of rights ended",
    "unit.created": "Business unit made",
    "unit.renamed": "Business unit renamed",
    "unit.placed": "Business unit of a use case",
    "unit.person_added": "Person taken into a unit",
    "unit.person_removed": "Person taken out of a unit",
    "access_review.started": "Access review started",
    "access_review.confirmed": "Right confirmed",
    "access_review.revoked": "Right taken back in a review",
    "access_review.gone": "Right gone before its review",
    "access_review.closed": "Access review closed",
    "what_if.kept": "What-if kept",
    "promise.stated": "Promise stated",
    "certificate.issued": "Certificate issued",
    "upload.received": "Decision log uploaded",
    "upload.stopped": "Upload stopped",
    "decisions.import_started": "Import started",
    "decisions.imported": "Decisions imported",
    "evidence.exported": "Evidence pack taken",
    "event.erased": "Personal data erased",
    "record.key_changed": "Key of the record changed",
    "token.issued": "Token created",
    "token.revoked": "Token revoked",
    "token.rotated": "Token rotated",
    "person.signed_in": "Signed in",
    "person.signed_out": "Signed out",
    "sign_in.failed": "Sign-in failed",
    "sign_in.code_failed": "Wrong code",
    "sign_in.locked": "Locked out",
    "person.created": "Account made",
    "person.groups_set": "Groups brought up to date",
    "person.deactivated": "Account switched off",
    "person.activated": "Account switched on",
    "person.password_changed": "Password changed",
    "person.connected": "Way in connected",
    "person.disconnected": "Way in disconnected",
    "second_factor.set_up": "Second factor set up",
    "second_factor.removed": "Second factor removed",
    "second_factor.codes_renewed": "Recovery codes renewed",
    "second_factor.recovery_used": "Recovery code used",
    "session.ended": "Session ended",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asked for, as typed; every part narrows. Times count in the reader's zone.

    `period` names a span, such as `today` or `2026-03`, and counts instead of `since` and `until`. `knob`: the path of
    what was changed.
    """

    person: str = ""
    use_case: str = ""
    kind: str = ""
    knob: str = ""
    period: str = ""
    since: str = ""
    until: str = ""
    q: str = ""

    @classmethod
    def of(cls, query: Any) -> "Wish":
        return cls(
            **{
                field.name: str(query.get(field.name, "")).replace("\x00", "").strip()[:300]
                for field in fields(cls)
            }
        )

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    @property
    def query(self) -> str:
        """The query string that asks for this again, the same for the same wish."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def sought(self) -> Sought:
        """What to search for."""
        span = record_periods.span(self.period)
        since, until = span or (moment(self.since), moment(self.until, end=True))
        return Sought(self.person, self.kind, self.use_case, self.knob, self.q, since, until)


def sight(viewer: User) -> Sight:
    """Return what a person may read: of use cases they see, their own, for admins those of none."""
    slugs = list(permissions.visible(viewer).order_by().values_list("slug", flat=True))
    return Sight(slugs, viewer.get_username(), permissions.can_create(viewer))


def visible(viewer: User) -> QuerySet[Event]:
    """Return all that a person may read; `page` is for looking for some of it in a long record."""
    seen = sight(viewer)
    apart = Q(use_case="") if seen.apart else Q(use_case="", actor=seen.reader, actor_kind="person")
    return Event.objects.filter(Q(use_case__in=seen.use_cases) | apart)


def one(viewer: User, uid: UUID) -> Event | None:
    """Return an event that a person may read; None for any other, and for one that there is not."""
    event = Event.objects.filter(uid=uid).first()
    return event if event and may_read(viewer, event) else None


def newest(kind: str, use_case: str) -> Event | None:
    """Return the newest event of a kind about a use case: who did it last, and why."""
    return Event.objects.filter(kind=kind, use_case=use_case).order_by("-id").first()


def may_read(viewer: User, event: Event) -> bool:
    """Say whether a person may read an event."""
    if not event.use_case:
        own = event.actor_kind == "person" and event.actor == viewer.get_username()
        return own or (permissions.can_create(viewer) and not _names_hidden(sight(viewer), event))
    return permissions.visible(viewer).filter(slug=event.use_case).exists()


def _names_hidden(seen: Sight, event: Event) -> bool:
    """Say whether an event of the whole console names a use case, under `use_cases`, that the reader does not see.

    Those who did it knew. One that there is not yet is nothing to hide: tokens may be made for it.
    """
    if event.use_case or (event.actor_kind == "person" and event.actor == seen.reader):
        return False
    hidden = {*_use_cases_in(event.old), *_use_cases_in(event.new)} - set(seen.use_cases)
    return bool(hidden) and UseCase.objects.filter(slug__in=hidden).exists()


def _use_cases_in(value: Any) -> list[str]:
    told = value.get("use_cases") if isinstance(value, dict) else None
    return told if isinstance(told, list) else []


def moment(text: str, *, end: bool = False) -> datetime | None:
    """Read a date or a date with a time in the reader's zone; as an end, a date means the whole day."""
    try:
        day = parse_date(text)
        read = parse_datetime(text) if not day else datetime(day.year, day.month, day.day)  # noqa: DTZ001 (made aware below)
        if read is None:
            return None
        aware = read if read.tzinfo else timezone.make_aware(read)
        return aware + timedelta(days=1) if day and end else aware
    except (ValueError, OverflowError):
        return None


def page(
    seen: Sight, sought: Sought, before: int | None = None, size: int = PAGE
) -> tuple[list[Event], int | None]:
    """Return one page of events and the id that the next one comes before."""
    got = search.newest(seen, sought, before=before, limit=size + 1)
    shown = [event for event in got[:size] if not _names_hidden(seen, event)]
    return shown, got[size - 1].pk if len(got) > size else None


def place(text: str) -> int | None:
    """Read the id that a page comes before from an address; None for what makes no sense."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def choices(seen: Sight) -> dict[str, list[tuple[str, str]]]:
    """Return what can be filtered by; nothing of a use case that the viewer does not see."""
    named = ((kind, KINDS.get(kind, kind)) for kind in search.kinds(seen))
    return {
        "people": [(name, name) for name in search.actors(seen)],
        "use_cases": list(
            UseCase.objects.filter(slug__in=seen.use_cases).order_by("name").values_list("slug", "name")
        ),
        "kinds": sorted(named, key=lambda pair: pair[1]),
        "periods": record_periods.choices(),
    }


HEADER = [
    *("id", "uid", "at", "kind", "sentence", "actor", "actor_kind", "entry_point", "request_id", "use_case"),
    *("version", "reason", "old", "new"),
]


def export(viewer: User, wish: Wish) -> Iterator[list[Any]]:
    """Return the asked events as rows of a table, read as they are sent."""
    return _told(viewer, wish, lambda rows: [_row(as_dict(event)) for event in rows])


def _row(values: dict[str, Any]) -> list[Any]:
    return [as_text(values[name]) if name in ("old", "new") else values[name] for name in HEADER]


def export_lines(viewer: User, wish: Wish) -> Iterator[dict[str, Any]]:
    """Return the asked events with all values and their place in the chain, read as they are sent.

    `seq` and `leaf` are None of an event that was written while this was read, and not yet sealed.
    """
    return _told(viewer, wish, _chained)


def _told(viewer: User, wish: Wish, tell: Callable[[list[Event]], list[Row]]) -> Iterator[Row]:
    """Read the asked events some at a time, and tell them as they are taken in."""
    seen = sight(viewer)
    for rows in search.batches(seen, wish.sought):
        told = tell([event for event in rows if not _names_hidden(seen, event)])
        hang_up()
        yield from told
    hang_up()


def _chained(rows: list[Event]) -> list[dict[str, Any]]:
    links = {link.event_id: link for link in Link.objects.filter(event_id__in=[row.pk for row in rows])}
    return [as_dict(row) | _place(links.get(row.pk)) | {"erased": list(row.erased)} for row in rows]


def _place(link: Link | None) -> dict[str, Any]:
    return {"seq": link and link.seq, "leaf": link and bytes(link.leaf).hex()}


def as_dict(event: Event) -> dict[str, Any]:
    """Return an event as programs read it."""
    plain = ("kind", "sentence", "actor", "actor_kind", "entry_point", "request_id", "use_case", "version")
    return {
        "id": event.pk,
        "uid": str(event.uid),
        "at": event.at.isoformat(),
        **{name: getattr(event, name) for name in (*plain, "reason", "old", "new")},
    }


def as_text(value: Any) -> str:
    """Write a stored value as JSON; nothing where there is none."""
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
