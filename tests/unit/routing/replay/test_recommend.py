"""Recommendations keep the promise, or say what is missing for it."""

import copy

import numpy as np

from routing.replay.building import build
from routing.replay.certificate import Promise
from routing.replay.drift import shifts
from routing.replay.impact import impact
from routing.replay.recommend import answer_threshold, cost_against_wrong, ladder, risk_coverage
from routing.replay.replay import replay
from tests.unit.routing.replay import real
from tests.unit.routing.replay.desks import answering_from, desk


def test_the_cheapest_threshold_that_keeps_the_promise_is_found_on_audit_labels() -> None:
    columns, wrong = desk(np.random.default_rng(4), 60_000, live=0.5, audit_share=0.2)
    found = answer_threshold(columns, answering_from(0.5), Promise(0.05))
    assert found.document is not None
    edge = found.document["bands"][0]["from"]
    confidence = columns.models["small"].confidence
    assert wrong[confidence >= edge].mean() <= 0.05
    assert wrong[confidence >= edge - 0.1].mean() > 0.05
    assert found.certificate is not None
    # Labels of random audits only: a fifth of what is answered.
    assert found.certificate.labels == np.count_nonzero(columns.audited & (confidence >= edge))


def test_nothing_is_promised_below_where_answers_were_audited() -> None:
    columns, _ = desk(np.random.default_rng(5), 60_000, live=0.85, audit_share=0.2)
    found = answer_threshold(columns, answering_from(0.85), Promise(0.20))
    assert found.document is not None
    assert found.document["bands"][0]["from"] >= 0.84


def test_without_audits_the_answer_is_what_is_missing() -> None:
    columns, _ = desk(np.random.default_rng(6), 5_000, audit_share=0.0)
    found = answer_threshold(columns, answering_from(0.85), Promise(0.02))
    assert found.document is None
    assert found.sentence().startswith("Cannot be promised: 149 clean labels from random audits are needed")


def test_the_curve_tells_how_much_is_answered_and_how_much_of_it_is_wrong() -> None:
    columns, wrong = desk(np.random.default_rng(70), 20_000)
    points = {p.answer_from: p for p in risk_coverage(replay(columns, answering_from(0.85)))}
    confidence = columns.models["small"].confidence
    assert points[0.9].coverage == (confidence >= 0.9).mean()
    assert points[0.9].wrong.badge == "measured"
    assert points[0.6].wrong.badge == "weighted"
    assert points[0.6].wrong.low is not None
    assert points[0.6].wrong.high is not None
    assert points[0.6].wrong.low <= wrong[confidence >= 0.6].mean() <= points[0.6].wrong.high
    told = impact(columns, answering_from(0.6), live=answering_from(0.85))["draft"]["wrong_among_answered"]
    assert points[0.6].wrong.as_dict() == told


def test_the_certificate_of_the_earlier_period_is_not_supported_by_the_later_one() -> None:
    columns = real.decisions("clinc150")
    document = real.cascade(("small", 0.9), ("large", 0.0))
    document["bands"] = [
        {"name": "answer", "from": 0.9, "action": "answer"},
        {"name": "escalate", "from": 0.0, "action": "escalate"},
    ]
    promise = Promise(0.03)
    bought = answer_threshold(real.where(columns, split="val"), document, promise)
    assert bought.document is not None
    assert bought.document["bands"][0]["from"] <= 0.9
    again = answer_threshold(real.where(columns, split="test"), bought.document, promise)
    assert again.document is None or again.document["bands"][0]["from"] > bought.document["bands"][0]["from"]


def test_what_is_asked_now_and_was_not_before_says_why() -> None:
    columns = real.decisions("clinc150")
    found = shifts(real.where(columns, split="val"), real.where(columns, split="test"))
    outside = next(shift for shift in found if (shift.attribute, shift.value) == ("in_scope", 0))
    assert (round(outside.before, 2), round(outside.after, 2)) == (0.03, 0.18)
    assert found[0].moved >= found[-1].moved >= 0.02


def test_a_whole_ladder_is_recommended_that_keeps_the_promise_later() -> None:
    columns = real.where(real.decisions("llm_cascades", "dataset", "split"), dataset="mmlu", split="test")
    names = ["llama3.1-8b", "llama3.1-70b", "gpt-4o-mini", "qwen2.5-72b-instruct"]
    document = real.cascade(*[(name, 0.0) for name in names])
    document["bands"] = [
        {"name": "answer", "from": 0.9, "action": "answer"},
        {"name": "escalate", "from": 0.0, "action": "escalate"},
    ]
    before = copy.deepcopy(document)
    found = ladder(columns, document, Promise(0.10))
    assert document == before
    assert found.document is not None
    told = impact(columns, found.document, live=document)
    assert told["draft"]["wrong_among_answered"]["value"] <= 0.10
    assert told["draft"]["answered"] > 0.3 * len(columns)
    assert ladder(columns, document, Promise(0.001)).sentence().startswith("Cannot be promised:")
    # Beaten where everything is answered, yet it knows best which of its answers are right.
    assert [rung["model"] for rung in found.document["ladder"]] == ["qwen2.5-72b-instruct"]


def test_no_ladder_is_promised_from_verdicts_that_somebody_picked() -> None:
    right = np.random.default_rng(5).random(3_000) < 0.7

    def log(*, praise_only: bool) -> dict[str, object]:
        rows = (
            {
                "request_id": f"r{i}",
                "at": i,
                "model": "small",
                "tried": [
                    {"model": "small", "confidence": 0.9, "cost_usd": 0.001, "latency_ms": 9}
                    | ({"correct": bool(right[i])} if right[i] or not praise_only else {})
                ],
                "action": "answer",
            }
            for i in range(3_000)
        )
        columns = build(rows)
        document = real.cascade(("small", 0.0))
        document["bands"] = [
            {"name": "answer", "from": 0.5, "action": "answer"},
            {"name": "escalate", "from": 0.0, "action": "escalate"},
        ]
        return {
            "said": ladder(columns, document, Promise(0.4)).sentence(),
            "drawn": len(cost_against_wrong(columns, document)),
            "praised": ladder(columns, document, Promise(0.05)).document is not None,
        }

    honest = log(praise_only=False)
    assert str(honest["said"]).startswith("At most 40.0% wrong")
    assert honest["drawn"]
    assert not honest["praised"]
    picked = log(praise_only=True)
    assert "only some have a verdict" in str(picked["said"])
    assert not picked["drawn"]
    assert not picked["praised"]
