"""The Promise tab: state what is promised, certify it, take a recommended setting into the draft."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from usecases import promise_forms, promises, windows
from usecases.actions import certificates, drafts
from usecases.actions import promises as actions
from usecases.models import UseCase
from usecases.publishing import Refused
from usecases.views import frame, use_case_for
from usecases.views.draft_work import work_for
from usecases.views.kill_switches import button, person
from usecases.views.refusals import EXPECTED, errors_of


@login_required
def promise(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what is promised, or state it; what was typed stays where something is wrong."""
    use_case = use_case_for(request, slug, "tune" if request.method == "POST" else "view")
    stated, typed, errors = promises.of(use_case), None, []
    if request.method == "POST":
        typed = request.POST.dict()
        try:
            actions.state(
                use_case=use_case,
                promise=promise_forms.parsed(typed),
                by=person(request),
                reason=typed.get("reason", ""),
            )
        except EXPECTED as refusal:
            errors = errors_of(refusal)
        else:
            messages.success(request, "This is promised from now on.")
            return redirect("promise", slug)
    context: dict[str, Any] = {
        "promise": stated,
        "fields": promise_forms.fields(stated, typed, errors),
        "reason": (typed or {}).get("reason", ""),
        "errors": errors,
        "calibration_url": _address("calibration", use_case),
    }
    context |= frame(request, use_case, "promise")
    return render(request, "usecases/promise/page.html", context, status=422 if errors else 200)


@button
def certify(request: HttpRequest, slug: str) -> HttpResponse:
    """Certify the live answer threshold, on all labels that count."""
    use_case = use_case_for(request, slug, "tune")
    try:
        row = certificates.issue(use_case=use_case, by=person(request), reason=request.POST.get("reason", ""))
    except windows.Loading as loading:
        raise Refused(str(loading)) from loading
    messages.success(request, f"Certified: {row.sentence}")
    return redirect("promise", slug)


@button
def use(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a recommended setting into the person's draft, as it was shown, and go to where the draft is."""
    from routing.replay import recommend

    use_case = use_case_for(request, slug, "tune")
    draft = drafts.open_for(use_case=use_case, by=person(request))
    work = work_for(use_case, person(request))
    if work.faults:
        raise Refused("Put the faults of your draft right first.", [])
    answer_from, rungs = _setting(request)
    if rungs:
        unknown = {name for name, _ in rungs} - {model["name"] for model in work.document["models"]}
        if unknown:
            raise Refused(
                f"Your draft has no model “{min(unknown)}” any more. Look at the recommendation again."
            )
        document = recommend.with_setting(work.document, rungs, answer_from)
        sentence = (
            f"Recommended ladder: {' → '.join(name for name, _ in rungs)}, answer from {answer_from:.2f}"
        )
    else:
        document = recommend.with_answer_from(work.document, answer_from)
        sentence = f"Recommended: answer from {answer_from:.2f}"
    # No notice: the page lists what the draft changes, and a notice would lie over the button that applies it.
    drafts.edit(draft=draft, document=document, by=person(request), sentence=sentence)
    return redirect("models" if rungs else "tune", slug)


def _setting(request: HttpRequest) -> tuple[float, list[tuple[str, float]]]:
    """Read the setting that a button carries: an answer threshold, and rungs where it is a whole ladder."""
    try:
        rungs = [text.rpartition(":")[::2] for text in request.POST.getlist("rung")]
        answer_from = float(request.POST.get("answer_from", ""))
        ladder = [(name, float(accept_from)) for name, accept_from in rungs]
    except ValueError:
        raise Refused("There is no such recommendation. Look at it again.") from None
    if not all(0 <= value <= 1 for value in (answer_from, *(accept for _, accept in ladder))):
        raise Refused("There is no such recommendation. Look at it again.")
    return answer_from, ladder


def _address(name: str, use_case: UseCase) -> str:
    try:
        return reverse(name, args=[use_case.slug])
    except NoReverseMatch:
        return ""
