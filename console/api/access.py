"""Who may do what, for operators' programs: read it, lend rights of one's own, end a loan. Each call is one action."""

from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from ninja import Body, Router, Status

from console.api.auth import person, user_of
from console.api.schemas_access import AccessOut, DelegationOut, Lend, access_out, delegation_out
from console.api.use_cases import NUMBER, found
from usecases.access import Access
from usecases.actions import delegations
from usecases.actions.access import refusal

router = Router(tags=["access"], auth=person)


@router.get("/{slug}/access", response=AccessOut, summary="Who may do what here, and from where")
def read_access(request: HttpRequest, slug: str) -> Any:
    return access_out(Access(found(request, slug)))


@router.post(
    "/{slug}/delegations", response={201: DelegationOut}, summary="Lend rights of one's own, for a time"
)
def lend(request: HttpRequest, slug: str, body: Body[Lend]) -> Any:
    use_case = found(request, slug)
    to = User.objects.filter(username=body.to).first()
    if to is None:
        raise refusal("to", f"There is no account “{body.to}”.")
    row = delegations.lend(
        use_case=use_case,
        to=to,
        verbs=body.rights,
        until=body.until,
        by=user_of(request),
        reason=body.reason,
    )
    return Status(201, delegation_out(row))


@router.delete("/{slug}/delegations/{number}", response=DelegationOut, summary="End a loan before its time")
def end(request: HttpRequest, slug: str, number: NUMBER) -> Any:
    row = delegations.find(found(request, slug), number)
    if row is None:
        raise Http404(f"“{slug}” has no loan {number}.")
    return delegation_out(delegations.end(delegation=row, by=user_of(request)))
