"""Evidence packs for auditors' programs: a zip of one use case and period that proves itself elsewhere."""

from typing import Annotated, Any, Final

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router
from pydantic import Field

from console.api.auth import person, user_of
from console.api.schemas_assistants import Time
from console.api.use_cases import found
from usecases.actions import evidence
from usecases.downloads import zip_response

router = Router(tags=["audit"], auth=person)
ZIP: Final[dict[str, Any]] = {
    "responses": {
        200: {
            "description": "The pack; `python -m audit.verify` checks it",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


@router.get(
    "/evidence",
    summary="Evidence pack of a use case from one moment until before another; recorded as taken",
    openapi_extra=ZIP,
)
def pack(
    request: HttpRequest,
    use_case: Annotated[str, Field(max_length=80), Query()],
    since: Annotated[Time, Query(description="In UTC where it names no zone")],
    until: Annotated[Time, Query(description="The first moment that is not in it; now at the latest")],
) -> StreamingHttpResponse:
    asked = found(request, use_case)
    made = evidence.export(use_case=asked, since=since, until=until, by=user_of(request))
    return zip_response(request, made.filename, made.file)
