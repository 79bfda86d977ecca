"""What the owner is advised beside a draft: the curve, and the answer threshold that keeps the promise at least cost.

Labels of all time count for the advice, as on the Promise tab; the curve is of the time that the panel shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from usecases import advice, what_if
from usecases.fields import CONFIDENCE
from usecases.publishing import Refused
from usecases.views.draft_impact import FAULTY, window_span
from usecases.views.draft_work import Work, listed
from usecases.views.impact_chart import Heard, drawable, figure, heard

CANNOT = "Cannot be promised: "
NO_CURVE = "A curve will stand here once enough answers were audited to know how many are wrong."


@dataclass(frozen=True, slots=True)
class Advised:
    """The chart and what is below it.

    `path` and `value` are the field of the draft to set and what to set it to: empty where there is nothing to set.
    `sentence` is said below; `short` stands on the button. Without `figure`, `words` stand in its place.
    """

    figure: Mapping[str, Any] | None = None
    words: str = ""
    heard: tuple[Heard, ...] = ()
    path: str = ""
    value: str = ""
    short: str = ""
    sentence: str = ""
    warnings: tuple[str, ...] = field(default=())


def advised_for(work: Work, window: str) -> Advised:
    """Return the chart and the advice for a person's draft, or why there are none."""
    if work.faults:
        return Advised(words=FAULTY)
    question: dict[str, Any] = {"use_case": work.use_case, "document": work.document, "by": work.by}
    try:
        found = advice.threshold(**question)
        curve = advice.curve(**question, window=window_span(window), advised=found)
    except what_if.Loading as loading:
        return Advised(words=str(loading))
    except Refused as refusal:
        return Advised(words=str(refusal))
    drawn = drawable(curve)
    return Advised(
        figure=figure(curve, found.answer_from) if drawn else None,
        words="" if drawn else NO_CURVE,
        heard=heard(curve) if drawn else (),
        **_advice(work, found),
    )


def _advice(work: Work, found: advice.Advice) -> dict[str, Any]:
    """Return the words of a piece of advice, and the field that follows it."""
    if found.answer_from is None:
        said = found.missing.removeprefix(CANNOT)
        return {"sentence": f"{CANNOT}{said}"}
    value = CONFIDENCE.show(found.answer_from)
    limit = f"errors under {found.certificate['wrong_at_most'] * 100:g}%"
    index, edge = _answering(work)
    warnings = [
        *(["The desks could not carry it."] if found.carried is False else []),
        *(["It costs more than the promise allows."] if found.within_cost is False else []),
    ]
    if edge == found.answer_from:
        return {
            "sentence": f"The draft answers from {value}: cheapest with {limit}.",
            "warnings": tuple(warnings),
        }
    return {
        "path": f"bands.{index}.from",
        "value": value,
        "short": f"cheapest with {limit}",
        "sentence": found.sentence,
        "warnings": tuple(warnings),
    }


def _answering(work: Work) -> tuple[int, float]:
    """Return the place of the lowest band that answers, and where it begins."""
    bands = [
        (float(b["from"]), i) for i, b in enumerate(listed(work.document, "bands")) if b["action"] == "answer"
    ]
    edge, index = min(bands)
    return index, edge
