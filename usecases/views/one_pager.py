"""The one-pager of a use case: a sheet to read and print, and the form that writes it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from usecases import one_pager_standing, one_pagers, permissions
from usecases.actions import one_pagers as actions
from usecases.models import UseCase
from usecases.one_pager_forms import SheetForm
from usecases.publishing import Refused
from usecases.views import frame, use_case_for
from usecases.views.kill_switches import person
from usecases.views.refusals import errors_of


@login_required
def one_pager(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the sheet, what is missing, and who wrote what when."""
    use_case = use_case_for(request, slug)
    row = one_pager_standing.held(use_case)
    context = frame(request, use_case, "one-pager") | {
        "row": row,
        "form": SheetForm(one_pager_standing.sheet_of(row), use_case.risk),
        "state": one_pagers.completeness(row.answers, row.dpia, use_case.risk),
        "odd": one_pager_standing.warnings_of(row),
        "edits": one_pager_standing.edits(row),
        "may_write": _may_write(request, use_case),
    }
    return render(request, "usecases/one_pager/page.html", context)


def _may_write(request: HttpRequest, use_case: UseCase) -> bool:
    return any(permissions.can(request.user, verb, use_case) for verb in ("tune", "approve"))


@login_required
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form, or save it; what was typed stays where something is wrong or somebody was faster."""
    use_case = use_case_for(request, slug)
    if not _may_write(request, use_case):
        permissions.check(request.user, "tune", use_case)
    row = one_pager_standing.held(use_case)
    typed = request.POST if request.method == "POST" else None
    form = SheetForm(one_pager_standing.sheet_of(row), use_case.risk, typed)
    context: dict[str, Any] = {"token": one_pager_standing.token_of(row), "reason": ""}
    if typed is not None:
        context = {"token": typed.get("token"), "reason": typed.get("reason", "")}
        try:
            actions.write(
                use_case=use_case,
                **form.sheet,
                by=person(request),
                reason=context["reason"],
                expected=context["token"],
            )
        except actions.Overtaken as overtaken:
            # Saving again is a decision then, made with the other's words on the page.
            context |= {
                "token": one_pager_standing.token_of(overtaken.row),
                "theirs": _theirs(overtaken, form),
            }
            form.add_errors([], str(overtaken))
        except Refused as refusal:
            form.add_errors(errors_of(refusal), str(refusal))
        else:
            messages.success(request, f"One-pager saved: {one_pager_standing.state_of(use_case).told}.")
            return redirect("one-pager", slug)
    context |= frame(request, use_case, "one-pager") | {"form": form}
    return render(request, "usecases/one_pager/edit.html", context, status=_status(form, "theirs" in context))


def _status(form: SheetForm, overtaken: bool) -> int:
    return 409 if overtaken else 422 if form.faulty else 200


def _theirs(overtaken: actions.Overtaken, form: SheetForm) -> list[tuple[str, str]]:
    """Return the answers that somebody else left otherwise than they are typed here."""
    theirs = one_pager_standing.sheet_of(overtaken.row)
    return [
        (question.words, one_pagers.shown(question, theirs[part]) or "—")
        for part, asked in one_pagers.QUESTIONS.items()
        for question in asked
        if theirs[part].get(question.key, "")
        != form.sheet[part].get(question.key, "").replace("\r\n", "\n").strip()
    ]
