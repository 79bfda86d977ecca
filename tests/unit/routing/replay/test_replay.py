"""Replay decides what `decide` decides: row by row, on random documents and random decisions."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.calibration import calibrated
from routing.engine.decide import Compiled, Decision, compile_document
from routing.replay.building import build
from routing.replay.calibration import CalibrationMap
from routing.replay.judging import mapped
from routing.replay.replay import replay
from tests.documents import claims
from tests.unit.routing.engine.generated import (
    ATTRIBUTES,
    confidences,
    documents,
    json_values,
    maps,
    scalars,
    states,
)

Json = dict[str, Any]

costs = st.sampled_from([0.0, 0.001, 0.02, 0.5])
latencies = st.sampled_from([0.0, 40.0, 500.0, 2000.0, 31_000.0])
attempts = st.fixed_dictionaries(
    {"confidence": confidences | st.none(), "cost_usd": costs, "latency_ms": latencies},
    optional={"error": st.just("timeout"), "correct": st.booleans()},
)


@st.composite
def records(draw: st.DrawFn) -> Json:
    """A stored decision; of each model one word, or none at all."""
    tried = {name: draw(st.none() | attempts) for name in ("small", "large")}
    reported = dict.fromkeys(("sensitivity", "retrieval_score", "spent_today_usd"), confidences | json_values)
    return {
        "request_id": draw(st.text(max_size=4)),
        "attributes": draw(
            st.fixed_dictionaries({}, optional=dict.fromkeys(ATTRIBUTES, scalars | json_values))
        ),
        "signals": draw(st.fixed_dictionaries({}, optional=reported | {"confidence": confidences})),
        "tried": [{"model": name, **attempt} for name, attempt in tried.items() if attempt],
        "signal": draw(st.sampled_from([None, "verbalised"])),
        "model": draw(st.sampled_from([None, "small", "large"])),
    }


@st.composite
def drafts(draw: st.DrawFn) -> Json:
    """A document with every source of confidence, any ladder and limits of money and time."""
    document = draw(documents())
    share = st.sampled_from([0.0, 0.3, 0.85, 1.0])
    accept = {name: draw(share) for name in ("small", "large")}
    order = draw(st.sampled_from([["small", "large"], ["large", "small"], ["large"], []]))
    if order != ["small", "large"]:
        for rule in document["rules"]:
            if rule["then"].pop("start", None) and not rule["then"]:
                rule["then"] = {"queue": "desk"}
    document["ladder"] = [{"model": name, "accept_from": accept[name]} for name in order]
    document["confidence"] = {"source": draw(st.sampled_from(["verbalised", "context"])), "missing": 0.0}
    document["messages"] = {"answer": "Here you are."}
    document["thresholds"] |= {
        "cost_per_task_usd": draw(st.none() | st.sampled_from([0.0, 0.001, 0.02])),
        "latency_s": draw(st.none() | st.sampled_from([0.0, 0.52, 2.5])),
    }
    return document


@st.composite
def baselines(draw: st.DrawFn) -> Json:
    """A baseline with rules, thresholds and audits of its own."""
    document = draw(documents())
    for rule in document["rules"]:
        if rule["then"].pop("start", None) and not rule["then"]:
            rule["then"] = {"queue": "desk"}
    own = {"models": [], "ladder": [], "messages": {"answer": "We are closed."}}
    return document | own | {"confidence": {"source": "context", "missing": 0.0}}


@settings(max_examples=120, deadline=None)
@given(drafts(), st.none() | baselines(), st.lists(records(), min_size=1, max_size=6), states)
def test_replay_decides_as_decide_does(
    document: Json, baseline: Json | None, rows: list[Json], state: str
) -> None:
    compiled = compile_document(document, state=state, baseline=baseline)
    columns = build(rows)
    replayed = replay(columns, compiled)
    for place, row in enumerate(rows):
        expected, cost, took = by_hand(compiled, row)
        assert replayed.row(place) == expected
        assert bool(replayed.audited()[place]) is bool(expected and expected.audited)
        if expected is not None:
            assert replayed.cost_usd[place] == cost
            assert replayed.latency_ms[place] == took


def by_hand(compiled: Compiled, row: Json) -> tuple[Decision | None, float, float]:
    """Climb the ladder for one request as an assistant does; None where a needed answer was never recorded."""
    document = compiled.document
    context = {**row["attributes"], "request_id": row["request_id"]}
    source = document["confidence"]["source"]
    signals = {name: value for name, value in row["signals"].items() if name != "confidence"}
    reported = row["signals"].get("confidence") if source == "context" else None
    if source == "context":
        signals["confidence"] = reported
    if not document["ladder"] and source == "context":
        # Without a ladder the caller has asked a model itself, and says which one.
        signals["model"] = row["model"]
    plan = compiled.plan(context, signals)
    if plan.decided or not plan.rungs:
        decided = plan.decided or compiled.decide(context, signals)
        return replace(decided, model=None), 0.0, 0.0
    tried = {attempt["model"]: attempt for attempt in row["tried"]}
    limits = document["thresholds"]
    spent: list[float] = []
    elapsed = 0.0
    standing: tuple[str, float | None] | None = None
    for name, accept_from in plan.rungs:
        left = math.inf if limits["latency_s"] is None else limits["latency_s"] * 1000 - elapsed
        if left < 50 or (
            spent and limits["cost_per_task_usd"] is not None and sum(spent) >= limits["cost_per_task_usd"]
        ):
            break
        attempt = tried.get(name)
        if attempt is None or row["signal"] not in (None, source):
            return None, 0.0, 0.0
        late = attempt["latency_ms"] > min(left, 30_000)
        spent.append(0.0 if late else attempt["cost_usd"])
        elapsed += min(attempt["latency_ms"], left, 30_000)
        if late or attempt.get("error"):
            continue
        confidence = attempt["confidence"] if reported is None else reported
        standing = (name, confidence)
        judged = compiled.judged(name, confidence)
        if (0.0 if judged is None else judged) >= accept_from:
            break
    if standing is None:
        return compiled.decide(context, signals | {"error": "no answer"}), sum(spent), elapsed
    named = {"model": standing[0], "confidence": standing[1]}
    return compiled.decide(context, signals | named), sum(spent), elapsed


@given(maps(), st.lists(confidences | st.just(math.nan), min_size=1, max_size=30))
def test_columns_are_calibrated_bit_by_bit_as_single_confidences(part: Json, given_: list[float]) -> None:
    line = CalibrationMap(tuple(part["reported"]), tuple(part["calibrated"]))
    near = [math.nextafter(point, towards) for point in part["reported"] for towards in (0, 1)]
    reported = [*given_, *part["reported"], *near]
    expected = np.array([calibrated(line, one) for one in reported])
    assert mapped(line, np.array(reported)).tobytes() == expected.tobytes()


def test_what_a_caller_sent_is_replayed_as_sent_whatever_was_judged() -> None:
    """Recorded is the judged confidence; what the caller sent stands with the model that was tried."""
    tried = [{"model": "small", "confidence": 0.9, "cost_usd": 0.001, "latency_ms": 10}]
    row = {"request_id": "r", "tried": tried, "model": "small", "confidence": 0.45, "signal": "context"}
    plain = claims() | {"confidence": {"source": "context", "missing": 0.0}}
    decided = replay(build([row]), plain).row(0)
    assert decided is not None
    assert decided.band == "answer"


def test_a_row_whose_model_was_never_asked_is_not_knowable() -> None:
    rows = [
        {
            "request_id": "r1",
            "tried": [{"model": "small", "confidence": 0.5, "cost_usd": 0.001, "latency_ms": 10}],
        },
        {
            "request_id": "r2",
            "tried": [{"model": "small", "confidence": 0.9, "cost_usd": 0.001, "latency_ms": 10}],
        },
    ]
    replayed = replay(build(rows), claims())
    assert replayed.row(0) is None
    decided = replayed.row(1)
    assert decided is not None
    assert (decided.action, decided.model) == ("answer", "small")
    assert replayed.knowable().tolist() == [False, True]
