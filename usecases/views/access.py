"""Who may do what here: the list of people and rights, what is lent, and the forms of those who may change it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group, User
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date

from usecases import access, delegations, permissions
from usecases.access import HEADER, Access, Holder, Row, table
from usecases.actions import access as rights
from usecases.actions import delegations as loans
from usecases.actions import units
from usecases.exports import csv_response
from usecases.models import BusinessUnit, Delegation, UseCase
from usecases.publishing import Refused
from usecases.record import moment
from usecases.views import frame, use_case_for
from usecases.views.identity import check_recent
from usecases.views.kill_switches import button, person
from usecases.views.refusals import errors_by_field

KINDS = {
    "group": "by a group",
    "own": "personally",
    "delegation": "lent for a time",
    "superuser": "as superuser",
}
FIELDS = {"grant": ("holder", "verbs", "reason"), "lend": ("to", "verbs", "until", "reason")}


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan, what of it counts now, and whether the viewer may end it."""

    row: Delegation
    gives: list[str]
    may_end: bool

    @property
    def lent(self) -> str:
        return access.listed(self.row.verbs)

    @property
    def lost(self) -> str:
        """Return what was lent and counts no more, since the giver does not hold it."""
        return access.listed(verb for verb in self.row.verbs if verb not in self.gives)


@login_required
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show everybody who may do anything here, from where, and what each right allows."""
    return _page(request, use_case_for(request, slug))


def _page(
    request: HttpRequest, use_case: UseCase, told: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    by, standing = person(request), Access(use_case)
    shown = _filtered(standing.rows, request)
    manages = permissions.can_manage(by)
    today = timezone.localdate()
    context = frame(request, use_case, "access") | {
        "access": standing,
        "rows": shown,
        "columns": [(verb, access.NAMES[verb]) for verb in access.VERBS],
        "means": [(access.NAMES[verb], access.MEANS[verb]) for verb in access.VERBS],
        "wish": {key: request.GET.get(key, "") for key in ("q", "verb", "by")},
        "kinds": KINDS.items(),
        "loans": [_loan(standing, row, by, manages) for row in standing.loans],
        "lendable": [
            (verb, access.NAMES[verb]) for verb in delegations.LENT if permissions.holds(by, verb, use_case)
        ],
        "first_day": today,
        "last_day": today + timedelta(days=delegations.MOST_DAYS - 1),
        "manages": manages,
        "given": [*standing.groups, *standing.people],
        "units": BusinessUnit.objects.all() if manages else [],
        "accounts": User.objects.filter(is_active=True).order_by("username")[:500] if manages else [],
        "groups": Group.objects.order_by("name") if manages else [],
        "form": "",
        "typed": {},
        "errors": {},
    }
    return render(request, "usecases/access/page.html", context | (told or {}), status=status)


def _loan(standing: Access, row: Delegation, by: User, manages: bool) -> Loan:
    return Loan(row, standing.counting(row), manages or by.pk in (row.giver_id, row.holder_id))


def _filtered(rows: list[Row], request: HttpRequest) -> list[Row]:
    q, verb, kind = (request.GET.get(key, "").strip() for key in ("q", "verb", "by"))
    return [
        row
        for row in rows
        if q.lower() in row.name.lower()
        and (not verb or verb in row.verbs)
        and (not kind or any(source.kind == kind for got in row.sources.values() for source in got))
    ]


@login_required
def as_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send one row for every person, right and way in which they hold it."""
    use_case = use_case_for(request, slug)
    return csv_response(
        request, f"access-{slug}.csv", HEADER, table(_filtered(Access(use_case).rows, request))
    )


@login_required
def grant(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a person or a group rights; what was typed stays where something is wrong."""

    def act(use_case: UseCase, by: User) -> str:
        permissions.check_manage(by, use_case)
        check_recent(request)
        to, verbs = _whom(request), request.POST.getlist("verbs")
        held = rights.grant(
            use_case=use_case, to=to, verbs=verbs, by=by, reason=request.POST.get("reason", "")
        )
        return f"{_called(to)} may now {access.listed(held)}."

    return _tried(request, slug, "grant", act)


@login_required
def lend(request: HttpRequest, slug: str) -> HttpResponse:
    """Lend somebody some of one's own rights until the end of a day."""

    def act(use_case: UseCase, by: User) -> str:
        check_recent(request)
        post = request.POST
        until = last_moment(post.get("until", ""))
        if until is None:
            raise rights.refusal("until", "Choose the last day.")
        row = loans.lend(
            use_case=use_case,
            to=_account(post.get("to", ""), "to"),
            verbs=post.getlist("verbs"),
            until=until,
            by=by,
            reason=post.get("reason", ""),
        )
        return f"{row.holder.get_username()} may {access.listed(row.verbs)} here by your right. It ends by itself."

    return _tried(request, slug, "lend", act)


def last_moment(text: str) -> datetime | None:
    """Return the last second of a day, in the reader's zone, or a moment that was named."""
    found = moment(text, end=True)
    whole = found is not None and parse_date(text.strip()[:40]) is not None
    return found - timedelta(seconds=1) if found and whole else found


def _tried(request: HttpRequest, slug: str, form: str, act: Callable[[UseCase, User], str]) -> HttpResponse:
    use_case = use_case_for(request, slug)
    if request.method != "POST":
        return redirect("access", slug)
    try:
        messages.success(request, act(use_case, person(request)))
    except Refused as refusal:
        typed: dict[str, Any] = {
            key: request.POST.get(key, "") for key in ("person", "group", "to", "until", "reason")
        }
        typed["verbs"] = request.POST.getlist("verbs")
        told = {"form": form, "typed": typed, "errors": errors_by_field(refusal, FIELDS[form])}
        return _page(request, use_case, told, 422)
    return redirect("access", slug)


@button
def revoke(request: HttpRequest, slug: str) -> HttpResponse:
    """Take back all of a person's or a group's rights, or one of them."""
    use_case = use_case_for(request, slug)
    permissions.check_manage(request.user, use_case)
    verb, holder = request.POST.get("verb", ""), _whom(request)
    left = rights.revoke(
        use_case=use_case,
        holder=holder,
        verbs=[verb] if verb else access.VERBS,
        by=person(request),
        reason=request.POST.get("reason", ""),
    )
    now = f"may now only {access.listed(left)}" if left else "holds no right here any more"
    messages.success(request, f"{_called(holder)} {now}.")
    return redirect("access", slug)


@button
def unit(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the use case into a business unit, or into none."""
    use_case = use_case_for(request, slug)
    permissions.check_manage(request.user, use_case)
    check_recent(request)
    wanted = request.POST.get("unit", "")
    found = BusinessUnit.objects.filter(slug=wanted).first()
    if wanted and found is None:
        raise rights.refusal("unit", f"There is no business unit “{wanted}”.")
    units.place(use_case=use_case, unit=found, by=person(request), reason=request.POST.get("reason", ""))
    where = f"is in the business unit {found.name}" if found else "is in no business unit"
    messages.success(request, f"{use_case.name} {where}.")
    return redirect("access", slug)


@button
def end(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """End a loan before its time."""
    use_case = use_case_for(request, slug)
    row = loans.find(use_case, pk)
    if row is None:
        raise Http404("There is no such loan.")
    by = person(request)
    loans.end(delegation=row, by=by, reason=request.POST.get("reason", ""))
    messages.success(
        request, f"{row.holder.get_username()}'s loan from {row.giver.get_username()} has ended."
    )
    still = permissions.can(User.objects.get(pk=by.pk), "view", use_case)
    return redirect("access", slug) if still else redirect("portfolio")


def _whom(request: HttpRequest) -> Holder:
    name, group = (request.POST.get(key, "").strip() for key in ("person", "group"))
    if bool(name) == bool(group):
        raise rights.refusal("holder", "Name a person or choose a group.")
    if name:
        return _account(name, "holder")
    found = Group.objects.filter(name=group).first()
    if found is None:
        raise rights.refusal("holder", f"There is no group “{group}”.")
    return found


def _account(name: str, path: str) -> User:
    found = User.objects.filter(username=name.replace("\x00", "").strip()).first()
    if found is None:
        words = f"There is no account “{name}”." if name.strip() else "Name an account."
        raise rights.refusal(path, words)
    return found


def _called(holder: Holder) -> str:
    return f"The group {holder.name}" if isinstance(holder, Group) else str(holder.get_username())
