"""What waits for somebody's word, over all use cases that the viewer sees: changes, and overrides to look at."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from usecases import permissions, reviewing
from usecases.models import Change, Override
from usecases.views.change import listed
from usecases.views.kill_switches import person

LATELY = 10


@dataclass(frozen=True, slots=True)
class Granted:
    """One override, and what the viewer may do about it."""

    override: Override
    may_review: bool
    may_end: bool


@login_required
def approvals(request: HttpRequest) -> HttpResponse:
    """Show what waits for the viewer, what waits for others, overrides nobody has looked at, and what was decided."""
    by = person(request)
    mine = permissions.visible(by)
    living = reviewing.living(mine)
    permissions.read_once(by)
    permissions.read_ahead(by, [review.use_case for review in living])
    waiting = [review for review in living if review.waits_for(by)]
    decided = Change.objects.filter(use_case__in=mine).exclude(status__in=Change.LIVING)
    lately = decided.select_related("use_case", "author").order_by("-closed_at")[:LATELY]
    context = {
        "waiting": [listed(review) for review in waiting],
        "others": [listed(review) for review in living if review not in waiting],
        "overrides": _overrides(by),
        "lately": [listed(review) for review in reviewing.reviews_of(lately)],
    }
    return render(request, "console/approvals.html", context)


def _overrides(by: User) -> list[Granted]:
    open_ones = Q(reviewed_at=None) | Q(ended_at=None)
    rows = Override.objects.filter(open_ones, use_case__in=permissions.visible(by))
    return [
        Granted(
            row,
            row.reviewed_at is None
            and row.person_id != by.pk
            and permissions.can(by, "approve", row.use_case),
            row.ended_at is None and permissions.can(by, "tune", row.use_case),
        )
        for row in rows.select_related("use_case", "person")[:50]
    ]
