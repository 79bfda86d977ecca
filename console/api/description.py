"""The API's description of itself (OpenAPI 3.1): what holds for all of it, and every status that may be answered."""

from collections.abc import Mapping
from typing import Any, Final

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from routing.problems import CONTENT_TYPE

PROBLEM: Final = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Everything that is wrong with the input: where, and what would be right.",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "checks": {
            "type": "array",
            "description": "Where gates refused a change: every one of them, passed or not.",
            "items": {"$ref": "#/components/schemas/CheckOut"},
        },
    },
}
ALWAYS: Final = {
    400: "The request cannot be understood",
    401: "No valid token",
    403: "The caller may not do this",
    422: "What was sent is at fault, or the rules do not allow it; see `errors`",
    503: "The database does not answer, or a history is still being read; `Retry-After` says when to ask again",
}
NOT_THERE: Final = "There is no such thing, or the caller may not see it"
STALE: Final = "Something else was published meanwhile; `live` says what"
TOO_LARGE: Final = "The body is too large"


# What parameters of the same name mean wherever they stand.
PARAMETERS: Final = {
    "slug": "Short name of the use case, or of the lane under `/lanes`",
    "unit": "Short name of the business unit",
    "username": "Account",
    "number": "As the lists give it: `id`, of versions `version`",
    "If-Match": "What the caller has seen; where something else is there by now, nothing is done (409)",
    "dry_run": "Answer what would happen, with every gate; nothing is written",
    "before": "Go on behind this one: the last `id` (of versions `version`) of the page before, or its `next_before`",
    "limit": "How many at most",
    "against": "Version to compare with; the one before it where nothing is said",
    "status": "Only those that stand so",
    "use_case": "Short name of a use case",
    "instance": "What the assistant calls itself",
    "version": "Version that it holds",
    "since": "First moment",
    "until": "First moment that is not in it any more",
    "actor": "Account that acted",
    "kind": "Such as `change.applied`",
    "knob": "Path of what was changed, such as `bands.answer.from`",
    "q": "Words that have to occur",
    "role": "Which of its three groups",
    "person": "Account",
}


class Described(NinjaAPI):
    """An API whose description names its refusals too."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Call an operation by its resource and its function: what a generated client calls its methods."""
        view = operation.view_func
        return f"{view.__module__.rpartition('.')[2]}_{view.__name__}"

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> OpenAPISchema:
        """Return the description, with a problem document for each way to be refused."""
        schema = super().get_openapi_schema(*args, **kwargs)
        schema["components"].setdefault("schemas", {})["Problem"] = PROBLEM
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                for one in operation.get("parameters", ()):
                    if one["name"] in PARAMETERS:
                        one.setdefault("description", PARAMETERS[one["name"]])
                for status, words in _refusals(path, method, operation).items():
                    operation["responses"].setdefault(status, _problem(words))
        return schema


def _refusals(path: str, method: str, operation: Mapping[str, Any]) -> dict[int, str]:
    """Return the statuses of refusals that an operation may answer, each with its words."""
    found = dict(ALWAYS)
    if "{" in path or any(one["name"] == "use_case" for one in operation.get("parameters", ())):
        found[404] = NOT_THERE
    if method != "get":
        found |= {409: STALE, 413: TOO_LARGE}
    return found


def _problem(words: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": words, "content": {CONTENT_TYPE: {"schema": schema}}}
