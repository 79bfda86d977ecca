"""Access reviews for programs that go through rights, such as one that asks each quarter. Each call is one action."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from ninja import Body, Router, Schema, Status
from pydantic import AwareDatetime, Field

from console.api.auth import person, user_of
from console.api.schemas import Reason, Strict
from console.api.schemas_access import Verb
from console.api.use_cases import NUMBER, found
from usecases import access_reviews
from usecases.access_reviews import Line, Page
from usecases.actions import access_reviews as actions
from usecases.actions.access import refusal
from usecases.models import AccessReview, BusinessUnit

router = Router(tags=["access"], auth=person)
MOST_LINES = 1_000


class Start(Strict):
    """What is gone through: one use case, those of one business unit, or where neither is named all the caller may."""

    due_at: AwareDatetime
    use_case: str | None = Field(default=None, max_length=80)
    unit: str | None = Field(default=None, max_length=80)
    reason: Reason = ""


class LineSeen(Strict):
    """A line, and the rights that were seen there; where they are others by now, nothing is decided."""

    id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    rights: list[Verb] = Field(max_length=5)


class Decide(Strict):
    verdict: Literal["confirmed", "revoked"]
    lines: list[LineSeen] = Field(min_length=1, max_length=MOST_LINES)
    comment: Reason = ""


class Close(Strict):
    comment: Reason = ""


class ReviewOut(Schema):
    id: int
    scope: str
    reason: str
    started_by: str
    started_at: datetime
    due_at: datetime
    overdue: bool
    closed_at: datetime | None
    closed_by: str
    lines_total: Annotated[int, Field(description="Of use cases that the caller may see")]
    lines_decided: int


class ReviewLine(Schema):
    id: int
    use_case: str
    kind: Literal["person", "group", "delegation"]
    holder: str
    rights: Annotated[list[Verb], Field(description="What is judged: as it stands, once decided as it stood")]
    rights_at_start: list[Verb]
    status: Annotated[str, Field(description="open, confirmed, revoked or gone")]
    may_decide: Annotated[bool, Field(description="Open, and not the caller's own")]
    comment: str
    decided_by: str
    decided_at: datetime | None


class ReviewDetail(ReviewOut):
    may_close: bool
    lines: list[ReviewLine]


@router.get("", response=list[ReviewOut], summary="Access reviews, newest first")
def list_reviews(request: HttpRequest) -> Any:
    return [_out(row, row.total, row.done) for row in access_reviews.listed_for(user_of(request))]


@router.post(
    "",
    response={201: ReviewDetail},
    summary="Start an access review; the caller's open one over the same, where there is one",
)
def start(request: HttpRequest, body: Body[Start]) -> Any:
    by = user_of(request)
    scope: dict[str, Any] = {}
    if body.use_case is not None and body.unit is not None:
        raise refusal("unit", "Name a use case or a unit, not both.")
    if body.use_case is not None:
        scope["use_case"] = found(request, body.use_case)
    if body.unit is not None:
        scope["unit"] = _unit(body.unit, by)
    made = actions.start(by=by, due_at=body.due_at, reason=body.reason, **scope)
    return Status(201, _detail(_page(request, made.number)))


@router.get("/{number}", response=ReviewDetail, summary="One access review with its lines")
def read_review(
    request: HttpRequest,
    number: NUMBER,
    status: Literal["open", "confirmed", "revoked", "gone"] | None = None,
) -> Any:
    return _detail(_page(request, number), status)


@router.post(
    "/{number}/lines", response=list[ReviewLine], summary="Confirm or revoke lines as they were seen"
)
def decide(request: HttpRequest, number: NUMBER, body: Body[Decide]) -> Any:
    review, by = _page(request, number).review, user_of(request)
    seen: dict[int, list[str]] = {line.id: list(line.rights) for line in body.lines}
    actions.decide(review=review, seen=seen, verdict=body.verdict, by=by, comment=body.comment)
    now = access_reviews.find(by, number)  # who revoked their last sight of it sees none of it any more
    return [_line(line) for line in now.lines if line.row.pk in seen] if now else []


@router.post(
    "/{number}/close", response=ReviewDetail, summary="Close an access review all of whose lines are decided"
)
def close(request: HttpRequest, number: NUMBER, body: Body[Close | None] = None) -> Any:
    review = _page(request, number).review
    actions.close(review=review, by=user_of(request), comment=body.comment if body else "")
    return _detail(_page(request, number))


def _unit(slug: str, by: Any) -> BusinessUnit:
    """Return a unit of whose use cases the caller may go through one at least; of others nothing is told."""
    mine = access_reviews.reviewable(by)
    unit = BusinessUnit.objects.filter(slug=slug, use_cases__in=mine).first()
    if unit is None:
        raise refusal("unit", f"There is no business unit “{slug}” whose access you may go through.")
    return unit


def _page(request: HttpRequest, number: int) -> Page:
    page = access_reviews.find(user_of(request), number)
    if page is None:
        raise Http404(f"There is no access review {number}.")
    return page


def _out(row: AccessReview, total: int, decided: int) -> dict[str, Any]:
    plain = ("scope", "reason", "started_by", "started_at", "due_at", "closed_at", "closed_by")
    return {
        **{key: getattr(row, key) for key in plain},
        "id": row.number,
        "overdue": access_reviews.overdue(row),
        "lines_total": total,
        "lines_decided": decided,
    }


def _detail(page: Page, status: str | None = None) -> dict[str, Any]:
    lines = [_line(line) for line in page.lines]
    return {
        **_out(page.review, len(page.rows), page.decided),
        "may_close": page.may_close,
        "lines": [line for line in lines if status in (None, line["status"])],
    }


def _line(line: Line) -> dict[str, Any]:
    row = line.row
    return {
        "id": row.pk,
        "use_case": row.use_case.slug,
        "kind": row.holder_kind,
        "holder": row.holder,
        "rights": line.verbs,
        "rights_at_start": row.verbs,
        "status": row.verdict or ("gone" if line.gone else "open"),
        "may_decide": line.choosable,
        "comment": row.comment,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
    }
