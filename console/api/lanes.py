"""Lanes that several use cases share, and what holds on one use case, for operators' programs."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Body, Router, Schema, Status
from pydantic import Field

from console.api.auth import person, user_of
from console.api.schemas import Guardrails, Why
from console.api.use_cases import found
from usecases import lane_selectors, lanes, terms
from usecases.actions import lanes as actions
from usecases.lane_selectors import Shown
from usecases.models import Lane

router = Router(tags=["lanes"], auth=person)
of_use_case = Router(tags=["lanes"], auth=person)


class LaneIn(Guardrails):
    """A lane as a whole: knobs, models and terms that are not said are not bounded by it."""

    name: str | None = Field(default=None, max_length=120)
    description: str | None = Field(default=None, max_length=2000)
    lanes: None = Field(default=None, description="Lanes name no other lanes")


class LaneOut(Schema):
    slug: str
    name: str
    description: str
    knobs: dict[str, Any]
    models: list[str]
    terms: dict[str, Any]
    set_by: str
    set_at: datetime | None
    used_by: list[str]
    hidden: int = Field(description="Use cases more that use it, which the caller may not see")


class RecheckOut(Schema):
    """One use case under the lane as it would be."""

    use_case: str
    name: str
    failing: list[dict[str, str]]
    voided: list[dict[str, Any]]
    conflicts: list[str]


class LaneDone(Schema):
    lane: LaneOut
    dry_run: bool
    changed: bool
    sentence: str
    rechecked: list[RecheckOut]


class PartOut(Schema):
    """What one part says: the use case's own guardrails (no slug), or a shared lane."""

    slug: str
    name: str
    set_by: str
    set_at: datetime | None
    bounds: dict[str, Any]


class Holding(Schema):
    effective: dict[str, Any]
    parts: list[PartOut]


@router.get("", response=list[LaneOut], summary="Shared lanes, each with who uses it")
def list_lanes(request: HttpRequest, q: str = "") -> Any:
    return [_out(one) for one in lane_selectors.shown(request.user, q.replace("\0", ""))]


@router.get("/{slug}", response=LaneOut, summary="One shared lane")
def read_lane(request: HttpRequest, slug: str) -> Any:
    return _out(lane_selectors.found(request.user, slug))


@router.put(
    "/{slug}", response=LaneDone, summary="Make or set a lane; every use case that uses it is judged anew"
)
def put_lane(request: HttpRequest, slug: str, body: Body[LaneIn], dry_run: bool = False) -> Any:
    actions.check(request.user)
    row = Lane.objects.filter(slug=slug).first()
    said = {
        "name": body.name if body.name is not None or row else slug,
        "description": body.description,
        "knobs": body.knobs,
        "approved_models": body.models,
        "terms": {key: value for key, value in body.terms().items() if value is not None},
    }
    by = user_of(request)
    if row is None:
        done = actions.create(slug=slug, by=by, reason=body.reason, dry_run=dry_run, **said)
    else:
        done = actions.set_lane(lane=row, by=by, reason=body.reason, dry_run=dry_run, **said)
    return {
        "lane": _out(Shown(done.lane, tuple(one.use_case for one in done.rechecked), 0)),
        "dry_run": dry_run,
        "changed": done.changed,
        "sentence": done.sentence,
        "rechecked": [one.as_dict() for one in done.rechecked],
    }


@router.delete("/{slug}", response={204: None}, summary="Delete a lane that no use case uses")
def delete_lane(request: HttpRequest, slug: str, reason: Why = "") -> Any:
    actions.delete(lane=lane_selectors.found(request.user, slug).lane, by=user_of(request), reason=reason)
    return Status(204, None)


@of_use_case.get(
    "/{slug}/guardrails/effective",
    response=Holding,
    summary="What holds in all: own guardrails and shared lanes, the strictest each",
)
def read_holding(request: HttpRequest, slug: str) -> Any:
    parts = lanes.parts_of(found(request, slug).guardrail)
    held = lanes.strict(parts)
    named = {key: value for key, value in held.items() if key not in terms.USUAL}
    return {
        "effective": {**named, **terms.complete(held)},
        "parts": [
            {
                "slug": part.slug,
                "name": part.name,
                "set_by": part.set_by,
                "set_at": part.set_at,
                "bounds": dict(part.bounds),
            }
            for part in parts
        ],
    }


def _out(one: Shown) -> dict[str, Any]:
    row = one.lane
    return {
        "slug": row.slug,
        "name": row.name,
        "description": row.description,
        "knobs": row.knobs,
        "models": row.approved_models,
        "terms": row.terms,
        "set_by": row.set_by,
        "set_at": row.set_at,
        "used_by": [use_case.slug for use_case in one.used_by],
        "hidden": one.hidden,
    }
