"""Turns whatever a view raises, and whatever Django answers by itself, into problem documents."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from console.bodies import TOO_LARGE
from console.middleware import API, outage_response
from routing import problems
from routing.engine.validation import InvalidDocument
from usecases.publishing import Refused, Stale

logger = logging.getLogger(__name__)

UNREADABLE = "The body cannot be read as JSON."
WRONG = "The request does not say what it must; see the errors."
BROKEN = "Something went wrong in the console; it is logged under the request id."
# What Django answers without a view: wrong address, wrong method, wrong host.
PLAIN = {
    400: "The request cannot be understood.",
    403: "You may not do that.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    500: BROKEN,
}
SOURCES = frozenset({"body", "query", "path", "header", "form"})


class Invalid(Exception):
    """Input that is at fault; every fault with its path and a sentence."""

    def __init__(self, errors: Sequence[dict[str, str]], detail: str = WRONG, status: int = 422) -> None:
        super().__init__(detail)
        self.errors = list(errors)
        self.detail = detail
        self.status = status


def response(status: int, detail: str, **more: Any) -> HttpResponse:
    """Return a problem document."""
    body = problems.encoded(problems.document(status, detail, **more))
    return HttpResponse(body, status=status, content_type=problems.CONTENT_TYPE)


def path_of(location: Sequence[Any]) -> str:
    """Write a pydantic location the way documents are addressed: `bands[1].from`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else (f".{part}" if path else str(part))
    return path


def errors_of(found: Sequence[Any], skip: int = 0) -> list[dict[str, str]]:
    """Return pydantic's errors as ours; `skip`: leading parts of each location that the caller never wrote."""
    return [{"path": path_of(one["loc"][skip:]), "message": _sentence(str(one["msg"]))} for one in found]


def _sentence(words: str) -> str:
    words = words.removeprefix("Value error, ").strip()
    return words if words.endswith((".", "?")) else f"{words}."


def install(api: NinjaAPI) -> None:
    """Have the API answer problem documents for everything that can go wrong."""
    for error, handler in HANDLERS.items():
        api.add_exception_handler(error, handler)


def _authentication(request: HttpRequest, error: Exception) -> HttpResponse:
    answer = response(401, "Send a valid token: “Authorization: Bearer …”.")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 400 and error.message.startswith("Cannot parse request body"):
        return response(400, UNREADABLE)
    return response(error.status_code, error.message)


def _validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Leave out what only our code knows: that it was the body, and what the view calls it."""
    errors = []
    for one in error.errors:
        location = list(one["loc"])
        skip = (2 if location[0] == "body" else 1) if location and location[0] in SOURCES else 0
        errors += errors_of([{**one, "loc": location}], skip)
    return response(422, WRONG, errors=errors)


def _stale(request: HttpRequest, error: Stale) -> HttpResponse:
    live = {"version": error.live.number, "digest": error.live.digest}
    return response(409, str(error), live=live)


def _document(request: HttpRequest, error: InvalidDocument) -> HttpResponse:
    errors = [{"path": fault.path, "message": fault.message} for fault in error.faults]
    words = f"The document has {len(errors)} fault{'s' * (len(errors) != 1)}."
    return response(422, words, errors=errors, **_gates(error))


def _gates(error: Exception) -> dict[str, Any]:
    """Return every gate that a refused change met, none hidden behind the first that is shut."""
    checks = getattr(error, "checks", ())
    return {"checks": [check.as_dict() for check in checks]} if checks else {}


def _data(request: HttpRequest, error: Exception) -> HttpResponse:
    """A value that the database cannot hold, such as a NUL character: the sender's fault, nothing was written."""
    # Its own words may quote what was sent.
    logger.warning(
        "refused by the database: %s %s", type(error).__name__, getattr(error.__cause__, "sqlstate", "")
    )
    return response(
        422, "A value cannot be stored: a NUL character, half a surrogate pair, or a number too large."
    )


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("%s %s", request.method, request.path, exc_info=error)
    return response(500, BROKEN)


HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Exception: _unexpected,
    AuthenticationError: _authentication,
    HttpError: _http,
    ValidationError: _validation,
    Invalid: lambda _, error: response(error.status, error.detail, errors=error.errors),
    Http404: lambda _, error: response(404, str(error) or PLAIN[404]),
    PermissionDenied: lambda _, error: response(403, str(error) or PLAIN[403]),
    Refused: lambda _, error: response(422, str(error), errors=error.errors, **_gates(error)),
    Stale: _stale,
    InvalidDocument: _document,
    OperationalError: lambda request, _: outage_response(request),
    InterfaceError: lambda request, _: outage_response(request),
    DataError: _data,
    UnicodeEncodeError: _data,
    RequestDataTooBig: lambda *_: response(413, TOO_LARGE),
    UnreadablePostError: lambda *_: response(400, "The body ended before it was complete."),
    SuspiciousOperation: lambda *_: response(400, PLAIN[400]),
    RecursionError: lambda *_: response(400, "The body is nested too deeply."),
}


def answer(request: HttpRequest, error: Exception) -> HttpResponse:
    """Return the problem document for whatever was raised."""
    kind = next(kind for kind in type(error).__mro__ if kind in HANDLERS)
    return HANDLERS[kind](request, error)


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Have addresses of the API answer problem documents where no view was reached."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        found = get_response(request)
        plain = found.status_code >= 400 and not found.headers.get("Content-Type", "").startswith(
            "application/"
        )
        if not (plain and request.path.startswith(API)):
            return found
        problem = response(found.status_code, PLAIN.get(found.status_code, found.reason_phrase))
        for name in ("Allow", "Retry-After", "X-Request-Id"):
            if name in found.headers:
                problem.headers[name] = found.headers[name]
        return problem

    return handle
