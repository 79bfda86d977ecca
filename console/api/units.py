"""Business units for programs that keep them as the company is organised: who is in them, and which use cases."""

from typing import Annotated, Any, Literal

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from ninja import Body, Query, Router, Schema
from pydantic import Field

from console.api.access import account
from console.api.auth import person, user_of
from console.api.schemas import Reason, Strict, Why
from console.api.use_cases import found
from usecases import permissions
from usecases.actions import units as actions
from usecases.actions.access import refusal
from usecases.models import BusinessUnit

router = Router(tags=["access"], auth=person)
of_use_case = Router(tags=["access"], auth=person)
Role = Literal["operations", "risk", "admin"]


class UnitIn(Strict):
    name: str = Field(max_length=120)
    reason: Reason = ""


class Belongs(Strict):
    role: Role
    person: str = Field(max_length=150, description="Account")
    reason: Reason = ""


class Placed(Strict):
    unit: str | None = Field(max_length=80, description="Slug of the unit; null: in none")
    reason: Reason = ""


class UnitOut(Schema):
    slug: str
    name: str
    people: dict[Role, list[str]] = Field(description="Who holds each role on all that is in the unit")
    use_cases: list[str]
    hidden: int = Field(description="Use cases more in it, which the caller may not see")


class PlacedOut(Schema):
    use_case: str
    unit: str | None


@router.get("", response=list[UnitOut], summary="Business units, each with its people and use cases")
def list_units(request: HttpRequest) -> Any:
    permissions.check_manage(request.user)
    rows = BusinessUnit.objects.prefetch_related("groups__group__user_set", "use_cases")
    return [_out(row, user_of(request)) for row in rows]


@router.get("/{unit}", response=UnitOut, summary="One business unit")
def read_unit(request: HttpRequest, unit: str) -> Any:
    return _out(_asked(request, unit), user_of(request))


@router.put("/{unit}", response=UnitOut, summary="Make a business unit with its three groups, or rename it")
def put_unit(request: HttpRequest, unit: str, body: Body[UnitIn]) -> Any:
    by = user_of(request)
    permissions.check_manage(by)
    row = _named(unit)
    if row is None:
        row = actions.create(slug=unit, name=body.name, by=by, reason=body.reason)
    else:
        row = actions.rename(unit=row, name=body.name, by=by, reason=body.reason)
    return _out(row, by)


@router.post("/{unit}/people", response=UnitOut, summary="Take somebody into one of its groups")
def add_person(request: HttpRequest, unit: str, body: Body[Belongs]) -> Any:
    row, by = _asked(request, unit), user_of(request)
    actions.add_person(
        unit=row, role=body.role, person=account(body.person, "person"), by=by, reason=body.reason
    )
    return _out(row, by)


@router.delete("/{unit}/people", response=UnitOut, summary="Take somebody out of one of its groups")
def remove_person(
    request: HttpRequest,
    unit: str,
    role: Role,
    person: Annotated[str, Field(max_length=150), Query()],
    reason: Why = "",
) -> Any:
    row, by = _asked(request, unit), user_of(request)
    actions.remove_person(unit=row, role=role, person=account(person, "person"), by=by, reason=reason)
    return _out(row, by)


@of_use_case.put(
    "/{slug}/unit",
    response=PlacedOut,
    summary="Put a use case into a business unit, or into none; rights of groups go with it",
)
def place(request: HttpRequest, slug: str, body: Body[Placed]) -> Any:
    use_case, by = found(request, slug), user_of(request)
    permissions.check_manage(by, use_case)
    unit = _named(body.unit) if body.unit is not None else None
    if body.unit is not None and unit is None:
        raise refusal("unit", f"There is no business unit “{body.unit}”.")
    actions.place(use_case=use_case, unit=unit, by=by, reason=body.reason)
    return {"use_case": slug, "unit": body.unit}


def _named(slug: str) -> BusinessUnit | None:
    return BusinessUnit.objects.filter(slug=slug).first()


def _asked(request: HttpRequest, slug: str) -> BusinessUnit:
    permissions.check_manage(request.user)
    row = _named(slug)
    if row is None:
        raise Http404(f"There is no business unit “{slug}”.")
    return row


def _out(row: BusinessUnit, viewer: User) -> dict[str, Any]:
    inside = [one.slug for one in row.use_cases.all()]
    seen = set(permissions.visible(viewer).filter(slug__in=inside).values_list("slug", flat=True))
    return {
        "slug": row.slug,
        "name": row.name,
        "people": {
            one.role: sorted(user.get_username() for user in one.group.user_set.all())
            for one in row.groups.all()
        },
        "use_cases": sorted(seen),
        "hidden": len(inside) - len(seen),
    }
