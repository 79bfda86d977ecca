"""The decisions behind a cell of the matrix: a page to read them on, and all of them as CSV."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from usecases import cases as reads
from usecases import effects, kept, what_if
from usecases.cases import Case, Way, Wish
from usecases.exports import csv_response
from usecases.models import KeptImpact, UseCase
from usecases.publishing import Refused
from usecases.views import frame, use_case_for
from usecases.views.changes import number_of
from usecases.views.draft_bands import SHORT, WINDOW, WINDOWS
from usecases.views.draft_work import work_for
from usecases.views.kept import find_by_text
from usecases.views.kill_switches import person
from usecases.windows import Loading

SKIP_MOST = 100_000_000
HEADER = (
    *("id", "at", "request_id", "text", "answer", "model", "confidence", "verdict", "verdict_by"),
    *(f"{side}_{key}" for side in ("old", "new") for key in Way.__dataclass_fields__),
)
VERDICTS = ("wrong", "right", "none")


@dataclass(frozen=True, slots=True)
class Source:
    """Which two documents and which decisions a page of cases is about, and how an address names them."""

    question: what_if.Question
    keys: dict[str, str]
    heads: tuple[str, str]
    words: str
    back: str
    back_words: str


def source_of(request: HttpRequest, use_case: UseCase) -> Source:
    """Read from the address what is compared: a kept result's, a version's, else the viewer's draft with live."""
    if request.GET.get("kept"):
        return _kept_source(find_by_text(use_case, request.GET["kept"]))
    number = number_of(request.GET.get("version", ""))
    if number is not None:
        return _version_source(request, use_case, number)
    asked = request.GET.get("window", "")
    window = asked if asked in WINDOWS else WINDOW
    span = WINDOWS[window][1]
    question = what_if.question(
        use_case=use_case,
        document=work_for(use_case, person(request)).document,
        by=request.user,
        window="all" if span is None else {"days": span.total_seconds() / 86_400},
    )
    return Source(
        question,
        {"window": window},
        ("Live", "Draft"),
        f"Decisions {WINDOWS[window][0]}, under what is live and under your draft",
        reverse("tune", args=[use_case.slug]),
        "Back to the draft",
    )


def _version_source(request: HttpRequest, use_case: UseCase, number: int) -> Source:
    part = "then" if request.GET.get("window") == "then" else "since"
    effect = effects.effect(use_case, number, part)
    question = what_if.question(
        use_case=use_case,
        document=effect.after.document,
        by=request.user,
        window=effect.window,
        live=effect.before.number,
    )
    when = f"of the week before r{number}" if part == "then" else f"made under r{number}"
    return Source(
        question,
        {"version": str(number), "window": part},
        (f"r{number - 1}", f"r{number}"),
        f"Decisions {when}, under r{number - 1} and under r{number}",
        reverse("version", args=[use_case.slug, number]),
        f"Back to r{number}",
    )


def _kept_source(row: KeptImpact) -> Source:
    return Source(
        kept.question_of(row),
        {"kept": str(row.pk)},
        ("Live", "Draft"),
        f"The decisions of the result that {row.kept_by} kept, under r{row.live_version} and under the draft then",
        reverse("kept-impact", args=[row.use_case.slug, row.pk]),
        "Back to the kept result",
    )


def wish_of(request: HttpRequest) -> Wish:
    """Read cell and filter from the address; what makes no sense filters nothing."""
    query = {name: request.GET.get(name, "").replace("\x00", "")[:200].strip() for name in request.GET}
    verdict = query.get("verdict", "")
    return Wish(
        live=query.get("live", ""),
        draft=query.get("draft", ""),
        verdict=verdict if verdict in VERDICTS else "",
        rule=query.get("rule", ""),
        words=query.get("q", ""),
    )


@login_required
def cases(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one page of a cell's decisions, the newest first."""
    use_case = use_case_for(request, slug)
    wish, skip = wish_of(request), min(number_of(request.GET.get("skip", "")) or 0, SKIP_MOST)
    context = {"wish": wish, "skip": skip, "windows": SHORT.items()}
    try:
        source = source_of(request, use_case)
        found = reads.page(source.question, wish, skip, reads.PAGE)
    except Loading as loading:
        return _page(request, use_case, context | {"trouble": str(loading), "again": True}, 503)
    except Refused as refused:
        words = "The draft has faults; put them right first, then its cases can be read."
        if not _of_draft(request):  # written under an older schema
            words = f"It cannot be replayed any more. {refused}"
        return _page(request, use_case, context | {"trouble": words}, 422)
    fixed = source.keys | {"live": wish.live, "draft": wish.draft}
    narrow = {"verdict": wish.verdict, "rule": wish.rule, "q": wish.words}
    query = urlencode(fixed | {key: value for key, value in narrow.items() if value})
    context |= {
        "source": source,
        "found": found,
        "fixed": fixed,
        "whole": urlencode(fixed),
        "query": query,
        "first": skip + 1,
        "last": skip + len(found.cases),
        "newer": max(0, skip - reads.PAGE) if skip else None,
        "older": skip + reads.PAGE if skip + reads.PAGE < found.total else None,
        "verdicts": [(word, found.verdicts[word]) for word in VERDICTS],
        "judged": found.verdicts["wrong"] + found.verdicts["right"],
        "badge": _title(found.summary["wrong"]["badge"]) if found.summary else "",
        "ways": (_title(wish.live), _title(wish.draft)),
        "moves": wish.live != wish.draft,
    }
    return _page(request, use_case, context, 200)


def _page(request: HttpRequest, use_case: UseCase, context: dict[str, Any], status: int) -> HttpResponse:
    tab = "tune" if _of_draft(request) else "changes"
    context = {**frame(request, use_case, tab), **context}
    return render(request, "usecases/what_if/cases.html", context, status=status)


def _of_draft(request: HttpRequest) -> bool:
    return not (request.GET.get("version") or request.GET.get("kept"))


def _title(name: str) -> str:
    return name.replace("_", " ")


@login_required
def cases_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Send all of a cell's decisions that fit the filter."""
    use_case = use_case_for(request, slug)
    try:
        source = source_of(request, use_case)
    except (Loading, Refused):
        return cases(request, slug)
    found = reads.every(source.question, wish_of(request))
    return csv_response(request, f"cases-{slug}.csv", list(HEADER), _rows(found))


def _rows(found: Iterator[Case]) -> Iterator[list[Any]]:
    verdicts = {True: "right", False: "wrong", None: ""}
    for case in found:
        row: list[Any] = [case.id, case.at.isoformat(), case.request_id, case.text, case.answer, case.model]
        row += [case.confidence, verdicts[case.correct], case.whose]
        for way in (case.live, case.draft):
            row += list(asdict(way).values()) if way else [None] * len(Way.__dataclass_fields__)
        yield row
