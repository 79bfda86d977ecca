"""The JSON Schemas of config documents and files. They are no secret: editors and pipelines fetch them unasked."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from ninja import Router

from usecases.config_schemas import SCHEMAS

router = Router(tags=["schemas"])
View = Callable[[HttpRequest], HttpResponse]
KIND = "application/schema+json"
ANSWERS: dict[str, Any] = {
    "responses": {
        200: {"description": "The schema", "content": {KIND: {"schema": {"type": "object"}}}},
        304: {"description": "It is what If-None-Match names"},
    }
}


def _reads(name: str, words: str) -> Callable[[View], View]:
    summary = f"JSON Schema (2020-12) of {words}"
    reads: Callable[[View], View] = router.get(
        f"/schemas/{name}.json", openapi_extra=ANSWERS, auth=None, summary=summary
    )
    return reads


@_reads("document", "the config document")
def document(request: HttpRequest) -> HttpResponse:
    return _served(request, "document")


@_reads("use-case", "a use case's file")
def use_case(request: HttpRequest) -> HttpResponse:
    return _served(request, "use-case")


def _served(request: HttpRequest, name: str) -> HttpResponse:
    response = HttpResponse(json.dumps(SCHEMAS[name](), ensure_ascii=False), content_type=KIND)
    tag = f'"{sha256(response.content).hexdigest()}"'
    response["ETag"], response["Cache-Control"] = tag, "public, max-age=300"
    return get_conditional_response(request, tag, response=response) or response
