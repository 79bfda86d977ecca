"""What every request passes through: the door it came by, the reader's time zone, and honest failure pages."""

import zoneinfo
from collections.abc import Callable

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from audit import context

Handler = Callable[[HttpRequest], HttpResponseBase]
API = ("/api/", "/ofrep/")


def entry_point(get_response: Handler) -> Handler:
    """Name the door for the record, and give the caller the request id that the record holds."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        door = "api" if request.path.startswith(API) else "page"
        with context.through(door) as opened:
            response = get_response(request)
        response.headers["X-Request-Id"] = opened.request_id
        if "ETag" not in response.headers:  # else it is made to be kept
            # What customers wrote must not come back by “Back” once somebody has signed out.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return handle


def head(get_response: Handler) -> Handler:
    """Answer HEAD at the API's addresses as GET; its content is left out by the server (RFC 9110, 9.3.2)."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if request.method != "HEAD" or not request.path.startswith(API):
            return get_response(request)
        request.method = "GET"
        response = get_response(request)
        request.method = "HEAD"
        return response

    return handle


def time_zone(get_response: Handler) -> Handler:
    """Show times in the zone that the reader's browser named in its cookie."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        # Answered outside of the `except`: else every error of a page would seem to come from a missing cookie.
        with timezone.override(_zone(request.COOKIES.get("tz", ""))):
            return get_response(request)

    return handle


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the named zone; None, the installation's own, where there is no such zone."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return None


def outages(get_response: Handler) -> Handler:
    """Say 503 and when to come back while the database is away, instead of a server error."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OperationalError | InterfaceError):
            return outage_response(request)
        from console.views.errors import bad_request  # it stands on this module

        # What the database cannot hold, such as a NUL character, is the sender's fault; nothing was written.
        return bad_request(request, error) if isinstance(error, DataError | UnicodeEncodeError) else None

    handle.process_exception = process_exception  # type: ignore[attr-defined]
    return handle


def outage_response(request: HttpRequest) -> HttpResponse:
    """Return the page or problem document that says the database is away; assistants go on by themselves."""
    detail = (
        "The database does not answer. Running assistants keep their last configuration; try again shortly."
    )
    response: HttpResponse
    if request.path.startswith(API):
        body = {"type": "about:blank", "title": "Database unavailable", "status": 503, "detail": detail}
        response = JsonResponse(body, status=503, content_type="application/problem+json")
    else:
        response = render(request, "503.html", {"detail": detail}, status=503)
    response.headers["Retry-After"] = "5"
    return response
