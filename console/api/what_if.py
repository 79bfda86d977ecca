"""What a document would have done to real past decisions."""

import json

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router

from console.api import problems
from console.api.auth import person, user_of
from console.api.schemas_what_if import Impact, WhatIf
from console.api.use_cases import found
from usecases import what_if

router = Router(tags=["what-if"], auth=person)


@router.post("/{slug}/what-if", response=Impact, summary="What a document would have done to past decisions")
def ask(request: HttpRequest, slug: str, body: Body[WhatIf]) -> HttpResponse:
    use_case, by = found(request, slug), user_of(request)
    try:
        answer = what_if.ask(
            use_case=use_case, document=body.document, window=body.window, ids=body.ids, by=by
        )
    except what_if.Loading as loading:
        problem = problems.response(503, str(loading), rows=loading.rows, expected=loading.expected)
        problem.headers["Retry-After"] = "1"
        return problem
    # Written here: the schema names what the contract promises, and would leave out all that is there besides.
    return HttpResponse(json.dumps(answer, allow_nan=False), content_type="application/json")
