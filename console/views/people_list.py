"""The list of accounts, for admins: found by name, group or what is amiss; as a page and as CSV."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group, User
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from console import accounts
from console.listing import Column, listed
from usecases.exports import csv_response
from usecases.views.kill_switches import person as viewer_of

COLUMNS = (
    Column("name", "Name", ("-is_active", "username")),
    Column("groups", "Groups"),
    Column("factor", "Second factor", ("second_factor", "username")),
    Column("seen", "Last sign-in", (F("last_login").desc(nulls_last=True), "username"), falls=True),
    Column("sessions", "Sessions", ("-open_sessions", "username"), falls=True, css="n"),
    Column("tokens", "Tokens", ("-open_tokens", "username"), falls=True, css="n"),
)
STATES = {
    "on": ("may sign in", Q(is_active=True)),
    "off": ("switched off", Q(is_active=False)),
    "bare": ("no second factor", Q(is_active=True, second_factor=False)),
    "never": ("never signed in", Q(last_login=None)),
}
HEADER = ["account", "may_sign_in", "groups", "second_factor", "last_sign_in", "sessions", "tokens"]


@never_cache
@login_required
def people(request: HttpRequest) -> HttpResponse:
    """List the accounts that the address asks for."""
    accounts.check_admin(viewer_of(request))
    context = listed(request, _found(request), COLUMNS, "name") | {
        "wish": {key: request.GET.get(key, "") for key in ("q", "group", "state", "sort")},
        "states": [(key, words) for key, (words, _) in STATES.items()],
        "groups": [(name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)],
    }
    return render(request, "console/people.html", context)


@login_required
def people_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send every account that the filter finds."""
    accounts.check_admin(viewer_of(request))
    rows = (
        [
            row.username,
            row.is_active,
            " ".join(sorted(group.name for group in row.groups.all())),
            row.second_factor,
            row.last_login,
            row.open_sessions,
            row.open_tokens,
        ]
        for row in _found(request)
    )
    return csv_response(request, "people.csv", HEADER, rows)


def _found(request: HttpRequest) -> QuerySet[Any]:
    found: QuerySet[Any] = accounts.listed().filter(username__icontains=request.GET.get("q", "").strip())
    if group := request.GET.get("group", ""):
        found = found.filter(pk__in=User.objects.filter(groups__name=group))
    _, condition = STATES.get(request.GET.get("state", ""), ("", Q()))
    return found.filter(condition)
