"""How far a knob was loosened in how short a time: “at most 0.05 a day”. Pure.

A step is measured against the strictest value that was live within its hours, so that two small steps count as the
large one that they are. Tightening needs nobody, whatever its size.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from routing.engine import knobs
from usecases.gates import ANSWER_FROM, Document, Gate, answers_from, entries, reached
from usecases.strictest import steps_of

KIND: Final = "step"
_EACH: Final = {1: "an hour", 24: "a day", 168: "a week"}
# Thresholds are typed with a few digits; 0.85 - 0.80 is not exactly 0.05 in binary.
_SLACK: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Earlier:
    """A document that was live: since when, under which number, until the next one."""

    at: datetime
    number: int
    document: Document


def longest(bounds: Mapping[str, Any]) -> float:
    """Return how many hours back steps look, 0 where there are none."""
    return max((s["hours"] for b in (bounds.get("knobs") or {}).values() for s in steps_of(b)), default=0)


def words(path: str, step: Mapping[str, Any]) -> str:
    """Say a step as people do: at most 0.05 a day."""
    hours = step["hours"]
    return f"at most {knobs.written(path, step['at_most'])} {_EACH.get(hours, f'in {hours:g} hours')}"


def step_gates(
    bounds: Mapping[str, Any], ground: Document, draft: Document, earlier: Sequence[Earlier], now: datetime
) -> Iterator[Gate]:
    """Yield a gate for each knob with a step that a draft loosens. `earlier`: in order, with what was live before."""
    for path, bound in (bounds.get("knobs") or {}).items():
        if path == ANSWER_FROM:
            yield from _map_steps(steps_of(bound), ground, draft, earlier, now)
        old, new = reached(path, ground), reached(path, draft)
        if old == new or not _loosens(path, old, new):
            continue
        judged = [_judge(path, step, ground, new, earlier, now) for step in steps_of(bound)]
        past = [gate for gate in judged if not gate.passes]
        yield from past[:1] or judged[:1]


def _judge(
    path: str,
    step: Mapping[str, Any],
    ground: Document,
    new: float | None,
    earlier: Sequence[Earlier],
    now: datetime,
) -> Gate:
    far, when = _looser(path, reached(path, ground), new), "what is live"
    reference = reached(path, ground)
    for one in within(earlier, now - timedelta(hours=step["hours"])):
        held = reached(path, one.document)
        amount = _looser(path, held, new)
        if amount > far + _SLACK:
            far, reference = amount, held
            when = f"what was live at {timezone.localtime(one.at):%H:%M %Z on %-d %b} (r{one.number})"
    change = f"{knobs.written(path, reference)} → {knobs.written(path, new)}"
    size = knobs.written(path, round(far, 10)) + " looser" if math.isfinite(far) else "a check that goes"
    said = f"{change}: {size} than {when}; {words(path, step)}."
    fits = far <= step["at_most"] + _SLACK
    return Gate(path, "open" if fits else "lane", said, KIND)


def _looser(path: str, old: float | None, new: float | None) -> float:
    """Return by how much a value is looser; 0 where it is not, infinite where a check comes or goes."""
    if not _loosens(path, old, new):
        return 0.0
    return math.inf if old is None or new is None else abs(new - old)


def _loosens(path: str, old: float | None, new: float | None) -> bool:
    """As knobs do; but where nothing is answered any more, nothing is looser."""
    return not (path == ANSWER_FROM and new is None) and knobs.loosens(path, old, new)


def _map_steps(
    steps: Sequence[Mapping[str, Any]],
    ground: Document,
    draft: Document,
    earlier: Sequence[Earlier],
    now: datetime,
) -> Iterator[Gate]:
    """Yield a gate for each calibration map by which a model would answer from much less than lately."""
    for index, model in enumerate(entries(draft, "models")):
        new = answers_from(draft, model.get("calibration"))
        for step in steps:
            since = within(earlier, now - timedelta(hours=step["hours"]))
            known = [ground, *(one.document for one in since)]
            far = max(_looser(ANSWER_FROM, old, new) for old in _by_map(model, known, new))
            if far > step["at_most"] + _SLACK:
                said = "much" if math.isinf(far) else knobs.written(ANSWER_FROM, round(far, 4))
                told = (
                    f"By its calibration map “{model.get('name')}” would answer from {said} less than lately"
                )
                yield Gate(
                    f"models[{index}].calibration", "lane", f"{told}; {words(ANSWER_FROM, step)}.", KIND
                )
                break


def _by_map(
    model: Mapping[str, Any], documents: Sequence[Document], new: float | None
) -> Iterator[float | None]:
    """Yield from which reported confidence a model was answered, by each document that had another map of it."""
    yield new
    for document in documents:
        held = {one.get("name"): one for one in entries(document, "models")}
        was = held.get(model.get("name"), {}).get("calibration")
        if was != model.get("calibration"):
            yield answers_from(document, was)


def within(earlier: Sequence[Earlier], since: datetime) -> list[Earlier]:
    """Return what was live since a moment: published after it, and what stood at it."""
    before = [one for one in earlier if one.at <= since]
    after = [one for one in earlier if one.at > since]
    # Its time in the window begins with the window.
    standing = [Earlier(since, before[-1].number, before[-1].document)] if before else []
    return [*standing, *after]
