"""Who may do what, for operators' programs: read it, give and take back rights, lend one's own. Each call an action."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.http import Http404, HttpRequest
from ninja import Body, Router, Status

from console.api.auth import person, user_of
from console.api.schemas import Why
from console.api.schemas_access import (
    AccessOut,
    DelegationOut,
    Grant,
    Holder,
    HolderOut,
    Lend,
    Revoke,
    access_out,
    delegation_out,
)
from console.api.use_cases import NUMBER, found
from usecases import access as standing
from usecases import permissions
from usecases.access import Access
from usecases.actions import access, delegations
from usecases.actions.access import refusal

router = Router(tags=["access"], auth=person)


@router.get("/{slug}/access", response=AccessOut, summary="Who may do what here, and from where")
def read_access(request: HttpRequest, slug: str) -> Any:
    return access_out(Access(found(request, slug)))


@router.post("/{slug}/access/grant", response=HolderOut, summary="Give a person or a group rights")
def grant(request: HttpRequest, slug: str, body: Body[Grant]) -> Any:
    use_case, by = found(request, slug), user_of(request)
    permissions.check_manage(by, use_case)
    held = access.grant(use_case=use_case, to=_whom(body), verbs=body.rights, by=by, reason=body.reason)
    return {"person": body.person, "group": body.group, "rights": held}


@router.post("/{slug}/access/revoke", response=HolderOut, summary="Take rights back")
def revoke(request: HttpRequest, slug: str, body: Body[Revoke]) -> Any:
    use_case, by = found(request, slug), user_of(request)
    permissions.check_manage(by, use_case)
    verbs = standing.VERBS if body.rights is None else body.rights
    left = access.revoke(use_case=use_case, holder=_whom(body), verbs=verbs, by=by, reason=body.reason)
    return {"person": body.person, "group": body.group, "rights": left}


@router.post(
    "/{slug}/delegations", response={201: DelegationOut}, summary="Lend rights of one's own, for a time"
)
def lend(request: HttpRequest, slug: str, body: Body[Lend]) -> Any:
    use_case = found(request, slug)
    row = delegations.lend(
        use_case=use_case,
        to=account(body.to, "to"),
        verbs=body.rights,
        until=body.until,
        by=user_of(request),
        reason=body.reason,
    )
    return Status(201, delegation_out(row))


@router.delete("/{slug}/delegations/{number}", response=DelegationOut, summary="End a loan before its time")
def end(request: HttpRequest, slug: str, number: NUMBER, reason: Why = "") -> Any:
    row = delegations.find(found(request, slug), number)
    if row is None:
        raise Http404(f"“{slug}” has no loan {number}.")
    return delegation_out(delegations.end(delegation=row, by=user_of(request), reason=reason))


def account(name: str, path: str) -> User:
    """Return the account that is named; `path`: where."""
    row = User.objects.filter(username=name).first()
    if row is None:
        raise refusal(path, f"There is no account “{name}”.")
    return row


def _whom(body: Holder) -> standing.Holder:
    if (body.person is None) == (body.group is None):
        raise refusal("person", "Name a person or a group, one of them.")
    if body.person is not None:
        return account(body.person, "person")
    group = Group.objects.filter(name=body.group).first()
    if group is None:
        raise refusal("group", f"There is no group “{body.group}”.")
    return group
