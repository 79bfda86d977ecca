"""Pages for what went wrong. Those for a server error and an outage ask the database nothing."""

from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from audit import context
from console.middleware import API, outage_response
from usecases.permissions import Forbidden


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what no page could make sense of."""
    return _page(
        request, 400, "The request made no sense", "The browser sent something that this page cannot read."
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say which right is missing, and who can give it."""
    known = isinstance(exception, Forbidden)
    words = str(exception) if known else "You may not do this. An admin can give you the right."
    return _page(request, 403, "Not yours to do", words)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that was drawn before the last sign-in."""
    hint = "Go back, reload the page, and press again. Nothing was changed."
    return _page(request, 403, "The page was too old", "The form came from before your last sign-in.", hint)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Tell a stranger and a typo the same."""
    told = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    words = told or "There is nothing at this address."
    return _page(
        request, 404, "Not here", words, "It may have another name, or you may not be allowed to see it."
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an unexpected failure without touching the database."""
    return render(request, "500.html", {"request_id": context.current().request_id}, status=500)


def _page(request: HttpRequest, status: int, title: str, message: str, hint: str = "") -> HttpResponse:
    if request.path.startswith(API):
        body = {"type": "about:blank", "title": title, "status": status, "detail": message}
        return JsonResponse(body, status=status, content_type="application/problem+json")
    told: dict[str, Any] = {"status": status, "title": title, "message": message, "hint": hint}
    if getattr(request, "htmx", None):
        return _notice(request, told)
    try:
        user = getattr(request, "user", None)
        told["error_layout"] = "base.html" if user is not None and user.is_authenticated else "alone.html"
        return render(request, "error.html", told, status=status)
    except (OperationalError, InterfaceError):  # the frame asks who is signed in
        return outage_response(request)


def _notice(request: HttpRequest, told: dict[str, Any]) -> HttpResponse:
    """Answer a button on a live page where its presser is looking; the page itself stays."""
    response = render(request, "usecases/_refused.html", told, status=told["status"])
    response.headers["HX-Retarget"] = "#notices"
    response.headers["HX-Reswap"] = "beforeend"
    return response
