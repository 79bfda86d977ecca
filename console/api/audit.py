"""The record, read by programs: newest first, keyset paging, only what concerns use cases the caller may see.

Admins may have personal data erased from it; the proofs hold.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Body, Query, Router, Schema
from pydantic import Field

from audit import proofs
from audit.models import Event, Link
from audit.search import Sought
from console.api.auth import person, user_of
from console.api.schemas import EventOut, Events, Strict
from console.api.schemas_assistants import Time
from usecases import record
from usecases.actions import erasures

router = Router(tags=["audit"], auth=person)
UNSIGNED = "Not in a signed checkpoint yet; the next one is made within a minute. Ask again then."


class Filter(Schema):
    """Which events; every part narrows. `knob` is the path of what was changed, such as `bands.answer.from`.

    Times are in UTC where they name no zone.
    """

    use_case: Annotated[str, Field(max_length=80)] = ""
    actor: Annotated[str, Field(max_length=150)] = ""
    kind: Annotated[str, Field(max_length=64)] = ""
    knob: Annotated[str, Field(max_length=300)] = ""
    q: Annotated[str, Field(max_length=300)] = ""
    since: Time | None = None
    until: Time | None = None
    before: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Erase(Strict):
    fields: list[Literal["actor", "sentence", "reason", "old", "new"]] = Field(min_length=1, max_length=5)
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Place(Schema):
    """Where an event stands in the chain, and the hash that stands for it."""

    seq: int
    leaf: str


class EventWithProof(EventOut):
    """One event. `proof` is what `python -m audit.verify` takes; null while nothing signed covers it (`unsigned`)."""

    erased: list[str]
    chain: Place | None
    proof: dict[str, Any] | None
    unsigned: str | None


@router.get("/events", response=Events, summary="Audit events, newest first")
def events(request: HttpRequest, wish: Query[Filter]) -> Any:
    actor, kind, use_case, knob, words = (
        text.replace("\x00", "") for text in (wish.actor, wish.kind, wish.use_case, wish.knob, wish.q)
    )
    sought = Sought(actor, kind, use_case, knob, words, wish.since, wish.until)
    seen = record.sight(request.user)  # type: ignore[arg-type]
    found, older = record.page(seen, sought, wish.before, wish.limit)
    return {"events": [record.as_dict(event) for event in found], "next_before": older}


@router.get(
    "/events/{uid}",
    response=EventWithProof,
    summary="One audit event, with the proof that it is in the record",
)
def event(request: HttpRequest, uid: UUID) -> Any:
    found = record.one(request.user, uid)  # type: ignore[arg-type]
    if found is None:
        raise Http404(f"There is no event {uid}.")
    link = Link.objects.filter(event_id=found.pk).first()
    proof, unsigned = _proof(found)
    return record.as_dict(found) | {
        "erased": list(found.erased),
        "chain": {"seq": link.seq, "leaf": bytes(link.leaf).hex()} if link else None,
        "proof": proof,
        "unsigned": unsigned,
    }


@router.post(
    "/events/{uid}/erase",
    response=EventWithProof,
    summary="Erase personal data from an event; that it was, by whom and why stays on record",
)
def erase(request: HttpRequest, uid: UUID, body: Body[Erase]) -> Any:
    by = user_of(request)
    found = record.one(by, uid)
    if found is None:
        raise Http404(f"There is no event {uid}.")
    erasures.erase(event=found, fields=body.fields, by=by, reason=body.reason)
    return event(request, uid)


def _proof(found: Event) -> tuple[dict[str, Any] | None, str | None]:
    try:
        return proofs.inclusion(found), None
    except proofs.NotSigned:
        return None, UNSIGNED
