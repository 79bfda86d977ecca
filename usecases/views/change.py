"""One change as its reviewers see it: what changes, what it would have done, gates, who said what; its buttons."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from usecases import late_rights, permissions, reviewing, timeline
from usecases.actions import approvals, changes, drafts, overrides
from usecases.models import Change, Override, Remark, UseCase, Version
from usecases.publishing import Refused, Stale
from usecases.record import moment
from usecases.reviewing import Review
from usecases.subjects import FAILED, NEEDS, PASSED, Check
from usecases.timeline import Line
from usecases.views import frame, use_case_for
from usecases.views.impact_panel import Panel, panel_of
from usecases.views.kill_switches import button, person
from usecases.views.refusals import EXPECTED, errors_of, title

PILLS = {"applied": "live", "approved": "live", "vetoed": "stop"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the diff, with what was said about it."""

    line: Line
    remarks: list[Remark]


@dataclass(frozen=True, slots=True)
class Rights:
    """Which buttons a person finds."""

    author: bool
    judge: bool
    approve: bool
    publish: bool
    say: bool
    override: bool

    @property
    def any(self) -> bool:
        return self.author or self.judge or self.publish


@dataclass(frozen=True, slots=True)
class Listed:
    """One change in a list."""

    review: Review
    shape: str
    words: str


def listed(review: Review) -> Listed:
    """Return a change with its pill."""
    return Listed(review, *pill(review))


def pill(review: Review) -> tuple[str, str]:
    """Return shape and words of how a change stands."""
    row, status = review.change, review.status
    if status == "open":
        given = len(review.approved_by)
        if review.needed == 1:
            return "wait", "Needs 1 approval"
        return (
            "wait",
            f"Needs {review.needed - given} of {review.needed} approvals" if review.needed else "Open",
        )
    words = "Approved, not live yet" if status == reviewing.APPROVED else Change.Status(status).label
    if status == "applied":
        words = f"Live as r{row.version}"
    return PILLS.get(status, "wait" if status == "changes_requested" else "idle"), words


def rights(review: Review, by: User) -> Rights:
    """Say what a person may do to a change as it stands; the actions refuse by themselves."""
    row = review.change
    living = row.living and not review.expired
    mine = row.author_id == by.pk
    judge = living and not mine and permissions.can(by, "approve", row.use_case)
    may_count = judge and reviewing.may_approve(by, row.use_case, review.guardrail, not_from=row.author)
    given = by.get_username() in review.approved_by
    asked = row.status == Change.Status.CHANGES_REQUESTED
    publish = living and permissions.can(by, changes.verb_of(row), row.use_case)
    say = permissions.can(by, "tune", row.use_case) or permissions.can(by, "approve", row.use_case)
    both = permissions.can(by, "tune", row.use_case) and permissions.can(by, "approve", row.use_case)
    past = any(one.status == NEEDS for one in review.checks) and not row.leaves_to
    approve = may_count and not given and not asked
    return Rights(living and mine, judge, approve, publish, say, living and both and past)


def counted(checks: tuple[Check, ...]) -> str:
    """Count the gates: 5 open, 1 waits, 1 shut."""
    passed = sum(check.passed for check in checks)
    shut = sum(check.status == FAILED for check in checks)
    waits = len(checks) - passed - shut
    parts = [f"{passed} open"]
    parts += [f"{waits} wait{'s' * (waits == 1)}"] if waits else []
    return ", ".join(parts + ([f"{shut} shut"] if shut else []))


def effect(review: Review) -> Panel:
    """Return the numbers that were frozen into a change."""
    evidence = review.change.evidence
    found = evidence.get("what_if")
    if not found or not found.get("decisions"):
        return Panel(sentence=evidence.get("why") or "None was taken.")
    live = Version.objects.get(use_case=review.use_case, number=evidence["live_version"])
    zone = timezone.get_current_timezone()
    # Kept without the time that it took: the same content gives the same evidence.
    return panel_of({"took_ms": 0.0, **found}, live=live.document, draft=review.change.document, zone=zone)


def lines(review: Review) -> list[Line]:
    """Return what a change does, line by line, against what it was begun from."""
    row = review.change
    base = Version.objects.get(use_case=row.use_case, number=row.base_version)
    proposed = Version(
        document=row.document,
        baseline=base.baseline if row.baseline is None else row.baseline,
        message=base.message if row.message is None else row.message,
    )
    return timeline.lines(base, proposed)


@login_required
def change(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show one change."""
    return _page(request, use_case_for(request, slug), number)


def _page(
    request: HttpRequest,
    use_case: UseCase,
    number: int,
    told: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    row = _row(use_case, number)
    review = reviewing.review_of(row)
    shape, words = pill(review)
    by_path: dict[str, list[Remark]] = defaultdict(list)
    for remark in row.remarks.select_related("person"):
        by_path[remark.path].append(remark)
    shown = [Shown(line, by_path.pop(line.path, [])) for line in lines(review)]
    context = frame(request, use_case, "changes") | {
        "section": "approvals",
        "change": row,
        "review": review,
        "late": late_rights.notes(review),
        "shape": shape,
        "words": words,
        "shown": shown,
        "remarks": [remark for rest in by_path.values() for remark in rest],
        "counted": counted(review.checks),
        "marks": {PASSED: "", FAILED: "shut"},
        "panel": effect(review) if not row.leaves_to else None,
        "rights": rights(review, person(request)),
        "stale": any(one.key == "base" and not one.passed for one in review.checks),
    }
    return render(request, "usecases/change/page.html", context | (told or {}), status=status)


def _row(use_case: UseCase, number: int) -> Change:
    row = Change.objects.filter(use_case=use_case, number=number).select_related("author").first()
    if row is None:
        raise Http404(f"There is no change {number} of “{use_case.name}”.")
    row.use_case = use_case
    return row


@login_required
def act(request: HttpRequest, slug: str, number: int, verb: str) -> HttpResponse:
    """Carry out a button of the change's page; what was typed stays where it is refused."""
    use_case = use_case_for(request, slug)
    if request.method != "POST":
        return redirect("change", slug, number)
    row = _row(use_case, number)
    reason = request.POST.get("reason", "").replace("\0", "")
    try:
        said = _carry_out(request, row, verb, reason)
    except EXPECTED as refusal:
        told: dict[str, Any] = {"refusal": title(refusal), "refusal_words": str(refusal)}
        told["kept"] = {"verb": verb, **request.POST.dict(), "reason": reason}
        told["faults"] = {error["path"]: error["message"] for error in errors_of(refusal)}
        told["errors"] = errors_of(refusal) if verb != "apply" else []
        status = 409 if isinstance(refusal, Stale) else 422
        return _page(request, use_case, number, told, status)
    messages.success(request, said)
    if verb == "take-up":
        return redirect("tune", slug)
    return redirect("change", slug, number)


def _carry_out(request: HttpRequest, row: Change, verb: str, reason: str) -> str:
    """Call the action behind a button; say in a sentence what it did."""
    by, name = person(request), f"Change {row.number}"
    if verb == "approve":
        approvals.approve(change=row, by=by, reason=reason, content=request.POST.get("content", ""))
        return f"You approved {name.lower()}."
    if verb == "request-changes":
        approvals.request_changes(change=row, by=by, reason=reason)
        return f"{name} waits for its author now."
    if verb == "veto":
        approvals.veto(change=row, by=by, reason=reason)
        return f"{name} is vetoed."
    if verb == "withdraw":
        changes.withdraw(change=row, by=by, reason=reason)
        return f"{name} is withdrawn."
    if verb == "apply":
        return f"{name} is live as r{changes.apply(change=row, by=by, reason=reason).number}."
    if verb == "remark":
        changes.comment(change=row, by=by, text=reason, path=request.POST.get("path", ""))
        return "Said."
    return _work_over(request, row, verb, by)


def _work_over(request: HttpRequest, row: Change, verb: str, by: User) -> str:
    if verb == "take-up":
        drafts.take_up(change=row, by=by)
        return f"Change {row.number} lies on your desk. Amend it when you are done."
    if verb == "carry-over":
        carried = changes.rebase(change=row, by=by)
        both = (
            f" You both changed {', '.join(carried.conflicts)}: your values stand."
            if carried.conflicts
            else ""
        )
        return f"It builds on r{carried.change.base_version} now.{both}"
    if verb == "renew":
        changes.renew_evidence(change=row, by=by)
        return "The evidence is taken anew; approvals given before are void."
    if verb == "override":
        return _override(request, row, by)
    if verb != "schedule":
        raise Http404("There is no such button.")
    at = moment(request.POST.get("at", ""))
    if request.POST.get("at") and at is None:
        raise Refused("Give a date and a time.", [{"path": "at", "message": "Give a date and a time."}])
    changes.schedule(change=row, by=by, at=at)
    return "It goes live by itself then, if every gate passes." if at else "It is not scheduled any more."


def _override(request: HttpRequest, row: Change, by: User) -> str:
    """Make the change live at once, for a time; it stays open, to be approved or not."""
    typed = request.POST.get("hours", "").replace(",", ".")
    try:
        hours = float(typed)
    except ValueError:
        raise Refused("Say for how many hours.", [{"path": "hours", "message": "Say how many."}]) from None
    reason = request.POST.get("reason", "").replace("\0", "")
    granted = overrides.override(
        use_case=row.use_case, document=row.document, by=by, hours=hours, reason=reason
    )
    return f"Live as r{granted.version}; it ends by itself. Somebody else will look at it."


@button
def override_act(request: HttpRequest, slug: str, pk: int, verb: str) -> HttpResponse:
    """End an override, or say that one has looked at it."""
    use_case = use_case_for(request, slug)
    row = Override.objects.filter(use_case=use_case, pk=pk).first()
    if row is None:
        raise Http404("There is no such override.")
    reason = request.POST.get("reason", "")
    if verb == "end":
        row = overrides.end(override=row, by=person(request), reason=reason)
        messages.success(request, row.outcome)
    else:
        overrides.review(override=row, by=person(request), reason=reason)
        messages.success(request, f"Looked at: the override of r{row.version}.")
    return redirect("approvals")
