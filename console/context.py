"""What the frame around every page needs."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest

from usecases import permissions
from usecases.models import UnitGroup
from usecases.reviewing import waiting_for

ROLES = (("admin", "Admin"), ("risk", "Risk reviewer"), ("operations", "Operations"))
SECTIONS = {"": "portfolio", "use-cases": "portfolio", "units": "access-reviews"}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Name the section that the navigation marks as current, and the layout: whole pages, or their regions alone.

    A page that updates itself asks again for its own address; it gets the same page without the frame around it.
    """
    match = request.resolver_match
    first = match.route.split("/", 1)[0] if match else "nowhere"
    htmx = getattr(request, "htmx", None)
    partial = "X-Live" in request.headers or (htmx and not htmx.history_restore_request)
    return {
        "section": SECTIONS.get(first, first),
        "layout": "regions.html" if partial else "base.html",
        "role": lambda: role(request),
        "waiting_for_me": lambda: waiting_for_me(request),
    }


def role(request: HttpRequest) -> str:
    """Return the person's role in words. Only the frame calls it: outage pages must not ask the database."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    names = set(user.groups.values_list("name", flat=True))
    return next((words for name, words in ROLES if name in names), None) or _role_in_units(user)


def _role_in_units(user: User) -> str:
    """Return what somebody is who holds a role only on the use cases of business units."""
    held = list(UnitGroup.objects.filter(group__user=user).select_related("unit").order_by("unit__name"))
    units = {one.unit.name for one in held}
    if len(units) > 1:
        return f"In {len(units)} business units"
    roles = {one.role for one in held}
    return next((f"{words}, {held[0].unit.name}" for name, words in ROLES if name in roles), "Guest")


def waiting_for_me(request: HttpRequest) -> int:
    """Count the changes that wait for this person's approval. Only the frame calls it, as above."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return 0
    if getattr(user, "rights_read_once", None) is None:
        permissions.read_once(user)
    return len(waiting_for(user))
