"""The record as one viewer may read it: filtered, newest first, page by page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from audit.models import Event
from usecases import permissions

PAGE = 50
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
    "access_review.revoked": "Right not confirmed",
    "access_review.gone": "Right gone before its review",
    "access_review.closed": "Access review closed",
    "what_if.kept": "What-if kept",
    "decisions.import_started": "Import started",
    "decisions.imported": "Decisions imported",
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
    """What a reader asked for, as typed; every part narrows. Times count in the reader's zone."""

    person: str = ""
    use_case: str = ""
    kind: str = ""
    since: str = ""
    until: str = ""
    q: str = ""

    @classmethod
    def of(cls, query: Any) -> "Wish":
        return cls(
            **{
                field.name: str(query.get(field.name, "")).replace("\x00", "").strip()
                for field in fields(cls)
            }
        )

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


def visible(viewer: User) -> QuerySet[Event]:
    """Return the events that a person may read: of use cases they see, their own, for admins those of none."""
    slugs = list(permissions.visible(viewer).values_list("slug", flat=True))
    apart = Q(use_case="") if permissions.can_create(viewer) else Q(use_case="", actor=viewer.get_username())
    return Event.objects.filter(Q(use_case__in=slugs) | apart)


def found(viewer: User, wish: Wish) -> QuerySet[Event]:
    """Return the asked events, newest first."""
    rows = visible(viewer)
    for name, value in (("actor", wish.person), ("use_case", wish.use_case), ("kind", wish.kind)):
        if value:
            rows = rows.filter(**{name: value})
    since, until = moment(wish.since), moment(wish.until, end=True)
    if since:
        rows = rows.filter(at__gte=since)
    if until:
        rows = rows.filter(at__lt=until)
    for word in wish.q.split():
        rows = rows.filter(
            Q(sentence__icontains=word)
            | Q(reason__icontains=word)
            | Q(use_case__icontains=word)
            | Q(actor__icontains=word)
        )
    return rows.order_by("-id")


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


def page(viewer: User, wish: Wish, before: str = "") -> tuple[list[Event], int | None]:
    """Return one page of events and the id that the next one comes before."""
    rows = found(viewer, wish)
    if before.isdigit() and len(before) < 19:
        rows = rows.filter(id__lt=int(before))
    got = list(rows[: PAGE + 1])
    return got[:PAGE], got[PAGE - 1].pk if len(got) > PAGE else None


def choices(viewer: User) -> dict[str, list[tuple[str, str]]]:
    """Return what can be filtered by; nothing of a use case that the viewer does not see."""
    rows = visible(viewer).order_by()
    kinds = rows.values_list("kind", flat=True).distinct()
    people = sorted(rows.values_list("actor", flat=True).distinct())
    return {
        "people": [(name, name) for name in people if name],
        "use_cases": list(permissions.visible(viewer).order_by("name").values_list("slug", "name")),
        "kinds": sorted(((kind, KINDS.get(kind, kind)) for kind in kinds), key=lambda pair: pair[1]),
    }


HEADER = [
    "id",
    "at",
    "kind",
    "sentence",
    "actor",
    "actor_kind",
    "entry_point",
    "use_case",
    "version",
    "reason",
    "old",
    "new",
]


def export(viewer: User, wish: Wish) -> Iterator[list[Any]]:
    """Return the asked events as rows of a table, read as they are sent."""
    for event in found(viewer, wish).iterator(chunk_size=500):
        plain = [event.pk, event.at.isoformat(), event.kind, event.sentence, event.actor, event.actor_kind]
        yield [
            *plain,
            event.entry_point,
            event.use_case,
            event.version,
            event.reason,
            as_text(event.old),
            as_text(event.new),
        ]


def as_text(value: Any) -> str:
    """Write a stored value as JSON; nothing where there is none."""
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
