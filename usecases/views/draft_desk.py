"""The desk around a draft's three pages: which cards a page shows, and how an edit is answered."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from usecases.models import UseCase
from usecases.views import frame
from usecases.views.draft_bands import WINDOW, WINDOWS, bands_card, queue_names
from usecases.views.draft_escalation import escalation_cards
from usecases.views.draft_impact import waiting_panel
from usecases.views.draft_knobs import knobs_card
from usecases.views.draft_models import models_cards
from usecases.views.draft_rules import rules_card
from usecases.views.draft_work import TABS, Work, work_for
from usecases.views.kill_switches import person

KEYS = (
    (("←", "→"), "move a handle by a step"),
    (("Page ↑", "Page ↓"), "move a handle by more"),
    (("Alt", "↑", "↓"), "move a rule, on its number"),
    (("Ctrl", "Z"), "undo"),
    (("Ctrl", "Shift", "Z"), "redo"),
    (("Ctrl", "Enter"), "apply the draft"),
)
PAGES = {"tune": "Tune", "models": "Models", "escalation": "Escalation"}


def window_of(request: HttpRequest) -> str:
    """Return how far back the histogram looks: as asked for, else as last time."""
    asked = request.GET.get("window", "")
    if asked in WINDOWS:
        request.session["tune_window"] = asked
        return asked
    kept = str(request.session.get("tune_window", WINDOW))
    return kept if kept in WINDOWS else WINDOW


def cards(request: HttpRequest, work: Work, tab: str, *, with_traffic: bool) -> dict[str, Any]:
    """Return what the cards of one tab show."""
    shared: dict[str, Any] = {"queue_names": queue_names(work), "panel": waiting_panel(work)}
    if tab == "models":
        return shared | models_cards(work)
    if tab == "escalation":
        return shared | escalation_cards(work)
    window = window_of(request)
    return shared | {
        "bands": bands_card(work, window, with_traffic=with_traffic),
        "thresholds": knobs_card(work),
        "rules": rules_card(work, window, with_traffic=with_traffic),
    }


def page(request: HttpRequest, use_case: UseCase, tab: str) -> HttpResponse:
    """Render one tab; for htmx the desk alone, for a page that asks what is new only what may be new."""
    work = work_for(use_case, person(request))
    if "X-Live" in request.headers:
        return render(request, "usecases/tune/live.html", {**frame(request, use_case, tab), "work": work})
    context: dict[str, Any] = {
        "work": work,
        "tab": tab,
        "page_name": PAGES[tab],
        "applied": applied_in(request, work),
    }
    context |= cards(request, work, tab, with_traffic=True)
    if request.htmx and not request.htmx.history_restore_request:  # type: ignore[attr-defined]
        return render(request, "usecases/tune/_work.html", {**context, "use_case": use_case})
    context["more_keys"] = KEYS if work.may_tune else ()
    return render(request, "usecases/tune/page.html", {**frame(request, use_case, tab), **context})


def applied_in(request: HttpRequest, work: Work) -> int | None:
    """Return the version whose delivery the page should tell of, when it was just applied without JavaScript."""
    asked = request.GET.get("applied", "")
    return work.standing.number if asked == str(work.standing.number) else None


def posted(request: HttpRequest) -> dict[str, str]:
    """Return the fields of a form as text that the database can keep: it has no NUL characters."""
    return {name: str(request.POST[name]).replace("\0", "") for name in request.POST}


def tab_of(request: HttpRequest) -> str:
    """Return the tab that a form was sent from."""
    return TABS.get(request.POST.get("tab", request.GET.get("tab", "")), "tune")


def answer(
    request: HttpRequest,
    use_case: UseCase,
    *,
    said: str = "",
    warning: str = "",
    applied: int | None = None,
    with_traffic: bool = False,
) -> HttpResponse:
    """Answer an edit: the desk as it is now, and what was done; without JavaScript go back to the page."""
    tab = tab_of(request)
    if not getattr(request, "htmx", None):
        if warning:
            messages.error(request, warning)
        back = redirect(tab, use_case.slug)
        back["Location"] += f"?applied={applied}" if applied else ""
        return back
    work = work_for(use_case, person(request))
    context = {
        "use_case": use_case,
        "work": work,
        "tab": tab,
        "said": said,
        "warning": warning,
        "applied": applied,
    }
    context |= cards(request, work, tab, with_traffic=with_traffic)
    response = render(request, "usecases/tune/_work.html", context)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#work", "desk"
    return response
