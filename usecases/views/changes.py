"""The timeline of a use case, the difference of any two versions, one version, and the way back to it."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from routing.engine import describe
from routing.models import Rollout
from usecases import effects, permissions, reviewing, timeline
from usecases.actions import versions
from usecases.decision_story import Allowed
from usecases.models import Change, UseCase, Version
from usecases.publishing import Stale
from usecases.reviewing import Review
from usecases.views import frame, use_case_for
from usecases.views.change import listed
from usecases.views.effects import TITLES
from usecases.views.kill_switches import person
from usecases.views.refusals import EXPECTED, errors_of, title


@login_required
def changes(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one page of the timeline, and above it the difference that was asked for."""
    use_case = use_case_for(request, slug)
    found, older = timeline.entries(use_case, number_of(request.GET.get("before", "")))
    old, new = _pair(use_case, request)
    context = frame(request, use_case, "changes")
    context |= {
        "entries": found,
        "older": older,
        "count": Version.objects.filter(use_case=use_case).count(),
        "choices": timeline.numbers(use_case),
        "old": old,
        "new": new,
        "lines": timeline.lines(old, new) if old and new else None,
        "open_changes": [listed(review) for review in reviewing.living([use_case])],
        "decided_changes": [listed(review) for review in _decided(use_case)],
        "decided_in_all": Change.objects.filter(use_case=use_case).exclude(status__in=Change.LIVING).count(),
    }
    return render(request, "usecases/changes.html", context)


def _decided(use_case: UseCase, most: int = 20) -> list[Review]:
    """Return the changes that are no longer open, the newest first; what was applied stands on the timeline too."""
    rows = Change.objects.filter(use_case=use_case).exclude(status__in=Change.LIVING)
    return reviewing.reviews_of(rows.select_related("use_case", "author").order_by("-closed_at")[:most])


def number_of(text: str) -> int | None:
    """Read a version number from an address; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _pair(use_case: UseCase, request: HttpRequest) -> tuple[Version | None, Version | None]:
    asked = [number_of(request.GET.get(key, "")) for key in ("old", "new")]
    known = {
        v.number: v for v in Version.objects.filter(use_case=use_case, number__in=[n for n in asked if n])
    }
    old, new = (known.get(number or -1) for number in asked)
    return old, new


@login_required
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show one version: why, what it changed, how it arrived, what it says."""
    use_case = use_case_for(request, slug)
    return _version_page(request, use_case, number)


@login_required
def revert(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Publish an older version's document again; what was typed stays where it is refused."""
    use_case = use_case_for(request, slug)
    if request.method != "POST":
        return redirect("version", slug, number)
    permissions.check(request.user, "tune", use_case)
    reason = request.POST.get("reason", "")
    expected = number_of(request.POST.get("expected_version", ""))
    try:
        published = versions.revert(
            use_case=use_case, to=number, by=person(request), reason=reason, expected_version=expected
        )
    except EXPECTED as refusal:
        told = {"refusal": title(refusal), "refusal_words": str(refusal), "errors": errors_of(refusal)}
        status = 409 if isinstance(refusal, Stale) else 422
        return _version_page(request, use_case, number, {**told, "reason": reason}, status)
    messages.success(request, f"r{published.number} says the same as r{number}: {published.sentence}")
    return redirect("changes", slug)


def _version_page(
    request: HttpRequest,
    use_case: UseCase,
    number: int,
    told: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    around = {v.number: v for v in Version.objects.filter(use_case=use_case, number__in=[number, number - 1])}
    if number not in around:
        raise Http404(f"There is no r{number} of “{use_case.name}”.")
    asked, previous = around[number], around.get(number - 1)
    context = frame(request, use_case, "changes")
    standing = context["version"]
    rollout = Rollout.objects.filter(use_case=use_case.slug, version=number).first()
    context |= {
        "asked": asked,
        "previous": previous,
        "lines": timeline.lines(previous, asked) if previous else [],
        "since": timeline.lines(asked, standing) if standing.number != number else [],
        "same": previous is not None and effects.same_document(previous, asked),
        "effect_titles": TITLES.items(),
        "rollout": rollout,
        "allowed": Allowed(use_case, asked),
        "delivery_words": timeline.delivery_words(rollout),
        "rules": [describe.rule_sentence(rule) for rule in asked.document.get("rules", [])],
        "text": json.dumps(asked.document, indent=2, ensure_ascii=False),
        "baseline_text": json.dumps(asked.baseline, indent=2, ensure_ascii=False),
    }
    return render(request, "usecases/version.html", context | (told or {}), status=status)
