"""Guardrails: inside the lane passes, past it needs an approval, outside the limit is refused; all told together."""

from typing import Any

import pytest

from tests.documents import CLAIMS, claims
from usecases.editing import save_rule, set_fields
from usecases.gates import Gate, gates

BOUNDS: dict[str, Any] = {
    "knobs": {
        "bands.answer.from": {"lane": [0.75, 0.95], "limit": [0.6, 1.0], "reason": "Set in spring."},
        "thresholds.sensitivity": {"lane": [0.3, 0.8], "limit": None},
        "thresholds.audit_share": {"lane": None, "limit": [0.01, 1.0]},
    },
    "models": ["openai/gpt-4o-mini", "openai/gpt-4o"],
}


def judged(draft: dict[str, Any], live: dict[str, Any] | None = CLAIMS) -> dict[str, Gate]:
    return {gate.path: gate for gate in gates(BOUNDS, live, draft)}


@pytest.mark.parametrize(
    ("edge", "status"),
    [
        (0.85, "open"),
        (0.75, "open"),
        (0.74, "lane"),
        (0.6, "lane"),
        (0.59, "shut"),
        (0.97, "open"),
    ],
)
def test_the_answer_threshold_meets_lane_and_limit(edge: float, status: str) -> None:
    gate = judged(claims(answer_from=edge))["bands.answer.from"]
    assert gate.status == status
    assert gate.passes == (status == "open")


@pytest.mark.parametrize(("share", "status"), [(0.009, "shut"), (0.01, "open"), (1.0, "open")])
def test_both_ends_of_a_limit_are_inside_of_it(share: float, status: str) -> None:
    assert judged(claims(audit_share=share))["thresholds.audit_share"].status == status


def test_a_gate_says_what_is_allowed_and_why() -> None:
    shut = judged(claims(answer_from=0.5))["bands.answer.from"].message
    assert shut == "Answer from 0.50 is outside the limit: 0.60 to 1.00. Set in spring."


def test_tightening_past_the_lane_needs_nobody() -> None:
    assert judged(claims(answer_from=0.99))["bands.answer.from"].status == "open"


@pytest.mark.parametrize("then", [{"action": "answer"}, {"answer_from": 0.4}])
def test_a_rule_does_not_walk_around_the_limit(then: dict[str, Any]) -> None:
    when = {"all": [{"attribute": "a", "op": "eq", "value": 1}]}
    draft = save_rule(CLAIMS, {"name": "All", "when": when, "then": then}).document
    assert judged(draft)["bands.answer.from"].status == "shut"
    draft["rules"][-1]["enabled"] = False
    assert judged(draft)["bands.answer.from"].status == "open"


def test_nor_does_a_band_of_another_name() -> None:
    draft = set_fields(CLAIMS, {"bands.0.name": "send", "bands.0.from": "0.3"}).document
    assert judged(draft)["bands.answer.from"].status == "shut"


def mapped(reported: list[float], calibrated: list[float]) -> dict[str, Any]:
    draft = claims()
    draft["models"][0]["calibration"] = {"reported": reported, "calibrated": calibrated}
    return draft


def test_nor_does_a_map_that_lifts_confidence() -> None:
    """The band stays at 0.85, and answers what the model reports from 0.51 on: that needs an approval."""
    gate = judged(mapped([0.0, 0.6], [0.0, 1.0]))["models[0].calibration"]
    assert gate.status == "lane"
    assert gate.message == (
        "By its calibration map “small” would answer from a reported confidence of 0.51, now from 0.85. Set in spring."
    )
    assert "models[0].calibration" not in judged(
        mapped([0.0, 0.9], [0.0, 0.95])
    )  # from 0.81: inside the lane
    assert "models[0].calibration" not in judged(mapped([0.0, 1.0], [0.0, 0.9]))  # from 0.94: stricter
    assert "models[0].calibration" not in judged(mapped([0.0, 1.0], [0.0, 0.5]))  # answers nothing any more


def test_a_map_that_moves_nothing_asks_nobody() -> None:
    past, draft = claims(answer_from=0.7), mapped([0.0, 1.0], [0.0, 1.0])
    draft["bands"][0]["from"] = 0.7
    assert "models[0].calibration" not in judged(draft, live=past)


def test_switching_off_what_risk_has_bounded_is_past_its_bounds() -> None:
    assert judged(claims(sensitivity=None))["thresholds.sensitivity"].status == "lane"
    assert judged(claims(audit_share=0.0))["thresholds.audit_share"].status == "shut"
    without = claims()
    del without["thresholds"]["audit_share"]
    assert judged(without)["thresholds.audit_share"].status == "shut"


def test_no_audit_share_at_all_is_none_of_the_requests() -> None:
    never = claims(audit_share=None)
    assert judged(never, live=never)["thresholds.audit_share"].status == "shut"


def test_a_model_that_is_not_approved_is_shut() -> None:
    gate = judged(set_fields(CLAIMS, {"models.1.litellm": "acme/huge"}).document)["models[1].litellm"]
    assert (gate.status, "acme/huge" in gate.message) == ("shut", True)


def test_lanes_do_not_bind_a_new_use_case_but_limits_do() -> None:
    assert judged(claims(answer_from=0.65), live=None)["bands.answer.from"].status == "open"
    assert judged(claims(answer_from=0.5), live=None)["bands.answer.from"].status == "shut"


def test_an_approved_model_at_another_address_needs_an_approval() -> None:
    moved = claims()
    moved["models"][0]["api_base"] = "https://elsewhere.example/v1"
    assert judged(moved)["models[0].api_base"].status == "lane"
    assert "models[0].api_base" not in judged(moved, live=moved)
    assert "models[0].api_base" not in judged(moved, live=None)
    anything = gates({"knobs": {}, "models": []}, CLAIMS, moved)
    assert anything == []


@pytest.mark.parametrize(
    "draft",
    [
        {},
        {"bands": None},
        {"bands": ["x", {"action": "answer", "from": "high"}], "rules": [None, {"then": 3}]},
        {"models": 5},
    ],
)
def test_a_draft_with_faults_is_judged_as_far_as_it_can_be_read(draft: dict[str, Any]) -> None:
    assert len(judged(draft)) == 3


def test_taking_away_or_renaming_what_risk_has_bounded_is_past_its_bounds() -> None:
    bounds: dict[str, Any] = {
        "knobs": {
            "bands.review.from": {"limit": [0.5, 0.9]},
            "rules.vip.answer_from": {"lane": [0.9, 1.0]},
            "ladder.small.accept_from": {"lane": [0.8, 0.9]},
        }
    }
    draft = set_fields(CLAIMS, {"bands.1.name": "check", "bands.1.from": "0.1"}).document
    draft["rules"][1]["enabled"] = False
    draft["ladder"] = draft["ladder"][1:]
    assert [(gate.path, gate.status) for gate in gates(bounds, CLAIMS, draft)] == [
        ("bands.review.from", "shut"),
        ("rules.vip.answer_from", "lane"),
        ("ladder.small.accept_from", "lane"),
    ]
    assert all(gate.passes for gate in gates(bounds, draft, draft))


def test_what_counts_without_a_confidence_does_not_walk_around_the_answer_threshold() -> None:
    draft = claims() | {"confidence": {"source": "verbalised", "missing": 0.9}}
    gate = judged(draft)["confidence.missing"]
    assert gate.status == "lane"
    assert gate.message == "Where a model tells no confidence, its answer would be sent. Set in spring."
    assert "confidence.missing" not in judged(draft, live=draft)
    assert "confidence.missing" not in judged(draft | {"confidence": {"missing": 0.7}})
    assert "confidence.missing" in judged(draft | {"confidence": {"missing": 0.85}}), (
        "the edge itself is sent"
    )
