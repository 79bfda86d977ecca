"""What the frame around every page needs."""

from typing import Any

from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """Name the section that the navigation marks as current."""
    match = request.resolver_match
    return {"section": match.route.split("/", 1)[0] if match else ""}
