"""The one-pager of a use case, for operators' programs."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Header, Router, Schema
from pydantic import Field

from console.api import problems
from console.api.auth import person, user_of
from console.api.schemas import Reason, Strict
from console.api.use_cases import found
from usecases import one_pager_standing, one_pagers
from usecases.actions import one_pagers as actions
from usecases.models import OnePager, UseCase

router = Router(tags=["one-pager"], auth=person)
WHERE = "Questions by key; what is left out is not answered."


class Sheet(Strict):
    """All answers: what is not said is no longer answered. Numbers and dates may be given as such."""

    answers: dict[str, Any] = Field(default={}, description=WHERE)
    dpia: dict[str, Any] = Field(default={}, description=WHERE)
    reason: Reason = ""


class QuestionOut(Schema):
    key: str
    part: str
    words: str
    help: str
    kind: str
    needed: bool
    choices: list[str]


class SheetOut(Schema):
    answers: dict[str, str]
    dpia: dict[str, str]
    answered: int
    needed: int
    missing: list[str]
    complete: bool
    warnings: list[str]
    written_by: str
    written_at: str | None
    etag: str


@router.get("/{slug}/one-pager", response=SheetOut, summary="The one-pager, and what of it is missing")
def read(request: HttpRequest, slug: str, response: HttpResponse) -> Any:
    use_case = found(request, slug)
    return _out(use_case, one_pager_standing.held(use_case), response)


@router.get("/{slug}/one-pager/questions", response=list[QuestionOut], summary="What it asks here")
def questions(request: HttpRequest, slug: str) -> Any:
    use_case = found(request, slug)
    row = one_pager_standing.held(use_case)
    asked = [("answers", question, question.needed) for question in one_pagers.SHEET]
    asked += [
        ("dpia", question, one_pagers.dpia_needs(question, row.answers, row.dpia, use_case.risk))
        for question in one_pagers.DPIA
    ]
    return [
        {
            "key": question.key,
            "part": part,
            "words": question.words,
            "help": question.help,
            "kind": question.kind,
            "needed": needed,
            "choices": [key for key, _ in question.choices],
        }
        for part, question, needed in asked
    ]


@router.put(
    "/{slug}/one-pager",
    response=SheetOut,
    summary="Write the one-pager; If-Match is the ETag of what the edit is based on",
)
def write(
    request: HttpRequest,
    slug: str,
    response: HttpResponse,
    body: Body[Sheet],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Any:
    use_case = found(request, slug)
    tag = (if_match or "").strip().removeprefix("W/").strip('"')
    try:
        row = actions.write(
            use_case=use_case,
            answers=body.answers,
            dpia=body.dpia,
            by=user_of(request),
            reason=body.reason,
            expected=None if tag in ("", "*") else tag,
        )
    except actions.Overtaken as overtaken:
        return problems.response(409, str(overtaken), etag=one_pager_standing.token_of(overtaken.row))
    return _out(use_case, row, response)


def _out(use_case: UseCase, row: OnePager, response: HttpResponse) -> dict[str, Any]:
    state = one_pagers.completeness(row.answers, row.dpia, use_case.risk)
    token = one_pager_standing.token_of(row)
    response["ETag"] = f'"{token}"'
    return {
        **one_pager_standing.sheet_of(row),
        "answered": state.answered,
        "needed": state.needed,
        "missing": list(state.missing),
        "complete": state.complete,
        "warnings": one_pager_standing.warnings_of(row),
        "written_by": row.written_by,
        "written_at": row.written_at.isoformat() if row.written_by else None,
        "etag": token,
    }
