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
from routing.replay.certificate import GRID, Certificate, Promise, loosest, percent, subject
from routing.replay.columns import Columns, Mask, select
from routing.replay.estimates import Estimate, Group, share
from routing.replay.impact import People
from routing.replay.judging import maps_of
from routing.replay.ladders import Ladder, comparable, frontier, picked
from routing.replay.levels import Levels, levels
from routing.replay.replay import Replayed, replay

# Above a threshold, more rows than this from elsewhere would make the labels speak for requests they never saw.
MOST_STRANGE: Final = 0.01
# A candidate that only just passes on the rows it was made on fails on others half of the time: stricter ones too.
MARGINS: Final = (1.0, 0.1, 0.01, 0.001)
# More rows than these would change no recommendation, and each candidate is replayed on all of them.
MOST_ROWS: Final = 60_000
LADDERS_SHOWN: Final = 40
PICKED: Final = (
    "Cannot be promised: of the requests that every model answered only some have a verdict, and those were not "
    "drawn at random."
)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting that was tested: what it promises; what a task costs where it was made, people included."""

    document: dict[str, Any]
    certificate: Certificate
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A setting that keeps the promise, as a whole document; None where nothing can be promised, and why.

    `choices` are all settings that keep it, the cheapest first: another may suit the desks better.
    """

    document: dict[str, Any] | None
    certificate: Certificate | None
    missing: str = ""
    choices: tuple[Choice, ...] = ()

    def sentence(self) -> str:
        """Say what is promised, or what is missing."""
        return self.missing or (self.certificate.sentence() if self.certificate else "")


def answer_threshold(
    columns: Columns,
    document: Json,
    promise: Promise,
    *,
    baseline: Json | None = None,
    counted: Levels | None = None,
) -> Recommendation:
    """Return the document with the cheapest answer threshold that keeps the promise.

    `counted` are levels of this document over `GRID`, where somebody has them already.
    """
    band = answering(document)
    if band is None:
        return Recommendation(None, None, "No band answers, so there is no answer to promise anything about.")
    counted = counted or levels(replay(columns, document, baseline=baseline), GRID)
    free = np.isin(counted.at, _between(document, band)) & same_ground(counted)
    if not free.any() or not counted.labels[-1:].any():
        return Recommendation(None, None, unlabelled(counted, promise))
    found = loosest(
        counted.at[free], counted.labels[free], counted.wrong[free], promise, subject=subject(document)
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


def same_ground(counted: Levels) -> Mask:
    """Tell for each threshold whether nearly all that would be answered comes from where the labels were drawn."""
    found: Mask = counted.strange + counted.lost <= MOST_STRANGE * counted.above
    return found


def unlabelled(counted: Levels, promise: Promise) -> str:
    """Say how many labels are missing where there is no ground to draw a promise from."""
    needed, have = labels_needed(promise.alpha, promise.delta), int(counted.labels[-1:].sum())
    said = f"Cannot be promised: {needed:,} clean labels from random audits are needed at these thresholds, you have "
    if have < needed:
        return f"{said}{have:,}. Labels of reviewed requests do not count: they are the doubtful ones."
    return (
        f"Cannot be promised: {have:,} labels are there, but they do not speak for all that would be answered. "
        "Answers are needed that were made as this setting makes them, and audited at random."
    )


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold on the risk–coverage curve."""

    answer_from: float
    coverage: float
    wrong: Estimate


def risk_coverage(replayed: Replayed, thresholds: Sequence[float] = GRID) -> list[Point]:
    """Return the share answered and the share wrong among them, for every threshold, strict to loose."""
    return points(levels(replayed, thresholds))


def points(counted: Levels) -> list[Point]:
    """Return the risk–coverage curve of what was counted."""
    found = []
    for step, level in enumerate(counted.at.tolist()):
        groups = [
            Group(kind.kind, int(kind.rows[step]), int(kind.labels[step]), int(kind.wrong[step]))
            for kind in counted.kinds
        ]
        found.append(Point(level, int(counted.above[step]) / max(counted.count, 1), share(groups)))
    return found


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
    models = known_models(columns, document)
    rows = comparable(columns, models)
    needed = labels_needed(promise.alpha, promise.delta)
    if not models or len(rows) < 2 * needed:
        said = f"{2 * needed:,} requests answered by every model, with a verdict each, are needed"
        return Recommendation(None, None, f"Cannot be promised: {said}; you have {len(rows):,}.")
    if picked(columns, models):
        return Recommendation(None, None, PICKED)
    rows = spaced(rows, MOST_ROWS)
    fitted, others = select(columns, rows[0::2]), select(columns, rows[1::2])
    found = sorted(
        _candidates(fitted, document, models, promise, people or People(), baseline),
        key=lambda one: (one.p_value, one.cost_usd),
    )
    passed: list[Choice] = []
    for candidate in found:
        certificate = _tested(others, document, candidate, promise, baseline)
        if not certificate.holds:
            break
        passed.append(Choice(_with_ladder(document, candidate), certificate, candidate.cost_usd))
    if not passed:
        return Recommendation(
            None,
            None,
            f"Cannot be promised: no ladder that was tried keeps {percent(promise.alpha)} on the other half.",
        )
    passed.sort(key=lambda choice: choice.cost_usd)
    return Recommendation(passed[0].document, passed[0].certificate, choices=tuple(passed))


def known_models(columns: Columns, document: Json) -> list[str]:
    """Return the document's models that any decision knows."""
    return [model["name"] for model in document.get("models", []) if model["name"] in columns.models]


def spaced(rows: Any, most: int) -> Any:
    """Return at most so many rows, evenly spaced: the same ones every time, from the whole of the window."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.intp))]


@dataclass(frozen=True, slots=True)
class Setting:
    """One ladder with one threshold: what a task costs, people included, and how much of what it answers is wrong."""

    rungs: tuple[tuple[str, float], ...]
    answer_from: float
    cost_usd: float
    wrong: float
    answered: float


def cost_against_wrong(
    columns: Columns,
    document: Json,
    *,
    people: People | None = None,
    baseline: Json | None = None,
) -> list[Setting]:
    """Return the settings that no other beats in cost and error, the cheapest first: the frontier as it is drawn.

    Counted on rows that every model answered; none where there are none, or where nothing answers.
    """
    sample, band = _comparable_sample(columns, document), answering(document)
    if band is None or not len(sample):
        return []
    ladders = _worth_trying(sample, document, known_models(columns, document))
    people = people or People()
    found: list[Setting] = []
    for one in spaced(np.array([*ladders, None], object)[:-1], LADDERS_SHOWN):
        found += settings(
            sample, _with_ladder(document, Candidate(one, 1.0, 0.0, 1.0)), band, people, baseline
        )
    return unbeaten_settings(found)


def marked(
    columns: Columns,
    document: Json,
    wanted: Mapping[str, Json | None],
    *,
    people: People | None = None,
    baseline: Json | None = None,
) -> dict[str, Setting | None]:
    """Return where documents stand beside the frontier of one of them, on the same decisions; None where unknown."""
    sample = _comparable_sample(columns, document)
    found: dict[str, Setting | None] = {}
    for name, one in wanted.items():
        band = answering(one) if one is not None else None
        if one is None or band is None or not len(sample):
            found[name] = None
            continue
        here = settings(sample, one, band, people or People(), baseline, at=[float(band["from"])])
        found[name] = here[0] if here else None
    return found


def _comparable_sample(columns: Columns, document: Json) -> Columns:
    models = known_models(columns, document)
    rows = comparable(columns, models) if models and not picked(columns, models) else np.zeros(0, np.intp)
    return select(columns, spaced(rows, MOST_ROWS // 10)) if len(rows) else columns.last(0)


def settings(
    columns: Columns,
    document: Json,
    band: Mapping[str, Any],
    people: People,
    baseline: Json | None,
    at: Sequence[float] = (),
) -> list[Setting]:
    """Return what a document's ladder comes to at some thresholds (default: all that its other bands leave)."""
    counted = levels(replay(columns, document, baseline=baseline), at or _between(document, band))
    costs = counted.cost_usd(people.review_usd, people.escalation_usd)
    rungs = tuple((rung["model"], float(rung["accept_from"])) for rung in document["ladder"])
    return [
        Setting(
            rungs,
            float(level),
            float(costs[place]),
            int(counted.wrong[place]) / int(counted.labels[place]),
            float(counted.answers[place]),
        )
        for place, level in enumerate(counted.at.tolist())
        if counted.labels[place]
    ]


def unbeaten_settings(found: Sequence[Setting]) -> list[Setting]:
    """Return what nothing beats in cost and error, the cheapest first."""
    kept: list[Setting] = []
    for one in sorted(found, key=lambda one: (one.cost_usd, one.wrong, len(one.rungs))):
        if not kept or one.wrong < kept[-1].wrong:
            kept.append(one)
    return kept


def _with_ladder(document: Json, candidate: Candidate) -> dict[str, Any]:
    """Return the document with a candidate's ladder and threshold."""
    return with_setting(document, candidate.ladder.rungs, candidate.answer_from)


def with_setting(document: Json, rungs: Sequence[tuple[str, float]], answer_from: float) -> dict[str, Any]:
    """Return the document with another ladder and answer threshold.

    A rule that starts at a model which is no rung any more starts at the first one: dropping it would let later rules
    match in its place.
    """
    made = with_answer_from(document, answer_from)
    made["ladder"] = [{"model": model, "accept_from": accept_from} for model, accept_from in rungs]
    names = {model for model, _ in rungs}
    for rule in made.get("rules", []):
        if rule["then"].get("start") not in (None, *names):
            rule["then"]["start"] = rungs[0][0]
    return made


def _worth_trying(columns: Columns, document: Json, models: Sequence[str]) -> list[Ladder]:
    """Return the ladders that no other beats where everything is answered, and each model alone.

    One that is beaten there may know better which of its answers are right, and only the surest ones go out.
    """
    found = frontier(columns, models, maps=maps_of(document))
    known = {one.rungs for one in found}
    alone = (Ladder(((name, 0.0),), 0.0, 0.0) for name in models)
    return [*found, *(one for one in alone if one.rungs not in known)]


def _candidates(
    columns: Columns,
    document: Json,
    models: Sequence[str],
    promise: Promise,
    people: People,
    baseline: Json | None,
) -> Iterator[Candidate]:
    """Yield, for every ladder worth having and each model alone, the loosest thresholds that keep the promise here."""
    band = answering(document)
    if band is None:
        return
    between = _between(document, band)
    for one in _worth_trying(columns, document, models):
        draft = _with_ladder(document, Candidate(one, between[0], 0.0, 1.0))
        counted = levels(replay(columns, draft, baseline=baseline), between)
        values = p_values(counted.wrong, counted.labels, promise.alpha)
        costs = counted.cost_usd(people.review_usd, people.escalation_usd)
        for margin in MARGINS:
            fit = np.flatnonzero((values <= promise.delta * margin) & (counted.labels > 0))
            if len(fit):
                place = int(fit[-1])
                yield Candidate(one, float(counted.at[place]), float(costs[place]), float(values[place]))


def _tested(
    columns: Columns, document: Json, candidate: Candidate, promise: Promise, baseline: Json | None
) -> Certificate:
    draft = _with_ladder(document, candidate)
    return at_threshold(
        levels(replay(columns, draft, baseline=baseline), [candidate.answer_from]), promise, subject(draft)
    )


def at_threshold(counted: Levels, promise: Promise, about: Mapping[str, str]) -> Certificate:
    """Test one threshold, the only one counted, that was chosen without a look at these labels."""
    n, k = int(counted.labels[0]), int(counted.wrong[0])
    holds = bool(n) and float(p_values(k, n, promise.alpha)) <= promise.delta
    return Certificate(
        promise=promise,
        answer_from=float(counted.at[0]) if holds else None,
        labels=n,
        wrong=k,
        bound=upper_bound(k, n, promise.delta),
        needed=labels_needed(promise.alpha, promise.delta, k),
        tested=(float(counted.at[0]),),
        subject=about,
    )
