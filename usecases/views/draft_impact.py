"""What a person's draft would have done to past decisions, as the panel beside every tab shows it.

The page carries the panel without numbers, so that neither it nor an edit waits for a replay; the numbers come by an
address of their own. Only there is NumPy imported. What the panel says is `impact_panel`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from routing.engine.validation import faults
from routing.models import Decision
from usecases import editing, segments, what_if
from usecases.views.draft_bands import WINDOWS
from usecases.views.draft_work import Document, Work
from usecases.views.impact_panel import Panel, blank, case_links, panel_of
from usecases.views.impact_segments import Segments, segments_of

FAULTY: Final = "Put the faults right first."
NO_HISTORY: Final = "Past decisions will stand here once assistants have made some."


@dataclass(frozen=True, slots=True)
class Asked:
    """A document to judge, and why it cannot be, in words; empty where it can."""

    document: Document
    fault: str = ""


def as_it_is(work: Work) -> Asked:
    """Return the draft as it was saved."""
    return Asked(work.document, FAULTY if work.faults else "")


def on_screen(work: Work, fields: Mapping[str, str]) -> Asked:
    """Return the draft as it would be with the fields of a page taken over; nothing is saved."""
    try:
        editing.check_marks(work.document, fields)
        document = editing.set_fields(work.document, fields).document
    except editing.UnknownEdit as refusal:
        return Asked(work.document, str(refusal))
    found = faults(document)
    return Asked(document, found[0].message if found else "")


def window_span(window: str) -> Any:
    """Return a window of the page as a question takes it."""
    span = WINDOWS[window][1]
    return "all" if span is None else {"days": span.total_seconds() / 86_400}


def waiting_panel(work: Work) -> Panel:
    """Return the panel as a page carries it: every place is there, so that nothing moves when numbers come."""
    if not Decision.objects.filter(use_case=work.use_case.slug).exists():
        return Panel(sentence=NO_HISTORY)
    return blank(work.live, work.document, waiting=True)


def panel_for(work: Work, window: str, asked: Asked | None = None) -> Panel:
    """Return the panel of the draft, or of what else is asked, with its numbers, or why there are none."""
    asked = asked or as_it_is(work)
    if asked.fault:
        return blank(work.live, work.document, fault=asked.fault)
    try:
        found = what_if.ask(
            use_case=work.use_case,
            document=asked.document,
            by=work.by,
            window=window_span(window),
            standing=work.standing,
        )
    except what_if.Loading as loading:
        reading = (loading.rows, loading.expected)
        return blank(work.live, asked.document, sentence=str(loading), again=True, reading=reading)
    if not found["decisions"]:
        earlier = Decision.objects.filter(use_case=work.use_case.slug).exists()
        return Panel(sentence=f"No decisions {WINDOWS[window][0]}." if earlier else NO_HISTORY)
    return panel_of(
        found,
        live=work.live,
        draft=asked.document,
        zone=timezone.get_current_timezone(),
        links=case_links(work.use_case.slug, window=window),
    )


def segments_for(work: Work, window: str, attribute: str) -> Segments:
    """Return what the draft would have done to each segment of the decisions, by one attribute."""
    if work.faults:
        return Segments(sentence=FAULTY)
    try:
        found = segments.by_attribute(
            use_case=work.use_case,
            document=work.document,
            by=work.by,
            window=window_span(window),
            attribute=attribute,
        )
    except what_if.Loading as loading:
        return Segments(sentence=str(loading))
    return segments_of(*found)
