"""Tokens: a person's own, and for admins those of assistants. A token's text is shown once, as it is made."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from console import tokens as actions
from console.listing import Column, listed
from console.models import Token
from usecases import permissions
from usecases.actions.access import refusal
from usecases.exports import csv_response
from usecases.permissions import check_create
from usecases.publishing import Refused
from usecases.views.identity import check_recent
from usecases.views.kill_switches import done, person
from usecases.views.refusals import errors_by_field

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year"}
GRACES = {"0": "ends now", "1": "works for an hour", "24": "works for a day", "168": "works for a week"}
SCOPES = {"full": "May do what I may", "read": "May only read"}
STATES = {"": "works", "over": "ended or revoked", "all": "any"}
NAME = Column("name", "Name", ("name",))
USE_CASES = Column("use_cases", "Use cases")
COLUMNS = (
    Column("made", "Created", ("-created_at",), falls=True),
    Column("ends", "Ends", (F("expires_at").asc(nulls_last=True), "name")),
    Column("used", "Last used", (F("last_used_at").desc(nulls_last=True), "name"), falls=True),
)
HEADER = ["name", "begins_with", "use_cases", "scope", "created", "ends", "last_used", "revoked"]
FIELDS = ("name", "use_cases", "days")


@never_cache
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """List tokens; make one, and show its text this once."""
    if request.method != "POST":
        return _page(request, {}, _of_assistants(request))
    viewer, post = person(request), request.POST
    assistant = post.get("kind") == "assistant"
    if assistant:
        check_create(viewer)
    check_recent(request)
    try:
        if assistant:
            _check_listed(viewer, post.getlist("use_case"))
        whom: dict[str, Any] = {"use_cases": post.getlist("use_case")} if assistant else {"user": viewer}
        if not assistant:
            whom["scope"] = post.get("scope", "full")
        name, end = post.get("name", "").strip(), _end(request, assistant)
        token, text = actions.issue(name=name, by=viewer, expires_at=end, **whom)
    except Refused as refused:
        errors = errors_by_field(refused, FIELDS)
        errors["other"] = errors.pop("", [])
        typed = {key: post.get(key, "") for key in ("name", "scope", "days")}
        told = {"errors": errors, "typed": typed, "chosen": post.getlist("use_case")}
        return _page(request, told, assistant, 422)
    return _page(request, {"made": token, "text": text}, assistant)


def _of_assistants(request: HttpRequest) -> bool:
    return request.GET.get("of") == "assistants" and permissions.can_create(person(request))


def _check_listed(viewer: User, chosen: list[str]) -> None:
    if not set(chosen) <= set(permissions.visible(viewer).values_list("slug", flat=True)):
        raise refusal("use_cases", "Choose among the use cases of the list.")


def _end(request: HttpRequest, assistant: bool) -> Any:
    """Return when a new token ends; assistants' go on where nothing is chosen."""
    days = request.POST.get("days", "" if assistant else "90")
    if not days:
        return None
    if days not in LIFETIMES:
        raise refusal("days", "Choose how long the token works among the list.")
    return timezone.now() + timedelta(days=int(days))


def _page(request: HttpRequest, told: dict[str, Any], assistants: bool, status: int = 200) -> HttpResponse:
    viewer = person(request)
    columns = (NAME, USE_CASES, *COLUMNS) if assistants else (NAME, *COLUMNS)
    context = {
        "admin": permissions.can_create(viewer),
        "assistants": assistants,
        "any": _whose(viewer, assistants).exists(),
        "wish": {key: request.GET.get(key, "") for key in ("q", "state", "sort")},
        "states": STATES.items(),
        "use_cases": permissions.visible(viewer) if assistants else [],
        "lifetimes": LIFETIMES.items(),
        "graces": GRACES.items(),
        "scopes": SCOPES.items(),
        "here": reverse("tokens"),
        "errors": {},
        "typed": {},
    } | listed(request, _listed(request, assistants), columns, "made")
    context["rows"] = _rows(context["rows"])
    return render(request, "console/tokens.html", context | told, status=status)


def _whose(viewer: User, assistants: bool) -> QuerySet[Token]:
    """Return one's own tokens, or those of assistants that serve only what one sees."""
    if not assistants:
        return Token.objects.filter(user=viewer)
    return Token.objects.filter(user=None).exclude(use_cases__overlap=list(actions.unseen(viewer)))


def _listed(request: HttpRequest, assistants: bool) -> QuerySet[Token]:
    over = Q(revoked_at__isnull=False) | Q(expires_at__lte=timezone.now())
    states = {"": ~over, "over": over}
    found = _whose(person(request), assistants).filter(states.get(request.GET.get("state", ""), Q()))
    return found.filter(name__icontains=request.GET.get("q", "").strip())


@login_required
def tokens_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send every token that the filter finds; no text of any, for none is kept."""
    rows = (
        [
            token.name,
            token.prefix,
            " ".join(token.use_cases),
            token.scope,
            token.created_at,
            token.expires_at,
            token.last_used_at,
            token.revoked_at,
        ]
        for token in _listed(request, _of_assistants(request)).order_by("name")
    )
    return csv_response(request, "tokens.csv", HEADER, rows)


def _rows(found: Any) -> list[Token]:
    now = timezone.now()
    rows = list(found)
    for token in rows:
        token.worry = actions.worry(token)
        token.over = token.expires_at is not None and token.expires_at <= now
        token.both = token.previous_until is not None and token.previous_until > now
    return rows


def _found(request: HttpRequest, pk: int) -> Token:
    viewer, token = person(request), Token.objects.filter(pk=pk).first()
    if token is None or not (token.user_id == viewer.pk or permissions.can_create(viewer)):
        raise Http404("There is no such token.")
    if token.is_assistant and not actions.sees_all(viewer, token.use_cases):
        raise Http404("There is no such token.")
    return token


@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token."""
    if request.method != "POST":
        return redirect("tokens")
    token = _found(request, pk)
    actions.revoke(token=token, by=person(request))
    messages.success(request, f"The token “{token.name}” is revoked; what used it is refused from now on.")
    return done(request, reverse("tokens"))


@never_cache
@login_required
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a token a new text, and show it this once."""
    if request.method != "POST":
        return redirect("tokens")
    token, grace = _found(request, pk), request.POST.get("grace", "24")
    if not actions.may_rotate(person(request), token):
        raise Http404("There is no such token of yours.")
    check_recent(request)
    try:
        if grace not in GRACES:
            raise Refused("Choose how long the text before still works among the list.")
        token, text = actions.rotate(token=token, by=person(request), grace=timedelta(hours=int(grace)))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("tokens")
    return _page(request, {"made": token, "text": text}, token.is_assistant)
