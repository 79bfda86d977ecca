"""Golden sets of a use case: cases that a document has to decide as expected, and how one does on them."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Body, Router, Schema, Status
from pydantic import Field

from console.api.auth import person, user_of
from console.api.schemas import Reason, Strict, Why
from console.api.use_cases import found
from routing.engine.validation import InvalidDocument, faults
from usecases import golden_standing
from usecases.actions import golden_sets as actions
from usecases.golden import Score
from usecases.models import GoldenSet
from usecases.publishing import latest

router = Router(tags=["golden sets"], auth=person)


class GoldenIn(Strict):
    """A golden set as a whole. Pins and models that are not said are those that are live."""

    cases: list[Any]
    pins: dict[str, str] | None = None
    recorded_models: list[dict[str, Any]] | None = None
    reason: Reason = ""


class ScoreIn(Strict):
    document: dict[str, Any] | None = Field(default=None, description="The live one where none is given")


class FailingOut(Schema):
    case: str
    expected: str
    got: str
    why: str


class ScoreOut(Schema):
    cases: int
    right: int
    share: float | None = Field(description="Null where it is not knowable; `gap` says why")
    gap: str
    failing: list[FailingOut]


class GoldenOut(Schema):
    name: str
    digest: str
    cases: int
    pins: dict[str, Any]
    recorded_models: list[dict[str, Any]]
    set_by: str
    set_at: datetime


class GoldenDetail(GoldenOut):
    content: list[dict[str, Any]]
    live: ScoreOut


@router.get("/{slug}/golden-sets", response=list[GoldenOut], summary="Golden sets of a use case")
def list_sets(request: HttpRequest, slug: str) -> Any:
    return [_out(row) for row in GoldenSet.objects.filter(use_case=found(request, slug))]


@router.get(
    "/{slug}/golden-sets/{name}", response=GoldenDetail, summary="One set, its cases and live's score"
)
def read_set(request: HttpRequest, slug: str, name: str) -> Any:
    row = _found(request, slug, name)
    live = golden_standing.score_of(row, latest(row.use_case).document)
    return {**_out(row), "content": row.cases, "live": _score(live)}


@router.put("/{slug}/golden-sets/{name}", response=GoldenOut, summary="Upload a golden set")
def put_set(request: HttpRequest, slug: str, name: str, body: Body[GoldenIn]) -> Any:
    row = actions.keep(
        use_case=found(request, slug),
        name=name,
        cases=body.cases,
        pins=body.pins,
        recorded_models=body.recorded_models,
        by=user_of(request),
        reason=body.reason,
    )
    return _out(row)


@router.post("/{slug}/golden-sets/{name}/score", response=ScoreOut, summary="How a document does on a set")
def score(request: HttpRequest, slug: str, name: str, body: Body[ScoreIn | None] = None) -> Any:
    row = _found(request, slug, name)
    document = body.document if body and body.document is not None else latest(row.use_case).document
    wrong = faults(document)
    if wrong:
        raise InvalidDocument(wrong)
    return _score(golden_standing.score_of(row, document))


@router.delete("/{slug}/golden-sets/{name}", response={204: None}, summary="Delete a golden set")
def delete_set(request: HttpRequest, slug: str, name: str, reason: Why = "") -> Any:
    actions.delete(golden_set=_found(request, slug, name), by=user_of(request), reason=reason)
    return Status(204, None)


def _found(request: HttpRequest, slug: str, name: str) -> GoldenSet:
    rows = GoldenSet.objects.filter(use_case=found(request, slug)).select_related("use_case")
    row = None if "\0" in name else rows.filter(name=name).first()
    if row is None:
        raise Http404(f"“{slug}” has no golden set “{name}”.")
    return row


def _out(row: GoldenSet) -> dict[str, Any]:
    return {
        "name": row.name,
        "digest": row.digest,
        "cases": len(row.cases),
        "pins": row.pins,
        "recorded_models": row.recorded_models,
        "set_by": row.set_by,
        "set_at": row.set_at,
    }


def _score(score: Score) -> dict[str, Any]:
    return {**score.as_dict(), "share": None if score.gap else score.share}
