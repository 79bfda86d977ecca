"""What the owner is advised: the setting that keeps the promise at the least cost, and whether desks carry it.

Read from the shared histories like a what-if; nothing is written. NumPy comes with the first question.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from routing.engine.digest import digest
from usecases import promise_evidence, promises
from usecases.models import Promise, UseCase
from usecases.promise_evidence import Evidence, Json
from usecases.what_if import strict

if TYPE_CHECKING:
    from routing.replay import certificate
    from routing.replay.levels import Levels
    from routing.replay.recommend import Choice, Recommendation


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk in its fullest hour of the day (UTC): what comes in, what it can take, in how many hours that is less."""

    queue: str
    peak: float
    hour: int
    capacity: float
    hours_over: int

    @property
    def carries(self) -> bool:
        return not self.hours_over


@dataclass(frozen=True, slots=True)
class Effect:
    """What a setting comes to: share answered without a person, dollars a task with people, dollars without.

    `wrong` is what was wrong among answered, with its 95% interval; None where that cannot be known.
    """

    answered: float | None = None
    wrong: float | None = None
    low: float | None = None
    high: float | None = None
    cost_usd: float | None = None
    models_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """A setting that keeps the promise, or what is missing for one (`missing`, and no document).

    `certificate` holds labels, wrong, bound, needed, wrong_at_most, confidence and subject, as far as there are labels.
    `within_cost` and `carried` are None where nothing was promised or stated about it.
    """

    kind: str
    sentence: str
    document: dict[str, Any] | None = None
    answer_from: float | None = None
    rungs: tuple[tuple[str, float], ...] = ()
    missing: str = ""
    certificate: dict[str, Any] = field(default_factory=dict)
    now: Effect = Effect()
    then: Effect = Effect()
    desks: tuple[Desk, ...] = ()
    carried: bool | None = None
    within_cost: bool | None = None
    live_already: bool = False
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the advice as strict JSON takes it."""
        made: dict[str, Any] = strict(asdict(self))
        return made


def threshold(*, use_case: UseCase, document: Any, by: Any, window: Any = None) -> Advice:
    """Advise the answer threshold for a document. Raises as `promise_evidence.gathered` does."""
    from routing.replay.recommend import answer_threshold

    evidence = promise_evidence.gathered(use_case, document, by, window)
    promise = promises.of(use_case)
    part, counted = promise_evidence.narrowed(
        evidence.columns, document, evidence.live, _edge(document, default=0.0)
    )
    found = answer_threshold(
        part, document, stated(promise), baseline=evidence.live.baseline, counted=counted
    )
    return _advice("threshold", found, document, evidence, promise)


def ladder(*, use_case: UseCase, document: Any, by: Any, window: Any = None) -> Advice:
    """Advise a whole ladder with its answer threshold: the cheapest one, of those that desks and cost limit carry."""
    from routing.replay import recommend

    evidence = promise_evidence.gathered(use_case, document, by, window)
    promise, people = promises.of(use_case), promises.people(use_case)

    def made() -> "Recommendation":
        return recommend.ladder(
            evidence.columns, document, stated(promise), people=people, baseline=evidence.live.baseline
        )

    key = digest([document, promise.wrong_at_most, promise.confidence, asdict(people)])
    found: Recommendation = evidence.columns.memory.get("advice", ("ladder", key), made)
    return _suited(found, document, evidence, promise)


def curve(
    *, use_case: UseCase, document: Any, by: Any, window: Any = None, advised: Advice | None = None
) -> dict[str, Any]:
    """Return share answered and share wrong for every answer threshold, under the live document and under this one.

    `{"live": [...], "draft": [...], "target", "points": {"live", "draft", "recommended"}}`; every point is
    `{answer_from, coverage, wrong, low, high, n, badge}`, its numbers None where they cannot be known. `advised` is
    the advice to mark, where somebody has it already.
    """
    evidence = promise_evidence.gathered(use_case, document, by, window)
    advised = advised or threshold(use_case=use_case, document=document, by=by, window=window)
    live = evidence.live.document
    own = evidence
    if document != live:
        own = promise_evidence.gathered(use_case, live, by, window)
    lines = {
        "live": _points(promise_evidence.counted(own.columns, live, own.live)),
        "draft": _points(promise_evidence.counted(evidence.columns, document, evidence.live)),
    }
    marks = {"live": _mark(own, live, lines["live"]), "draft": _mark(evidence, document, lines["draft"])}
    marks["recommended"] = _mark(evidence, advised.document, lines["draft"]) if advised.document else None
    return {**lines, "target": promises.of(use_case).wrong_at_most, "points": marks}


def frontier(*, use_case: UseCase, document: Any, by: Any, window: Any = None) -> dict[str, Any]:
    """Return the settings that no other beats in cost and error, with live, draft and recommended among them.

    `{"frontier": [...], "target", "points": {...}}`; every point is `{rungs, answer_from, cost_usd, wrong, answered}`,
    counted on the same decisions: those that every model of the document answered, with a verdict each.
    """
    from routing.replay import recommend

    evidence = promise_evidence.gathered(use_case, document, by, window)
    people, live = promises.people(use_case), evidence.live
    advised = ladder(use_case=use_case, document=document, by=by, window=window)

    def made() -> dict[str, Any]:
        found = recommend.cost_against_wrong(
            evidence.columns, document, people=people, baseline=live.baseline
        )
        wanted = {"live": live.document, "draft": document, "recommended": advised.document}
        marks = recommend.marked(evidence.columns, document, wanted, people=people, baseline=live.baseline)
        return {
            "frontier": [asdict(one) for one in found],
            "points": {name: asdict(one) if one else None for name, one in marks.items()},
        }

    key = digest([document, live.document, advised.document, asdict(people)])
    drawn: dict[str, Any] = evidence.columns.memory.get("advice", ("frontier", key), made)
    return {**drawn, "target": promises.of(use_case).wrong_at_most}


def stated(promise: Promise) -> "certificate.Promise":
    """Return a promise as the tests of labels take it."""
    from routing.replay import certificate

    return certificate.Promise(promise.wrong_at_most, round(1 - promise.confidence, 12))


def _edge(document: Json, default: float) -> float:
    from routing.replay.recommend import answering

    band = answering(document)
    return default if band is None else float(band["from"])


def _points(counted: "Levels") -> list[dict[str, Any]]:
    from routing.replay.recommend import points

    # Answered as the panel counts it: rules answer too, and what cannot be replayed is left out.
    return [
        _point(point) | {"coverage": answers}
        for point, answers in zip(points(counted), counted.answers.tolist(), strict=True)
    ]


def _point(point: Any) -> dict[str, Any]:
    error = point.wrong
    return {
        "answer_from": point.answer_from,
        "coverage": point.coverage,
        "wrong": error.value,
        "low": error.low,
        "high": error.high,
        "n": error.n,
        "badge": error.badge,
    }


def _mark(evidence: Evidence, document: Json, line: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the point at which a document stands; its edge may lie between two thresholds of the curve."""
    from routing.replay.levels import levels
    from routing.replay.replay import replay

    edge = _edge(document, default=-1.0)
    if edge < 0:
        return None
    found = next((point for point in line if point["answer_from"] == edge), None)
    if found is None:
        replayed = replay(evidence.columns, document, baseline=evidence.live.baseline)
        found = _points(levels(replayed, [edge]))[0]
    return found


def _suited(found: "Recommendation", document: Json, evidence: Evidence, promise: Promise) -> Advice:
    """Return the cheapest choice that desks carry and that keeps the cost limit; the cheapest where none does."""
    first: Advice | None = None
    # Beyond a few, the dearer ones only send more to people.
    for choice in found.choices[:5] or (None,):
        advised = _advice("ladder", found if choice is None else _chosen(choice), document, evidence, promise)
        if advised.carried is not False and advised.within_cost is not False:
            return advised
        first = first or advised
    assert first is not None
    return first


def _chosen(choice: "Choice") -> "Recommendation":
    from routing.replay.recommend import Recommendation

    return Recommendation(choice.document, choice.certificate)


def _advice(
    kind: str, found: "Recommendation", document: Json, evidence: Evidence, promise: Promise
) -> Advice:
    """Return a recommendation with what it comes to, in words."""
    certificate: dict[str, Any] = _bought(found.certificate) if found.certificate else {}
    certificate |= {"wrong_at_most": promise.wrong_at_most, "confidence": promise.confidence}
    notes = [evidence.since.words()]
    if not evidence.complete:
        notes.append("Older decisions did not fit into memory.")
    if found.document is None:
        return Advice(
            kind,
            found.sentence(),
            missing=found.sentence(),
            certificate=certificate,
            notes=tuple(filter(None, notes)),
        )
    assert found.certificate is not None
    now, then, desks = _effects(evidence, found.document, promise)
    if then.cost_usd is not None and now.cost_usd is not None and then.cost_usd > now.cost_usd:
        notes.append("It costs more than what is live, for which the labels do not allow the promise.")
    limit = promise.cost_at_most_usd
    carried = all(desk.carries for desk in desks) if desks else None
    within = None if limit is None or then.cost_usd is None else then.cost_usd <= limit
    return Advice(
        kind,
        _sentence(kind, found, promise),
        document=found.document,
        answer_from=_edge(found.document, default=0.0),
        rungs=tuple((rung["model"], rung["accept_from"]) for rung in found.document["ladder"]),
        certificate=certificate,
        now=now,
        then=then,
        desks=desks,
        carried=carried,
        within_cost=within,
        live_already=digest(found.document) == digest(evidence.live.document),
        notes=tuple(filter(None, notes)),
    )


def _bought(one: "certificate.Certificate") -> dict[str, Any]:
    return {
        "labels": one.labels,
        "wrong": one.wrong,
        "bound": one.bound,
        "needed": one.needed,
        "subject": dict(one.subject),
    }


def _sentence(kind: str, found: "Recommendation", promise: Promise) -> str:
    from routing.replay.certificate import percent

    assert found.certificate is not None
    assert found.document is not None
    what = f"{_edge(found.document, default=0.0):.2f}" if kind == "threshold" else "this ladder"
    return (
        f"Use {what}: cheapest with at most {percent(promise.wrong_at_most)} wrong among answered, with "
        f"{percent(promise.confidence)} confidence, from {found.certificate.labels:,} labels."
    )


def _effects(evidence: Evidence, document: Json, promise: Promise) -> tuple[Effect, Effect, tuple[Desk, ...]]:
    """Return what live and the recommended document come to on the decisions that count, and the desks' load."""
    from routing.replay.impact import impact

    live, people = evidence.live, promises.people(promise.use_case)

    def made() -> dict[str, Any]:
        return impact(evidence.columns, document, live=live.document, baseline=live.baseline, people=people)

    # Kept: while a handle is moved, what is recommended stays the same.
    key = digest([document, live.document, live.baseline, asdict(people)])
    found: dict[str, Any] = evidence.columns.memory.get("advice", ("effects", key), made)
    desks = tuple(
        _desk(queue) for queue in found["queues"] if queue["capacity_per_hour"] is not None and queue["draft"]
    )
    return _effect(found["live"]), _effect(found["draft"]), desks


def _effect(side: Mapping[str, Any]) -> Effect:
    known = side["answered"] + side["reviewed"] + side["escalated"]
    cost = side["people"]["cost_per_task_with_models_usd"]
    error = side["wrong_among_answered"]
    return Effect(
        answered=side["answered"] / known if known else None,
        wrong=error["value"],
        low=error["low"],
        high=error["high"],
        cost_usd=cost,
        models_usd=side["cost_per_task_usd"]["value"],
    )


def _desk(queue: Mapping[str, Any]) -> Desk:
    load: list[float] = queue["draft"]
    peak = max(load)
    return Desk(
        queue["queue"], peak, load.index(peak), queue["capacity_per_hour"], len(queue["draft_over_hours"])
    )
