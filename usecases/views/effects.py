"""What one version did, on its page: what it promised over the week before it, and what came of it since."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from usecases import effects, what_if
from usecases.effects import Effect
from usecases.models import UseCase
from usecases.publishing import Refused
from usecases.views import frame, use_case_for
from usecases.views.impact_panel import Panel, blank, case_links, panel_of

TITLES = {"then": "What it promised", "since": "What came of it since"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the panel, or a sentence where there is none; `really` is what happened beside what is replayed."""

    name: str
    words: str
    panel: Panel
    really: str = ""

    @property
    def title(self) -> str:
        return TITLES[self.name]


@login_required
def effect(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show both parts on a page of their own, or for htmx the one part that a version's page asks for."""
    use_case = use_case_for(request, slug)
    asked = request.GET.get("part", "")
    names = (asked,) if asked in effects.PARTS else effects.PARTS
    parts = [_part(request, effects.effect(use_case, number, name)) for name in names]
    context = {"use_case": use_case, "number": number, "parts": parts}
    if request.htmx and not request.htmx.history_restore_request:  # type: ignore[attr-defined]
        return render(request, "usecases/what_if/_effects.html", context)
    return render(request, "usecases/what_if/effect.html", {**frame(request, use_case, "changes"), **context})


def _part(request: HttpRequest, effect: Effect) -> Part:
    """Return one part. Why there are no numbers stands in their place."""
    use_case, before, after = effect.after.use_case, effect.before, effect.after
    words, heads = _words(effect), (f"r{before.number}", f"r{after.number}")
    try:
        found = what_if.ask(
            use_case=use_case,
            document=after.document,
            by=request.user,
            window=effect.window,
            live=before.number,
        )
    except what_if.Loading as loading:
        reading = (loading.rows, loading.expected)
        panel = blank(
            before.document,
            after.document,
            heads=heads,
            sentence=str(loading),
            again=True,
            reading=reading,
        )
        return Part(effect.part, words, panel)
    except Refused as refused:
        # Written under an older schema: what it would do today nobody can say.
        return Part(effect.part, words, Panel(sentence=f"It cannot be replayed any more. {refused}"))
    if not found["decisions"]:
        return Part(effect.part, words, Panel(sentence=_nothing(effect)))
    panel = panel_of(
        found,
        live=before.document,
        draft=after.document,
        heads=heads,
        zone=timezone.get_current_timezone(),
        links=case_links(use_case.slug, version=str(after.number), window=effect.part),
    )
    return Part(effect.part, words, panel, _really(use_case, effect) if effect.part == "since" else "")


def _words(effect: Effect) -> str:
    if effect.part == "then":
        return f"The decisions of the week before r{effect.after.number}."
    until = f" until r{effect.after.number + 1}" if effect.until else ""
    return f"The decisions made since r{effect.after.number} was published{until}."


def _nothing(effect: Effect) -> str:
    if effect.part == "then":
        return "No decisions were made in the week before it."
    return "No decisions were made under it." if effect.until else "No decisions have been made under it yet."


def _really(use_case: UseCase, effect: Effect) -> str:
    """Say what really happened: audits, outages and slow assistants included, which a replay does not know."""
    counts = effects.really(use_case.slug, effect.since, effect.until)
    total = sum(counts.values())
    if not total:
        return ""
    shares = {action: count / total for action, count in counts.items()}
    return (
        f"What really happened: {shares['answer']:.1%} answered, {shares['review']:.1%} to review, "
        f"{shares['escalate']:.1%} escalated, of {total:,}."
    )
