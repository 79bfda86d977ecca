"""The parts of the Promise tab that need history, each at an address of its own: the page never waits for them."""

import json
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from routing.engine.digest import digest
from usecases import advice, promise_charts, promise_evidence, promise_standing, promises
from usecases.models import Certificate, Promise, UseCase
from usecases.views import frame, use_case_for
from usecases.views.draft_work import Work, work_for
from usecases.views.kill_switches import person
from usecases.windows import Loading

# The page says so in bold; the sentence goes on from there.
CANNOT: Final = "Cannot be promised: "
EARLIER: Final = 10


@login_required
def labels(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the certificate and how it stands, the labels so far, and the recommended answer threshold."""
    return _part(request, slug, "labels", _labels)


@login_required
def ladders(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the recommended ladder on the frontier of cost and error."""
    return _part(request, slug, "ladders", _ladders)


def _part(request: HttpRequest, slug: str, name: str, made: Any) -> HttpResponse:
    use_case = use_case_for(request, slug)
    work = work_for(use_case, person(request))
    context: dict[str, Any] = {"use_case": use_case, "part": name, "promise": promises.of(use_case)}
    # A draft with faults cannot be replayed: then what is live is advised on.
    document = work.live if work.faults else work.document
    context |= {"drafted": document != work.live, "faulty": bool(work.faults), "may_tune": work.may_tune}
    try:
        context |= _shown(made(request, use_case, work, document), document)
    except Loading as loading:
        context |= {"loading": loading}
    if request.htmx and not request.htmx.history_restore_request:  # type: ignore[attr-defined]
        return render(request, f"usecases/promise/_{name}.html", context)
    return render(request, "usecases/promise/part.html", {**frame(request, use_case, "promise"), **context})


def _shown(found: dict[str, Any], document: Any) -> dict[str, Any]:
    """Return a part's context with what its buttons carry. Figures go as text: htmx takes scripts out of answers."""
    advised: advice.Advice = found["advice"]
    return found | {
        "figure_json": json.dumps(found["figure"], allow_nan=False) if found["figure"] else "",
        "sides": (advised.now, advised.then),
        "in_draft": advised.document is not None and digest(advised.document) == digest(document),
        "missing_words": advised.missing.removeprefix(CANNOT),
        "answer_from_text": repr(advised.answer_from),
        "rung_texts": [f"{model}:{accept_from!r}" for model, accept_from in advised.rungs],
    }


def _labels(request: HttpRequest, use_case: UseCase, work: Work, document: Any) -> dict[str, Any]:
    by = person(request)
    evidence = promise_evidence.gathered(use_case, work.live, by)
    curve = advice.curve(use_case=use_case, document=document, by=by)
    certificate = promise_standing.certified(use_case)
    drafted = document != work.live
    so_far = promise_standing.so_far(evidence, advice.stated(promises.of(use_case)))
    points = [point for point in curve["draft"] if point["n"]]
    return {
        "so_far": so_far,
        "lacking": so_far.missing.removeprefix(CANNOT),
        **(_certified(certificate, promises.of(use_case)) if certificate else {}),
        "certified": promise_standing.standing_of(certificate, by) if certificate else None,
        "advice": advice.threshold(use_case=use_case, document=document, by=by),
        "curve": curve,
        "figure": promise_charts.risk_coverage(curve, drafted=drafted) if _drawable(points) else None,
        "points": points[:: max(1, len(points) // 25)],
    }


def _certified(certificate: Certificate, promise: Promise) -> dict[str, Any]:
    words = stated_words(certificate.wrong_at_most, certificate.confidence)
    now = stated_words(promise.wrong_at_most, promise.confidence)
    return {
        "other_promise": now if now != words else "",
        "earlier": Certificate.objects.filter(use_case=certificate.use_case)[1:EARLIER],
        "certificate": certificate,
        "said": words,
        "subject": promise_standing.subject_words(certificate.subject),
        "period": promise_standing.period_words(certificate.first_at, certificate.last_at),
    }


def stated_words(wrong_at_most: float, confidence: float) -> str:
    """Say a promise with a capital letter."""
    from routing.replay import certificate

    words = certificate.Promise(wrong_at_most, round(1 - confidence, 12)).words()
    return f"{words[:1].upper()}{words[1:]}"


def _ladders(request: HttpRequest, use_case: UseCase, work: Work, document: Any) -> dict[str, Any]:
    by = person(request)
    drawn = advice.frontier(use_case=use_case, document=document, by=by)
    drafted = document != work.live
    return {
        "advice": advice.ladder(use_case=use_case, document=document, by=by),
        "figure": promise_charts.frontier(drawn, drafted=drafted) if drawn["frontier"] else None,
        "marks": [
            (label, drawn["points"][name], promise_charts.setting_words(drawn["points"][name]))
            for name, label, _ in promise_charts.MARKS
            if drawn["points"].get(name) and (name != "draft" or drafted)
        ],
        "settings": [(point, promise_charts.setting_words(point)) for point in drawn["frontier"]],
    }


def _drawable(points: list[dict[str, Any]]) -> bool:
    return any(point["wrong"] is not None for point in points)
