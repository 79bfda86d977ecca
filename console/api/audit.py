"""The record, read by programs: newest first, keyset paging, only what concerns use cases the caller may see."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from audit.models import Event
from console.api.auth import person
from console.api.schemas import Events
from usecases import permissions

router = Router(tags=["audit"], auth=person)


class Filter(Schema):
    """Which events; every part narrows."""

    use_case: Annotated[str, Field(max_length=80)] = ""
    actor: Annotated[str, Field(max_length=150)] = ""
    kind: Annotated[str, Field(max_length=64)] = ""
    since: datetime | None = None
    until: datetime | None = None
    before: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


@router.get("/events", response=Events, summary="Audit events, newest first")
def events(request: HttpRequest, wish: Query[Filter]) -> Any:
    slugs = permissions.visible(request.user).values_list("slug", flat=True)
    rows = Event.objects.filter(
        Q(use_case__in=list(slugs)) | Q(use_case="", actor=request.user.get_username())
    )
    for field in ("use_case", "actor", "kind"):
        if getattr(wish, field):
            rows = rows.filter(**{field: getattr(wish, field)})
    if wish.since:
        rows = rows.filter(at__gte=wish.since)
    if wish.until:
        rows = rows.filter(at__lt=wish.until)
    if wish.before:
        rows = rows.filter(id__lt=wish.before)
    page = list(rows.order_by("-id")[: wish.limit])
    more = len(page) == wish.limit
    return {"events": [_row(event) for event in page], "next_before": page[-1].id if more else None}


def _row(event: Event) -> dict[str, Any]:
    fields = (
        "id",
        "kind",
        "sentence",
        "actor",
        "actor_kind",
        "entry_point",
        "request_id",
        "use_case",
        "version",
    )
    more = ("reason", "old", "new")
    return {"at": event.at.isoformat(), **{field: getattr(event, field) for field in (*fields, *more)}}
