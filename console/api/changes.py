"""Changes for operators' programs: apply or propose, judge, make live; overrides. Each call is one action."""

from typing import Annotated, Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from ninja import Body, Header, Query, Router, Status
from pydantic import Field

from console.api.auth import person, user_of
from console.api.schemas import Change as ChangeIn
from console.api.schemas import DryRun, Published, gate_rows, version_out
from console.api.schemas_changes import (
    Amend,
    Approve,
    ChangeDetail,
    ChangeOut,
    OverrideIn,
    OverrideOut,
    Rebased,
    RemarkOut,
    Say,
    Schedule,
    Word,
    change_detail,
    change_out,
    check_rows,
    override_out,
)
from console.api.use_cases import NUMBER, difference_rows, expected, found
from usecases import permissions, reviewing
from usecases.actions import approvals, changes, overrides, versions
from usecases.models import Change, Override, UseCase, Version
from usecases.publishing import NeedsApproval, Stale, latest

router = Router(tags=["changes"], auth=person)
IfMatch = Annotated[str | None, Header(alias="If-Match")]
STATUSES = "open|changes_requested|applied|vetoed|withdrawn|expired"


@router.post(
    "/{slug}/changes",
    response={200: Published | DryRun, 202: ChangeOut},
    summary="Apply a document; past the lane propose it (202), or see what that would do",
)
def change(
    request: HttpRequest, slug: str, body: Body[ChangeIn], dry_run: bool = False, if_match: IfMatch = None
) -> Any:
    use_case = found(request, slug)
    permissions.check(request.user, "tune", use_case)
    seen = expected(if_match, use_case)
    if dry_run:
        return _dry_run(use_case, body, seen, user_of(request))
    wish: dict[str, Any] = {
        "use_case": use_case,
        "document": body.document,
        "by": user_of(request),
        "reason": body.reason,
        "expected_version": seen,
        "baseline": body.baseline,
        "message": body.message,
    }
    try:
        return version_out(versions.apply(**wish))
    except NeedsApproval:
        return Status(202, change_out(reviewing.review_of(changes.submit(**wish))))


def _dry_run(use_case: UseCase, body: ChangeIn, seen: int | None, by: User) -> dict[str, Any]:
    """Answer with every gate; nothing is written."""
    standing = check_seen(use_case, seen)
    planned = versions.plan(
        use_case=use_case, document=body.document, standing=standing, baseline=body.baseline, by=by
    )
    return {
        "dry_run": True,
        "applies": planned.applies,
        "version": planned.version,
        "sentence": planned.sentence,
        "differences": difference_rows(standing.document, body.document),
        "gates": gate_rows(planned.gates),
        "checks": check_rows(planned.findings.checks),
        "approvals_needed": planned.findings.needed,
    }


def check_seen(use_case: UseCase, seen: int | None) -> Version:
    """Return what is live. Raises `Stale` where the caller has seen another version."""
    standing = latest(use_case)
    if seen is not None and seen != standing.number:
        raise Stale(standing)
    return standing


@router.get("/{slug}/changes", response=list[ChangeOut], summary="Changes, newest first, with their gates")
def list_changes(
    request: HttpRequest,
    slug: str,
    status: Annotated[str | None, Query(pattern=f"^({STATUSES})$")] = None,
    before: NUMBER | None = None,
    limit: Annotated[int, Field(ge=1, le=100)] = 50,
) -> Any:
    rows = Change.objects.filter(use_case=found(request, slug)).select_related("use_case", "author")
    rows = rows.filter(status=status) if status else rows
    rows = rows.filter(number__lt=before) if before else rows
    return [change_out(review) for review in reviewing.reviews_of(rows.order_by("-number")[:limit])]


@router.get("/{slug}/changes/{number}", response=ChangeDetail, summary="One change, as its reviewers see it")
def read_change(request: HttpRequest, slug: str, number: NUMBER) -> Any:
    return _detail(_asked(request, slug, number))


@router.put("/{slug}/changes/{number}", response=ChangeOut, summary="Work a change over")
def amend(
    request: HttpRequest, slug: str, number: NUMBER, body: Body[Amend], if_match: IfMatch = None
) -> Any:
    row = _asked(request, slug, number, if_match)
    return _out(changes.amend(change=row, by=user_of(request), document=body.document, reason=body.reason))


@router.post("/{slug}/changes/{number}/approve", response=ChangeOut, summary="Approve it as it stands")
def approve(
    request: HttpRequest,
    slug: str,
    number: NUMBER,
    body: Body[Approve | None] = None,
    if_match: IfMatch = None,
) -> Any:
    row, said = _asked(request, slug, number, if_match), body or Approve()
    approvals.approve(change=row, by=user_of(request), reason=said.reason, content=said.content)
    return _out(row)


@router.post(
    "/{slug}/changes/{number}/request-changes", response=ChangeOut, summary="Ask its author to amend it"
)
def request_changes(
    request: HttpRequest, slug: str, number: NUMBER, body: Body[Word], if_match: IfMatch = None
) -> Any:
    row = _asked(request, slug, number, if_match)
    approvals.request_changes(change=row, by=user_of(request), reason=body.reason)
    return _out(row)


@router.post("/{slug}/changes/{number}/veto", response=ChangeOut, summary="End it")
def veto(
    request: HttpRequest, slug: str, number: NUMBER, body: Body[Word | None] = None, if_match: IfMatch = None
) -> Any:
    row = _asked(request, slug, number, if_match)
    return _out(approvals.veto(change=row, by=user_of(request), reason=body.reason if body else ""))


@router.post("/{slug}/changes/{number}/withdraw", response=ChangeOut, summary="Take one's own change back")
def withdraw(
    request: HttpRequest, slug: str, number: NUMBER, body: Body[Word | None] = None, if_match: IfMatch = None
) -> Any:
    row = _asked(request, slug, number, if_match)
    return _out(changes.withdraw(change=row, by=user_of(request), reason=body.reason if body else ""))


@router.post(
    "/{slug}/changes/{number}/apply", response=Published, summary="Make it live once every gate passes"
)
def apply(
    request: HttpRequest, slug: str, number: NUMBER, body: Body[Word | None] = None, if_match: IfMatch = None
) -> Any:
    row = _asked(request, slug, number)
    seen, reason = expected(if_match, row.use_case), body.reason if body else ""
    return version_out(changes.apply(change=row, by=user_of(request), reason=reason, expected_version=seen))


@router.post("/{slug}/changes/{number}/rebase", response=Rebased, summary="Carry it over to what is live now")
def rebase(request: HttpRequest, slug: str, number: NUMBER) -> Any:
    done = changes.rebase(change=_asked(request, slug, number), by=user_of(request))
    return {**_out(done.change), "conflicts": done.conflicts}


@router.post("/{slug}/changes/{number}/renew-evidence", response=ChangeOut, summary="Take its evidence anew")
def renew_evidence(request: HttpRequest, slug: str, number: NUMBER) -> Any:
    return _out(changes.renew_evidence(change=_asked(request, slug, number), by=user_of(request)))


@router.post(
    "/{slug}/changes/{number}/schedule", response=ChangeOut, summary="Have it go live at a moment, or no more"
)
def schedule(request: HttpRequest, slug: str, number: NUMBER, body: Body[Schedule]) -> Any:
    row = _asked(request, slug, number)
    return _out(changes.schedule(change=row, by=user_of(request), at=body.at, reason=body.reason))


@router.post(
    "/{slug}/changes/{number}/remarks", response=RemarkOut, summary="Say something about a line of it"
)
def remark(request: HttpRequest, slug: str, number: NUMBER, body: Body[Say]) -> Any:
    row = _asked(request, slug, number)
    said = changes.comment(change=row, by=user_of(request), text=body.text, path=body.path)
    return {"person": said.person.get_username(), "path": said.path, "text": said.text, "at": said.at}


@router.post("/{slug}/overrides", response={201: OverrideOut}, summary="Go past the lane at once, for a time")
def override(request: HttpRequest, slug: str, body: Body[OverrideIn], if_match: IfMatch = None) -> Any:
    use_case = found(request, slug)
    row = overrides.override(
        use_case=use_case,
        document=body.document,
        by=user_of(request),
        hours=body.hours,
        reason=body.reason,
        expected_version=expected(if_match, use_case),
    )
    return Status(201, override_out(row))


@router.get("/{slug}/overrides", response=list[OverrideOut], summary="Overrides, newest first")
def list_overrides(
    request: HttpRequest,
    slug: str,
    before: NUMBER | None = None,
    limit: Annotated[int, Field(ge=1, le=100)] = 100,
) -> Any:
    rows = Override.objects.filter(use_case=found(request, slug)).select_related("use_case", "person")
    rows = rows.filter(pk__lt=before) if before else rows
    return [override_out(row) for row in rows.order_by("-pk")[:limit]]


@router.post(
    "/{slug}/overrides/{number}/end", response=OverrideOut, summary="End an override before its time"
)
def end_override(request: HttpRequest, slug: str, number: NUMBER, body: Body[Word | None] = None) -> Any:
    row = _override(request, slug, number)
    return override_out(overrides.end(override=row, by=user_of(request), reason=body.reason if body else ""))


@router.post(
    "/{slug}/overrides/{number}/review", response=OverrideOut, summary="Look at an override afterwards"
)
def review_override(request: HttpRequest, slug: str, number: NUMBER, body: Body[Word | None] = None) -> Any:
    row = _override(request, slug, number)
    return override_out(
        overrides.review(override=row, by=user_of(request), reason=body.reason if body else "")
    )


def _asked(request: HttpRequest, slug: str, number: int, if_match: str | None = None) -> Change:
    """Return the change that is asked for, while the version that the caller has seen is still live."""
    use_case = found(request, slug)
    row = Change.objects.filter(use_case=use_case, number=number).select_related("author").first()
    if row is None:
        raise Http404(f"“{slug}” has no change {number}.")
    row.use_case = use_case
    check_seen(use_case, expected(if_match, use_case))
    return row


def _override(request: HttpRequest, slug: str, number: int) -> Override:
    rows = Override.objects.filter(use_case=found(request, slug), pk=number).select_related(
        "use_case", "person"
    )
    row = rows.first()
    if row is None:
        raise Http404(f"“{slug}” has no override {number}.")
    return row


def _out(row: Change) -> dict[str, Any]:
    fresh = Change.objects.select_related("use_case", "author").get(pk=row.pk)
    return change_out(reviewing.review_of(fresh))


def _detail(row: Change) -> dict[str, Any]:
    base = Version.objects.get(use_case=row.use_case, number=row.base_version)
    return change_detail(reviewing.review_of(row), difference_rows(base.document, row.document))
