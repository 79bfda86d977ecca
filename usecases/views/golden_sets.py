"""Golden sets of a use case: upload one, see how live and one's own draft do on it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from usecases import golden_files, golden_standing, lanes
from usecases.actions import golden_sets as actions
from usecases.golden_gates import per_cent
from usecases.models import GoldenSet, UseCase
from usecases.publishing import Refused
from usecases.strictest import sets_of
from usecases.views import frame, use_case_for
from usecases.views.draft_work import work_for
from usecases.views.kill_switches import person
from usecases.views.refusals import careful, errors_of

SHOWN = 200


@login_required
def golden_sets(request: HttpRequest, slug: str) -> HttpResponse:
    """List the golden sets with the scores of live and draft, or take an upload."""
    use_case = use_case_for(request, slug, "approve" if request.method == "POST" else "view")
    errors: list[dict[str, str]] = []
    if request.method == "POST":
        try:
            row = _upload(request, use_case)
        except Refused as refusal:
            errors = errors_of(refusal) or [{"path": "", "message": str(refusal)}]
        else:
            messages.success(request, f"Golden set “{row.name}” holds {len(row.cases):,} cases.")
            return redirect("golden-set", slug, row.pk)
    work = work_for(use_case, person(request))
    asked = {one["name"]: per_cent(one["at_least"]) for one in sets_of(lanes.effective(use_case.guardrail))}
    rows = list(GoldenSet.objects.filter(use_case=use_case))
    context = {
        "sets": [_scored(row, work, asked) for row in rows],
        "missing": [name for name in asked if name not in {row.name for row in rows}],
        "errors": errors,
        "typed": request.POST,
        **frame(request, use_case, "guardrails"),
    }
    return render(request, "usecases/golden/list.html", context, status=422 if errors else 200)


def _upload(request: HttpRequest, use_case: UseCase) -> GoldenSet:
    """Read the file that was given and keep it."""
    given = request.FILES.get("file")
    if given is None:
        raise Refused("Choose a file.", [{"path": "file", "message": "Choose a file: CSV, JSONL or JSON."}])
    if (given.size or 0) > golden_files.MOST_BYTES:
        words = f"The file has more than {golden_files.MOST_BYTES // 1_000_000} MB."
        raise Refused(words, [{"path": "file", "message": words}])
    try:
        cases = golden_files.read(given.read().decode("utf-8"), given.name or "")
    except (UnicodeDecodeError, golden_files.Unreadable) as wrong:
        words = "The file is no text in UTF-8." if isinstance(wrong, UnicodeDecodeError) else str(wrong)
        raise Refused(words, [{"path": "file", "message": words}]) from None
    name = request.POST.get("name", "").strip() or (given.name or "").rpartition(".")[0]
    return actions.keep(
        use_case=use_case,
        name=name,
        cases=cases,
        by=person(request),
        reason=request.POST.get("reason", ""),
    )


def _scored(row: GoldenSet, work: Any, asked: dict[str, str]) -> dict[str, Any]:
    """Return a set with the scores of live and of the person's draft, where that is another document."""
    own = work.document != work.live
    return {
        "row": row,
        "cases": len(row.cases),
        "asked": asked.get(row.name, ""),
        "live": golden_standing.score_of(row, work.live),
        "draft": golden_standing.score_of(row, work.document) if own else None,
    }


@login_required
def golden_set(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show one golden set: what it was recorded under, and the cases that do not come out."""
    use_case = use_case_for(request, slug)
    row = _found(use_case, pk)
    work = work_for(use_case, person(request))
    asked = {one["name"]: per_cent(one["at_least"]) for one in sets_of(lanes.effective(use_case.guardrail))}
    scored = _scored(row, work, asked)
    context = {
        **scored,
        "failing": [
            {"whose": whose, "score": score, "cases": score.failing[:SHOWN]}
            for whose, score in (("live", scored["live"]), ("your draft", scored["draft"]))
            if score is not None
        ],
        **frame(request, use_case, "guardrails"),
    }
    return render(request, "usecases/golden/page.html", context)


@login_required
@require_POST
@careful
def delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Delete a golden set that the guardrails do not ask for."""
    use_case = use_case_for(request, slug, "approve")
    row = _found(use_case, pk)
    actions.delete(golden_set=row, by=person(request), reason=request.POST.get("reason", ""))
    messages.success(request, f"Golden set “{row.name}” is deleted.")
    return redirect("golden-sets", slug)


def _found(use_case: UseCase, pk: int) -> GoldenSet:
    row = GoldenSet.objects.filter(use_case=use_case, pk=pk).first() if pk < 2**31 else None
    if row is None:
        raise Http404("There is no such golden set.")
    return row
