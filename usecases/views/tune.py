"""The Tune tab and the draft behind it: edit, undo, discard, carry over, apply. Edits work without JavaScript too."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from routing.engine import knobs
from routing.engine.validation import InvalidDocument
from usecases import editing, permissions
from usecases.actions import drafts
from usecases.models import Draft, UseCase
from usecases.publishing import Refused, Stale
from usecases.views import frame, use_case_for
from usecases.views.draft_desk import answer, page, posted, tab_of
from usecases.views.draft_work import work_for
from usecases.views.kill_switches import person
from usecases.views.refusals import careful

GONE = "That draft was applied or discarded in another window; this is what is live now."


@login_required
def tune(request: HttpRequest, slug: str) -> HttpResponse:
    """Show bands, thresholds and rules, live beside draft."""
    return page(request, use_case_for(request, slug), "tune")


@login_required
@require_POST
@careful
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Take over the fields that were sent, then carry out the button that was pressed."""
    use_case = use_case_for(request, slug, "tune")
    draft = drafts.open_for(use_case=use_case, by=person(request))
    fields = posted(request)
    words = fields.pop("do", "")
    to = fields.pop("to", "")
    try:
        editing.check_marks(draft.document, fields)
        done = editing.set_fields(draft.document, fields)
        said = [done.sentence]
        if words:
            live = work_for(use_case, person(request)).compared
            words += fields.get("pin", "") if words == "pins.add:" else ""
            done = editing.command(done.document, words, live=live, to=int(to) if to.isdecimal() else None)
            said.append(done.sentence)
    except editing.UnknownEdit as refusal:
        return answer(request, use_case, warning=str(refusal))
    if "reason" in fields:
        drafts.note(draft=draft, reason=fields["reason"].strip(), by=person(request))
    sentence = "; ".join(part for part in said if part)
    drafts.edit(draft=draft, document=done.document, by=person(request), sentence=sentence)
    return answer(request, use_case, said=sentence)


@login_required
@require_POST
@careful
def step(request: HttpRequest, slug: str, verb: str) -> HttpResponse:
    """Undo or redo one step."""
    use_case, draft = _mine(request, slug)
    if draft is None:
        return answer(request, use_case, warning=GONE)
    back, forward = drafts.neighbours(draft)
    move = drafts.undo if verb == "undo" else drafts.redo
    move(draft=draft, by=person(request))
    words = back if verb == "undo" else forward
    said = (
        "" if words is None else f"{'Undone' if verb == 'undo' else 'Done again'}: {words or 'the last edit'}"
    )
    return answer(request, use_case, said=said or "Nothing to take back." if verb == "undo" else said)


@login_required
@require_POST
@careful
def discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Throw the draft away."""
    use_case, draft = _mine(request, slug)
    if draft is not None:
        drafts.discard(draft=draft, by=person(request))
    return answer(request, use_case, said="Draft discarded. This is what is live.")


@login_required
@require_POST
@careful
def rebase(request: HttpRequest, slug: str) -> HttpResponse:
    """Carry the draft over to what is live now, and name the places where both had changed the same thing."""
    use_case, draft = _mine(request, slug)
    if draft is None:
        return answer(request, use_case, warning=GONE)
    carried = drafts.rebase(draft=draft, by=person(request))
    said = f"Your draft now builds on r{carried.draft.base_version}."
    warning = ""
    if carried.conflicts:
        both = ", ".join(f"“{knobs.label(path)}”" for path in carried.conflicts)
        warning = f"{said} You both changed {both}: your values stand. Look at them again."
    return answer(request, use_case, said=said, warning=warning)


@login_required
@require_POST
def apply(request: HttpRequest, slug: str) -> HttpResponse:
    """Publish the draft; when that is refused, the draft stays and the page says every reason."""
    use_case, draft = _mine(request, slug)
    if draft is None:
        return answer(request, use_case, warning=GONE)
    try:
        version = drafts.apply(draft=draft, by=person(request), reason=posted(request).get("reason", ""))
    except (Stale, Refused, InvalidDocument) as refusal:
        # Why is on the page itself: the banner of a stale draft, faults by field, gates by change.
        known = isinstance(refusal, Stale | InvalidDocument) or bool(work_for(use_case, person(request)).shut)
        return answer(request, use_case, warning="" if known else str(refusal), said="Not applied.")
    return answer(request, use_case, said=f"r{version.number} is live.", applied=version.number)


@login_required
@require_POST
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """Propose the draft to those who may approve it; when that is refused, the draft stays and the page says why."""
    use_case, draft = _mine(request, slug)
    if draft is None:
        return answer(request, use_case, warning=GONE)
    reason = posted(request).get("reason", "").strip()
    try:
        change = drafts.submit(draft=draft, by=person(request), reason=reason)
    except (Stale, Refused, InvalidDocument) as refusal:
        known = isinstance(refusal, Stale | InvalidDocument)
        return answer(request, use_case, warning="" if known else str(refusal), said="Not submitted.")
    messages.success(request, f"Change {change.number} is submitted: others see it under Approvals.")
    where = reverse("change", args=[slug, change.number])
    if getattr(request, "htmx", None):
        return HttpResponse(status=204, headers={"HX-Redirect": where})
    return redirect(where)


@login_required
def review(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every difference in words and with its exact path: what the dialog shows, as a page of its own."""
    use_case = use_case_for(request, slug)
    work = work_for(use_case, person(request))
    context = {**frame(request, use_case, tab_of(request)), "work": work}
    return render(request, "usecases/tune/review.html", context)


@login_required
def delivery(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Say how many assistants confirmed a version that was just applied; asked again until all have."""
    use_case = use_case_for(request, slug)
    work = work_for(use_case, person(request))
    return render(
        request, "usecases/tune/_delivery.html", {"use_case": use_case, "work": work, "applied": number}
    )


def _mine(request: HttpRequest, slug: str) -> tuple[UseCase, Draft | None]:
    """Return the use case and the person's draft of it, if there still is one."""
    use_case = use_case_for(request, slug)
    permissions.check(request.user, "tune", use_case)
    return use_case, Draft.objects.filter(use_case=use_case, author=person(request)).first()
