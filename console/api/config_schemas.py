"""The JSON Schemas of config documents and files. They are no secret: editors and pipelines fetch them unasked."""

import json
from hashlib import sha256
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router

from usecases.config_schemas import SCHEMAS

router = Router(tags=["schemas"])


@router.get(
    "/schemas/{name}.json",
    response={200: dict[str, Any], 304: None},
    auth=None,
    summary="JSON Schema (2020-12) of the config document, or of a use case's file",
)
def read(request: HttpRequest, name: Literal["document", "use-case"]) -> HttpResponse:
    body = json.dumps(SCHEMAS[name](), ensure_ascii=False).encode()
    tag = f'"{sha256(body).hexdigest()}"'
    seen = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    response = (
        HttpResponse(status=304)
        if tag in seen or "*" in seen
        else HttpResponse(body, content_type="application/schema+json")
    )
    response["ETag"], response["Cache-Control"] = tag, "public, max-age=300"
    return response
