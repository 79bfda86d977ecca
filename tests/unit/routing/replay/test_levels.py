"""Counting all answer thresholds from one replay gives what each of them would have done."""

import json
from typing import Any

import numpy as np
import pytest

from routing.replay.building import build
from routing.replay.certificate import GRID, Promise
from routing.replay.columns import Columns
from routing.replay.drift import shifts, shifts_since, stored
from routing.replay.impact import People, impact
from routing.replay.levels import levels
from routing.replay.recommend import answer_threshold, same_ground, with_answer_from
from routing.replay.replay import replay
from tests.unit.routing.replay import real
from tests.unit.routing.replay.desks import answering_from, desk

PEOPLE = People(review_usd=3.0, escalation_usd=7.0)
RULES = [
    {
        "id": "legal",
        "name": "Legal threats go to people",
        "when": {"any": [{"attribute": "topic", "op": "eq", "value": "legal"}]},
        "then": {"action": "escalate", "queue": "desk"},
    },
    {
        "id": "vip",
        "name": "Be sure with these",
        "when": {"any": [{"attribute": "topic", "op": "eq", "value": "vip"}]},
        "then": {"answer_from": 0.95},
    },
]


def log(count: int = 3_000) -> Columns:
    """Return decisions of two models, each with a verdict, some with a topic that a rule looks for."""
    random = np.random.default_rng(11)
    sure = random.beta(4, 1.5, (count, 2)).round(3)
    rows: list[dict[str, Any]] = []
    for number, pair in enumerate(sure.tolist()):
        tried = [
            {"model": name, "confidence": confidence, "cost_usd": cost, "correct": number % 9 > 0}
            for name, confidence, cost in zip(("small", "large"), pair, (0.001, 0.01), strict=True)
        ]
        topic = ("legal", "vip", "other", "other", None)[number % 5]
        rows.append(
            {"request_id": f"r{number}", "at": number, "tried": tried, "attributes": {"topic": topic}}
        )
    return build(rows)


def document(**thresholds: Any) -> dict[str, Any]:
    made = answering_from(0.85) | {"rules": RULES, "thresholds": thresholds}
    made["models"] = [{"name": name, "litellm": f"openai/{name}"} for name in ("small", "large")]
    made["ladder"] = [{"model": "small", "accept_from": 0.8}, {"model": "large", "accept_from": 0.0}]
    return made


@pytest.mark.parametrize("edge", [1.0, 0.9, 0.85, 0.6, 0.31])
def test_every_threshold_counts_what_its_own_replay_counts(edge: float) -> None:
    columns = log()
    counted = levels(replay(columns, document(holdout_share=0.1)), [0.99, edge, 0.4])
    place = counted.place(edge)
    assert place is not None
    draft = with_answer_from(document(holdout_share=0.1), edge)
    told = impact(columns, draft, live=draft, people=PEOPLE)["draft"]
    assert told["not_knowable"] == counted.lost == 0
    assert counted.answers[place] * len(columns) == pytest.approx(told["answered"])
    assert counted.reviews[place] * len(columns) == pytest.approx(told["reviewed"])
    assert counted.escalations[place] * len(columns) == pytest.approx(told["escalated"])
    cost = counted.cost_usd(PEOPLE.review_usd, PEOPLE.escalation_usd)[place]
    assert cost == pytest.approx(told["people"]["cost_per_task_with_models_usd"])


def test_audits_of_answers_cost_what_reviews_cost() -> None:
    columns = log(20_000)
    counted = levels(replay(columns, document(audit_share=0.2)), [0.6])
    draft = with_answer_from(document(audit_share=0.2), 0.6)
    told = impact(columns, draft, live=draft, people=PEOPLE)["draft"]
    cost = counted.cost_usd(PEOPLE.review_usd, PEOPLE.escalation_usd)[0]
    assert cost == pytest.approx(told["people"]["cost_per_task_with_models_usd"], rel=0.01)


def test_labels_do_not_speak_for_answers_that_another_ladder_would_give() -> None:
    columns, _ = desk(np.random.default_rng(4), 60_000, live=0.5, audit_share=0.2)
    two = answering_from(0.5)
    two["models"].append({"name": "large", "litellm": "openai/large"})
    two["ladder"] = [{"model": "small", "accept_from": 0.6}, {"model": "large", "accept_from": 0.0}]
    counted = levels(replay(columns, two), GRID)
    assert counted.lost > 0.01 * len(columns)
    assert not same_ground(counted).any()
    found = answer_threshold(columns, two, Promise(0.05))
    assert found.document is None
    assert "do not speak for all that would be answered" in found.sentence()

    excused = levels(replay(columns, two), GRID, excused=columns.models["small"].confidence < 0.6)
    assert excused.lost == 0


def test_what_is_asked_is_stored_and_held_against_later_days_without_saying_one_thing_twice() -> None:
    columns = real.decisions("clinc150")
    earlier, later = real.where(columns, split="val"), real.where(columns, split="test")
    kept = json.loads(json.dumps(stored(earlier)))
    found = shifts_since(kept, later)
    assert [(shift.attribute, shift.value) for shift in found] == [("category", "out_of_scope")]
    assert (round(found[0].before, 2), round(found[0].after, 2)) == (0.03, 0.18)
    assert len(shifts(earlier, later)) > len(found)
    assert shifts_since(kept, earlier) == []
