"""Over the whole console: business units and their people, and access reviews."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from usecases import access_reviews, permissions
from usecases.access_reviews import Line, Page
from usecases.actions import access_reviews as reviews
from usecases.actions import units as actions
from usecases.actions.access import refusal
from usecases.exports import csv_response
from usecases.models import BusinessUnit
from usecases.publishing import Refused
from usecases.views.access import last_moment
from usecases.views.identity import check_recent
from usecases.views.kill_switches import button, person
from usecases.views.refusals import errors_by_field

HEADER = [
    "use_case",
    "holder",
    "kind",
    "rights",
    "verdict",
    "decided_by",
    "decided_at",
    "comment",
    "rights_now",
]
VERDICTS = (("open", "Open"), ("confirmed", "Confirmed"), ("revoked", "Taken back"), ("gone", "Gone"))
KINDS = (("group", "Groups"), ("person", "People"), ("delegation", "Loans"))
LINES = 100
USUAL_DAYS = 30  # to go through a review, where nobody says otherwise


@login_required
def units(request: HttpRequest) -> HttpResponse:
    """List the business units with their people and use cases; make one."""
    by = person(request)
    permissions.check_manage(by)
    if request.method == "POST":
        slug, name = request.POST.get("slug", ""), request.POST.get("name", "")
        try:
            made = actions.create(slug=slug, name=name, by=by, reason=request.POST.get("reason", ""))
        except Refused as refusal:
            told = {"slug": slug, "name": name, "errors": errors_by_field(refusal, ("slug", "name"))}
            return _units_page(request, told, 422)
        messages.success(request, f"{made.name} is made. Say who belongs to it, then put use cases into it.")
        return redirect("units")
    return _units_page(request, {})


def _units_page(request: HttpRequest, told: dict[str, Any], status: int = 200) -> HttpResponse:
    by = person(request)
    found = BusinessUnit.objects.prefetch_related("groups__group__user_set", "use_cases")
    visible = set(permissions.visible(by).values_list("pk", flat=True))
    context = {
        "units": [_unit(row, visible) for row in found],
        "accounts": User.objects.filter(is_active=True).order_by("username")[:500],
        "errors": {},
    }
    return render(request, "console/units.html", context | told, status=status)


def _unit(row: BusinessUnit, visible: set[int]) -> dict[str, Any]:
    groups = sorted(row.groups.all(), key=lambda one: list(permissions.ROLES).index(one.role))
    return {
        "unit": row,
        "groups": [
            (one.role, one.group.name, sorted(user.get_username() for user in one.group.user_set.all()))
            for one in groups
        ],
        "use_cases": [one for one in row.use_cases.all() if one.pk in visible],
    }


@button
def unit_act(request: HttpRequest, unit: str, verb: str) -> HttpResponse:
    """Rename a unit, or take somebody into one of its groups or out of it."""
    by, post = person(request), request.POST
    permissions.check_manage(by)
    row = BusinessUnit.objects.filter(slug=unit).first()
    if row is None or verb not in ("rename", "add", "remove"):
        raise Http404("There is no such business unit.")
    if verb == "add":
        check_recent(request)
    try:
        told = _act_on_unit(row, verb, by, post)
    except Refused as refused:
        kept = {"at": f"{row.pk}-{verb}-{post.get('role', '')}", "typed": post, "why": str(refused)}
        return _units_page(request, kept, 422)
    messages.success(request, told)
    return redirect(f"{reverse('units')}#unit-{row.pk}")


def _act_on_unit(row: BusinessUnit, verb: str, by: User, post: QueryDict) -> str:
    """Do what was asked for; return what has happened in words."""
    reason = post.get("reason", "")
    if verb == "rename":
        renamed = actions.rename(unit=row, name=post.get("name", ""), by=by, reason=reason)
        return f"The unit is called {renamed.name}."
    name = post.get("person", "").replace("\x00", "").strip()
    who = User.objects.filter(username=name).first()
    if who is None:
        raise refusal("person", f"There is no account “{name}”.")
    act = actions.add_person if verb == "add" else actions.remove_person
    act(unit=row, role=post.get("role", ""), person=who, by=by, reason=reason)
    belongs = "belongs to" if verb == "add" else "belongs no longer to"
    return f"{who.get_username()} {belongs} {post.get('role', '')} of {row.name}."


@login_required
def list_reviews(request: HttpRequest) -> HttpResponse:
    """List the access reviews that touch what the viewer sees; start one."""
    by = person(request)
    told: dict[str, Any] = {}
    if request.method == "POST":
        try:
            started = _start(request, by)
        except Refused as refusal:
            told = {"errors": errors_by_field(refusal, ("due_at", "scope", "reason")), "typed": request.POST}
        else:
            return redirect("access-review", started.number)
    mine = list(access_reviews.reviewable(by).order_by("name"))
    context = {
        "reviews": [(row, access_reviews.overdue(row)) for row in access_reviews.listed_for(by)],
        "mine": mine,
        "units": BusinessUnit.objects.filter(use_cases__in=mine).distinct(),
        "manages": permissions.can_manage(by),
        "errors": {},
        "typed": {"due_at": (timezone.localdate() + timedelta(days=USUAL_DAYS)).isoformat()},
        "today": timezone.localdate(),
    }
    return render(request, "console/access_reviews.html", context | told, status=422 if told else 200)


def _start(request: HttpRequest, by: User) -> Any:
    kind, _, slug = request.POST.get("scope", "").partition(":")
    due = last_moment(request.POST.get("due_at", ""))
    if due is None:
        raise refusal("due_at", "Choose the day until which it should be done.")
    mine = access_reviews.reviewable(by)
    unit = BusinessUnit.objects.filter(slug=slug, use_cases__in=mine).first() if kind == "unit" else None
    use_case = mine.filter(slug=slug).first() if kind == "use_case" else None
    if kind and unit is None and use_case is None:
        raise refusal("scope", "Choose among the use cases and units of the list.")
    return reviews.start(
        by=by, due_at=due, reason=request.POST.get("reason", ""), unit=unit, use_case=use_case
    )


@login_required
def review(request: HttpRequest, number: int) -> HttpResponse:
    """Show one review: its lines, what became of each right since, and the forms to judge them."""
    return _review_page(request, _page_for(request, number))


def _page_for(request: HttpRequest, number: int) -> Page:
    page = access_reviews.find(person(request), number)
    if page is None:
        raise Http404(f"There is no access review {number}.")
    return page


def _review_page(
    request: HttpRequest, page: Page, told: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    part = Paginator(_filtered(page.lines, request), LINES).get_page(request.GET.get("page"))
    shown = list(part)
    context = {
        "review": page.review,
        "page": page,
        "overdue": access_reviews.overdue(page.review),
        "lines": shown,
        "part": part,
        "choosable": [line for line in shown if line.choosable],
        "wish": {key: request.GET.get(key, "") for key in ("q", "verdict", "kind", "use_case")},
        "verdicts": VERDICTS,
        "kinds": KINDS,
        "use_cases": sorted(
            {(row.use_case.slug, row.use_case.name) for row in page.rows}, key=lambda p: p[1]
        ),
        "left": sum(1 for line in page.lines if line.open and not line.gone),
        "counts": [
            (count, words.lower())
            for key, words in VERDICTS
            if (count := sum(1 for row in page.rows if (row.verdict or "open") == key))
        ],
    }
    return render(request, "console/access_review.html", context | (told or {}), status=status)


def _filtered(lines: list[Line], request: HttpRequest) -> list[Line]:
    q, verdict, kind, slug = (
        request.GET.get(key, "").strip() for key in ("q", "verdict", "kind", "use_case")
    )
    return [
        line
        for line in lines
        if q.lower() in f"{line.row.holder} {line.row.use_case.name}".lower()
        and (not verdict or verdict == (line.row.verdict or "open"))
        and (not kind or kind == line.row.holder_kind)
        and (not slug or slug == line.row.use_case.slug)
    ]


@login_required
def review_csv(request: HttpRequest, number: int) -> StreamingHttpResponse:
    """Send every line that the filter finds."""
    page = _page_for(request, number)
    rows = (
        [
            line.row.use_case.slug,
            line.row.holder,
            line.row.holder_kind,
            " ".join(line.row.verbs),
            line.row.verdict or "open",
            line.row.decided_by,
            line.row.decided_at,
            line.row.comment,
            " ".join(line.now.verbs) if line.now else "",
        ]
        for line in _filtered(page.lines, request)
    )
    return csv_response(request, f"access-review-{number}.csv", HEADER, rows)


@login_required
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """Confirm or revoke the chosen lines; refused, the page comes back with the choice in place."""
    page = _page_for(request, number)
    if request.method != "POST":
        return redirect("access-review", number)
    post = request.POST
    chosen = [post["one"]] if post.get("one") else post.getlist("lines")
    comment = post.get("comment", "")
    request.GET = QueryDict(post.get("query", ""))  # refused, the same lines are shown again
    try:
        seen = _seen(chosen)
        reviews.decide(
            review=page.review,
            seen=seen,
            verdict=post.get("verdict", ""),
            by=person(request),
            comment=comment,
        )
    except Refused as refused:
        told = {"refusal": str(refused), "chosen": chosen, "comment": comment}
        return _review_page(request, _page_for(request, number), told, 422)
    many = f"{len(seen)} right{'s are' if len(seen) != 1 else ' is'}"
    messages.success(request, f"{many} {reviews.WORDS[post.get('verdict', '')]}.")
    query = post.get("query", "")
    found = access_reviews.find(person(request), number)
    return redirect(f"/access-reviews/{number}{'?' + query if query else ''}" if found else "/access-reviews")


def _seen(chosen: list[str]) -> dict[int, list[str]]:
    """Read `12:view,tune`: a line, and what was seen of it."""
    seen = {}
    for text in chosen:
        key, _, verbs = text.partition(":")
        if not key.isdecimal() or len(key) > 18:
            raise refusal("lines", "Choose lines of the list.")
        seen[int(key)] = [verb for verb in verbs.split(",") if verb]
    return seen


@button
def close(request: HttpRequest, number: int) -> HttpResponse:
    """Close a review all of whose lines are decided."""
    page = _page_for(request, number)
    reviews.close(review=page.review, by=person(request), comment=request.POST.get("comment", ""))
    messages.success(request, f"Access review {number} is closed.")
    return redirect("access-review", number)
