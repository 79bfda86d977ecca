"""What a document would have done to past decisions: the numbers, the decisions behind them, and results kept."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Body, Router

from console.api import problems
from console.api.auth import person, user_of
from console.api.schemas_what_if import Again, Cases, CasesOf, Impact, Kept, WhatIf
from console.api.use_cases import found
from usecases import cases, kept, what_if
from usecases.actions import kept_impacts
from usecases.models import KeptImpact

router = Router(tags=["what-if"], auth=person)
View = Callable[..., Any]


def patient(view: View) -> View:
    """Answer 503 with how far it is while a history is being read for somebody else."""

    @wraps(view)
    def handle(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except what_if.Loading as loading:
            problem = problems.response(503, str(loading), rows=loading.rows, expected=loading.expected)
            problem.headers["Retry-After"] = "1"
            return problem

    return handle


def written(answer: Any) -> HttpResponse:
    """Write an answer as it is: the schema names what the contract promises, and would leave out what is besides."""
    return HttpResponse(json.dumps(answer, allow_nan=False), content_type="application/json")


@router.post("/{slug}/what-if", response=Impact, summary="What a document would have done to past decisions")
@patient
def ask(request: HttpRequest, slug: str, body: Body[WhatIf]) -> HttpResponse:
    use_case, by = found(request, slug), user_of(request)
    question = {"document": body.document, "window": body.window, "live": body.against, "by": by}
    if not body.keep:
        return written(what_if.ask(use_case=use_case, ids=body.ids, **question))
    row = kept_impacts.keep(use_case=use_case, note=body.note, **question)
    return written(row.result["answer"] | {"kept": {"id": str(row.pk), "url": _url(request, row)}})


@router.post("/{slug}/what-if/cases", response=Cases, summary="The decisions behind one cell of the matrix")
@patient
def read_cases(request: HttpRequest, slug: str, body: Body[CasesOf]) -> Any:
    page = cases.cases(
        use_case=found(request, slug),
        document=body.document,
        wish=cases.Wish(body.live, body.draft, body.verdict, body.rule, body.words.replace("\x00", "")),
        by=user_of(request),
        window=body.window,
        live=body.against,
        skip=body.skip,
        limit=body.limit,
    )
    return {
        "cell": page.summary,
        "verdicts": page.verdicts,
        "total": page.total,
        "searched": page.searched,
        "cases": list(page.cases),
    }


@router.get("/{slug}/what-if/{uuid:pk}", response=Kept, summary="A kept result, as it was")
def read_kept(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    row = _kept(request, slug, pk)
    told = {"id": str(row.pk), "url": _url(request, row), "note": row.note, "kept_by": row.kept_by}
    return written(told | {"kept_at": row.kept_at.isoformat()} | row.result)


@router.post("/{slug}/what-if/{uuid:pk}/again", response=Again, summary="A kept result, computed again")
@patient
def again(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    told = kept.again(_kept(request, slug, pk))
    differences = [{"path": line.path, "then": line.then, "now": line.now} for line in told.lines]
    answer = {"same": told.same, "sentences": list(told.sentences), "differences": differences}
    return written(answer | {"answer": told.answer})


def _kept(request: HttpRequest, slug: str, pk: UUID) -> KeptImpact:
    row = KeptImpact.objects.filter(use_case=found(request, slug), pk=pk).select_related("use_case").first()
    if row is None:
        raise Http404("There is no such kept result of this use case.")
    return row


def _url(request: HttpRequest, row: KeptImpact) -> str:
    return request.build_absolute_uri(reverse("kept-impact", args=[row.use_case.slug, row.pk]))
