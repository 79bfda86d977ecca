"""The JSON Schemas of config documents and files. They are no secret: editors and pipelines fetch them unasked."""

import json
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from usecases.config_schemas import SCHEMAS

router = Router(tags=["schemas"])
KIND = "application/schema+json"
ANSWERS: dict[str, Any] = {
    "responses": {
        200: {"description": "The schema", "content": {KIND: {"schema": {"type": "object"}}}},
        304: {"description": "It is what If-None-Match names"},
    }
}


@router.get(
    "/schemas/document.json",
    openapi_extra=ANSWERS,
    auth=None,
    summary="JSON Schema (2020-12) of the config document",
)
def document(request: HttpRequest) -> HttpResponse:
    return _served(request, "document")


@router.get(
    "/schemas/use-case.json",
    openapi_extra=ANSWERS,
    auth=None,
    summary="JSON Schema (2020-12) of a use case's file",
)
def use_case(request: HttpRequest) -> HttpResponse:
    return _served(request, "use-case")


def _served(request: HttpRequest, name: str) -> HttpResponse:
    body = json.dumps(SCHEMAS[name](), ensure_ascii=False).encode()
    tag = f'"{sha256(body).hexdigest()}"'
    seen = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    response = (
        HttpResponse(status=304) if tag in seen or "*" in seen else HttpResponse(body, content_type=KIND)
    )
    response["ETag"], response["Cache-Control"] = tag, "public, max-age=300"
    return response
