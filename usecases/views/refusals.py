"""How a refused action reads: one page (or one notice) with every error, and the way back. Nothing is swallowed.

Forms that hold typed text catch these errors themselves and show them by field. This decorator is for everything else.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from routing.engine.validation import InvalidDocument
from usecases.publishing import Refused, Stale

View = Callable[..., HttpResponse]
EXPECTED = (Refused, Stale, InvalidDocument)


def careful(view: View) -> View:
    """Answer with a page or notice when the action of a view refuses."""

    @wraps(view)
    def handle(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except EXPECTED as refusal:
            return refused(request, refusal)

    return handle


def refused(request: HttpRequest, refusal: Exception) -> HttpResponse:
    """Render a refusal: 409 where somebody was faster, else 422."""
    status = 409 if isinstance(refusal, Stale) else 422
    context = {
        "title": title(refusal),
        "message": str(refusal),
        "errors": errors_of(refusal),
        "status": status,
    }
    context["back"] = request.headers.get("Referer", "/") if _same_site(request) else "/"
    if getattr(request, "htmx", None):
        response = render(request, "usecases/_refused.html", context, status=status)
        response.headers["HX-Retarget"] = "#notices"
        response.headers["HX-Reswap"] = "beforeend"
        return response
    return render(request, "usecases/refused.html", context, status=status)


def title(refusal: Exception) -> str:
    """Return the few words above a refusal."""
    if isinstance(refusal, Stale):
        return "Somebody else published meanwhile"
    return "The document has faults" if isinstance(refusal, InvalidDocument) else "This was refused"


def errors_of(refusal: Exception) -> list[dict[str, str]]:
    """Return every error of a refusal as path and message, the same for all kinds."""
    if isinstance(refusal, InvalidDocument):
        return [{"path": fault.path, "message": fault.message} for fault in refusal.faults]
    return list(getattr(refusal, "errors", []))


def errors_by_field(refusal: Exception, fields: tuple[str, ...]) -> dict[str, list[str]]:
    """Sort errors to the fields of a form; what belongs to none of them goes to "" with its path."""
    found: dict[str, list[str]] = {}
    for error in errors_of(refusal):
        field = next((name for name in fields if error["path"].split(".")[0].split("[")[0] == name), "")
        words = error["message"] if field == error["path"] else f"{error['path']}: {error['message']}"
        found.setdefault(field, []).append(words)
    return found or {"": [str(refusal)]}


def _same_site(request: HttpRequest) -> bool:
    return request.headers.get("Referer", "").startswith(f"{request.scheme}://{request.get_host()}/")
