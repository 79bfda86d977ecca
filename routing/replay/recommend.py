"""Recommendations: the owner states the promise, and gets the setting that keeps it at the least cost.

For the answer threshold the loosest that the labels allow is the cheapest: every answer more is a person less. For
whole ladders candidates are made and put in order on one half of the rows, and tested in that order on the other half,
so that choosing does not use up the confidence. "Cannot be promised" is an answer, with what is missing.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from routing.replay.binomial import labels_needed, p_values, upper_bound
from routing.replay.certificate import GRID, Certificate, Promise, counts, learn_then_test, percent, subject
from routing.replay.columns import Columns, Floats, Mask, select
from routing.replay.estimates import Estimate, Group, share
from routing.replay.impact import People
from routing.replay.ladders import Ladder, comparable, frontier
from routing.replay.replay import Replayed, replay
from routing.replay.standing import Standing, standing

# Above a threshold, more rows than this from elsewhere would make the labels speak for requests they never saw.
MOST_STRANGE: Final = 0.01
# A candidate that only just passes on the rows it was made on fails on others half of the time: stricter ones too.
MARGINS: Final = (1.0, 0.1, 0.01, 0.001)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A setting that keeps the promise, as a whole document; None where nothing can be promised, and why."""

    document: dict[str, Any] | None
    certificate: Certificate | None
    missing: str = ""

    def sentence(self) -> str:
        """Say what is promised, or what is missing."""
        return self.missing or (self.certificate.sentence() if self.certificate else "")


def answer_threshold(
    columns: Columns, document: Json, promise: Promise, *, baseline: Json | None = None
) -> Recommendation:
    """Return the document with the cheapest answer threshold that keeps the promise."""
    band = answering(document)
    if band is None:
        return Recommendation(None, None, "No band answers, so there is no answer to promise anything about.")
    judged = standing(replay(columns, document, baseline=baseline))
    grid = [step for step in _between(document, band) if _same_ground(judged, step)]
    if not grid or not judged.uniform.any():
        return Recommendation(None, None, _unlabelled(judged, promise))
    uniform = judged.uniform
    found = learn_then_test(
        judged.confidence[uniform],
        judged.verdict[uniform] == 0,
        promise,
        grid=grid,
        subject=subject(document),
    )
    if found.answer_from is None:
        return Recommendation(None, found, found.sentence())
    return Recommendation(with_answer_from(document, found.answer_from), found)


def answering(document: Json) -> Mapping[str, Any] | None:
    """Return the lowest band that answers."""
    bands = [band for band in document["bands"] if band["action"] == "answer"]
    return min(bands, key=lambda band: float(band["from"]), default=None)


def with_answer_from(document: Json, answer_from: float) -> dict[str, Any]:
    """Return the document with the lowest answering band's edge moved."""
    moved = copy.deepcopy(dict(document))
    band = answering(moved)
    if band is not None:
        band["from"] = answer_from  # type: ignore[index]  # the copy's own dictionary
    return moved


def _between(document: Json, band: Mapping[str, Any]) -> list[float]:
    """Return the thresholds that leave the other bands where they are."""
    others = [b for b in document["bands"] if b is not band]
    low = max((float(b["from"]) for b in others if b["action"] != "answer"), default=-1.0)
    high = min((float(b["from"]) for b in others if b["action"] == "answer"), default=2.0)
    # Without another band below it, the answering one must start at 0.
    return [step for step in GRID if low < step < high] if low >= 0 else [0.0]


def _same_ground(judged: Standing, threshold: float) -> bool:
    """Tell whether nearly all that would be answered comes from where the labels were drawn."""
    above = judged.free & (judged.confidence >= threshold)
    strange = int(np.count_nonzero(above & ~judged.ground))
    return strange <= MOST_STRANGE * int(np.count_nonzero(above))


def _unlabelled(judged: Standing, promise: Promise) -> str:
    needed, have = labels_needed(promise.alpha, promise.delta), int(np.count_nonzero(judged.uniform))
    return (
        f"Cannot be promised: {needed:,} clean labels from random audits are needed at these thresholds, you have "
        f"{have:,}. Labels of reviewed requests do not count: they are the doubtful ones."
    )


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold on the risk–coverage curve."""

    answer_from: float
    coverage: float
    wrong: Estimate


def risk_coverage(replayed: Replayed, thresholds: Sequence[float] = GRID) -> list[Point]:
    """Return the share answered and the share wrong among them, for every threshold, strict to loose."""
    judged = standing(replayed)
    columns = replayed.columns
    levels = np.array(thresholds, np.float64)
    # Rows count together where their labels came about alike and the same model was labelled.
    names = {name: place for place, name in enumerate(columns.names, start=1)}
    labelled = np.array([0, *(names.get(name, 0) for name, _ in replayed.table.rungs)])
    same = labelled[replayed.standing] == columns.recorded
    groups: list[tuple[str, Any, Any, Any]] = []
    for place, stratum in enumerate(columns.strata):
        for one in (True, False):
            rows = judged.free & (columns.stratum == place) & (same == one)
            known = rows & (judged.verdict < 2)
            if rows.any():
                count, _ = counts(judged.confidence[rows], np.zeros(int(rows.sum()), np.bool_), levels)
                labels, wrong = counts(judged.confidence[known], judged.verdict[known] == 0, levels)
                groups.append((stratum.kind, count, labels, wrong))
    points = []
    for step, level in enumerate(levels.tolist()):
        here = [Group(kind, int(n[step]), int(k[step]), int(w[step])) for kind, n, k, w in groups]
        points.append(Point(level, sum(g.rows for g in here) / max(len(columns), 1), share(here)))
    return points


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ladder with a threshold: its cost a task (people included) and its p-value, on the rows it was fitted on."""

    ladder: Ladder
    answer_from: float
    cost_usd: float
    p_value: float


def ladder(
    columns: Columns,
    document: Json,
    promise: Promise,
    *,
    people: People | None = None,
    baseline: Json | None = None,
) -> Recommendation:
    """Return the document with the cheapest ladder and answer threshold that keep the promise, people included."""
    models = [model["name"] for model in document.get("models", []) if model["name"] in columns.models]
    rows = comparable(columns, models)
    needed = labels_needed(promise.alpha, promise.delta)
    if not models or len(rows) < 2 * needed:
        said = f"{2 * needed:,} requests answered by every model, with a verdict each, are needed"
        return Recommendation(None, None, f"Cannot be promised: {said}; you have {len(rows):,}.")
    fitted, tested = select(columns, rows[0::2]), select(columns, rows[1::2])
    found = sorted(
        _candidates(fitted, document, models, promise, people or People(), baseline),
        key=lambda one: (one.p_value, one.cost_usd),
    )
    passed: list[tuple[Candidate, Certificate]] = []
    for candidate in found:
        certificate = _tested(tested, document, candidate, promise, baseline)
        if not certificate.holds:
            break
        passed.append((candidate, certificate))
    if not passed:
        return Recommendation(
            None, None, f"Cannot be promised: no ladder of these models keeps {percent(promise.alpha)}."
        )
    best, certificate = min(passed, key=lambda pair: pair[0].cost_usd)
    return Recommendation(_with_ladder(document, best), certificate)


def _with_ladder(document: Json, candidate: Candidate) -> dict[str, Any]:
    """Return the document with a candidate's ladder and threshold.

    A rule that starts at a model which is no rung any more starts at the first one: dropping it would let later rules
    match in its place.
    """
    made = with_answer_from(document, candidate.answer_from)
    made["ladder"] = candidate.ladder.as_part()
    rungs = {model for model, _ in candidate.ladder.rungs}
    for rule in made.get("rules", []):
        if rule["then"].get("start") not in (None, *rungs):
            rule["then"]["start"] = candidate.ladder.rungs[0][0]
    return made


def _candidates(
    columns: Columns,
    document: Json,
    models: Sequence[str],
    promise: Promise,
    people: People,
    baseline: Json | None,
) -> Iterator[Candidate]:
    """Yield, for every ladder worth having, the loosest thresholds that keep the promise on these rows."""
    band = answering(document)
    if band is None:
        return
    levels = np.array(_between(document, band), np.float64)
    for one in frontier(columns, models):
        draft = _with_ladder(document, Candidate(one, float(levels[0]), 0.0, 1.0))
        confidence, wrong, cost = _judged(columns, draft, baseline)
        labels, errors = counts(confidence, wrong, levels)
        values = p_values(errors, labels, promise.alpha)
        for margin in MARGINS:
            fit = np.flatnonzero((values <= promise.delta * margin) & (labels > 0))
            if len(fit):
                place = int(fit[-1])
                person = people.review_usd * (1 - labels[place] / len(columns))
                yield Candidate(one, float(levels[place]), cost + float(person), float(values[place]))


def _judged(columns: Columns, draft: Json, baseline: Json | None) -> tuple[Floats, Mask, float]:
    """Return confidence and error of each row that the bands judge, and what the models cost a task."""
    replayed = replay(columns, draft, baseline=baseline)
    judged = standing(replayed)
    return (
        judged.confidence[judged.uniform],
        judged.verdict[judged.uniform] == 0,
        float(np.mean(replayed.cost_usd)),
    )


def _tested(
    columns: Columns, document: Json, candidate: Candidate, promise: Promise, baseline: Json | None
) -> Certificate:
    draft = _with_ladder(document, candidate)
    confidence, wrong, _ = _judged(columns, draft, baseline)
    answered = confidence >= candidate.answer_from
    n, k = int(answered.sum()), int(wrong[answered].sum())
    holds = bool(n) and float(p_values(k, n, promise.alpha)) <= promise.delta
    return Certificate(
        promise=promise,
        answer_from=candidate.answer_from if holds else None,
        labels=n,
        wrong=k,
        bound=upper_bound(k, n, promise.delta),
        needed=labels_needed(promise.alpha, promise.delta, k),
        tested=(candidate.answer_from,),
        subject=subject(draft),
    )
