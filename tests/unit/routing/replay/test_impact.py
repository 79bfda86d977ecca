"""An impact says what it knows, how well, and what nobody can know."""

import numpy as np
import pytest

from routing.engine import sampling
from routing.replay.building import build, extend
from routing.replay.columns import DESK, Columns, Stratum
from routing.replay.estimates import Group, share
from routing.replay.impact import People, impact
from routing.replay.matching import NotLoaded
from tests.documents import claims
from tests.unit.routing.replay.desks import answering_from, desk


def _record(
    number: int, *, confidence: float = 0.9, correct: bool | None = True, topic: str = "refund"
) -> dict:  # type: ignore[type-arg]
    tried = {
        "model": "small",
        "confidence": confidence,
        "cost_usd": 0.002,
        "latency_ms": 100.0 * (number + 1),
    }
    return {
        "id": f"d{number}",
        "request_id": f"r{number}",
        "at": f"2026-11-01T{number % 24:02d}:00:00Z",
        "attributes": {"topic": topic, "amount": 10 * number},
        "tried": [tried | ({} if correct is None else {"correct": correct})],
        "model": "small",
        "confidence": confidence,
        "signal": "verbalised",
        "action": "answer",
    }


def _census() -> Columns:
    rows = [_record(n, confidence=0.5 + n / 40, correct=n % 5 != 0) for n in range(20)]
    return build([*rows, _record(20, topic="legal threat")])


def _one_rung(answer_from: float) -> dict:  # type: ignore[type-arg]
    document = claims(answer_from=answer_from)
    document["ladder"] = [{"model": "small", "accept_from": 0.0}]
    document["rules"] = document["rules"][:1]
    return document


def test_a_census_is_measured() -> None:
    told = impact(_census(), _one_rung(0.7), live=_one_rung(0.85), moved=5)
    live, draft = told["live"], told["draft"]
    assert told["decisions"] == 21
    # 0.85 is reached from number 14 on, 0.70 from number 8 on; of five, the first is wrong.
    assert (live["answered"], live["reviewed"], live["escalated"]) == (6, 10, 5)
    assert (draft["answered"], draft["reviewed"], draft["escalated"]) == (12, 4, 5)
    assert live["wrong_among_answered"]["value"] == pytest.approx(1 / 6)
    assert draft["wrong_among_answered"] | {"low": 0, "high": 0} == {
        "value": pytest.approx(2 / 12), "low": 0, "high": 0, "n": 12, "badge": "measured"
    }  # fmt: skip
    assert draft["by_model"] == {"small": 20}
    assert draft["cost_per_task_usd"]["value"] == pytest.approx(0.002 * 20 / 21)
    assert draft["latency_ms_p95"]["value"] == np.percentile([*np.arange(1, 21) * 100.0, 0.0], 95)
    moved = {(cell["live"], cell["draft"]): (cell["count"], cell["ids"]) for cell in told["matrix"]}
    assert moved["review", "answer"] == (6, ["d13", "d12", "d11", "d10", "d9"])
    assert sum(count for count, _ in moved.values()) == 21
    assert told["rules"] == [{"id": "legal", "name": "Legal threats go to people", "live": 1, "draft": 1}]


def test_the_desks_load_is_told_hour_by_hour() -> None:
    told = impact(_census(), _one_rung(0.7), live=_one_rung(0.85))
    queues = {queue["queue"]: queue for queue in told["queues"]}
    assert sum(queues["claims-desk"]["live"]) == 10
    assert sum(queues["claims-desk"]["draft"]) == 4
    assert queues["legal-desk"]["draft"][20] == 1
    crowded = [
        _record(n) | {"at": "2026-11-01T09:30:00Z", "attributes": {"topic": "legal threat"}} for n in range(5)
    ]
    told = impact(build(crowded), _one_rung(0.7), live=_one_rung(0.85))
    assert {q["queue"]: q["draft_over_hours"] for q in told["queues"]}["legal-desk"] == [9]


def test_people_have_a_price() -> None:
    told = impact(_census(), _one_rung(0.7), live=_one_rung(0.85), people=People(1.0, 10.0, 6.0, 30.0))
    assert told["draft"]["people"]["cost_usd"] == 4 * 1.0 + 5 * 10.0 + told["draft"]["audited"] * 1.0
    assert told["draft"]["people"]["hours"] == (4 * 6.0 + 5 * 30.0 + told["draft"]["audited"] * 6.0) / 60


def test_people_work_on_each_cell_before_and_after() -> None:
    told = impact(_census(), _one_rung(0.7), live=_one_rung(0.85), people=People(1.0, 10.0, 6.0, 30.0))
    hours = {
        (c["live"], c["draft"]): (c["live_reviewer_hours"], c["draft_reviewer_hours"]) for c in told["matrix"]
    }
    assert hours["review", "answer"] == (6 * 6.0 / 60, 0.0)
    assert hours["escalate", "escalate"] == (5 * 30.0 / 60, 5 * 30.0 / 60)
    for place, one in enumerate(("live", "draft")):
        audits = told[one]["audited"] * 6.0 / 60
        whole = sum(found[place] for found in hours.values())
        assert whole + audits == pytest.approx(told[one]["people"]["hours"])


def test_the_same_inputs_give_the_same_numbers() -> None:
    first, second = (impact(_census(), _one_rung(0.7), live=_one_rung(0.85), moved=3) for _ in range(2))
    assert first | {"took_ms": 0} == second | {"took_ms": 0}
    assert (
        first["ids_digest"] != impact(build([_record(1)]), _one_rung(0.7), live=_one_rung(0.85))["ids_digest"]
    )


def test_newer_rows_come_after_the_older_ones_within_the_limit() -> None:
    columns = extend(_census(), [_record(n) | {"model": "other"} for n in range(30, 40)], limit=15)
    assert list(columns.ids) == [*(f"d{n}" for n in range(16, 21)), *(f"d{n}" for n in range(30, 40))]
    assert columns.names == ("small", "other")
    assert columns.recorded.tolist() == [1] * 5 + [2] * 10
    whole = build([_record(n) for n in range(5)])
    parts = extend(build([_record(n) for n in range(3)]), [_record(n) for n in range(3, 5)])
    assert impact(whole, _one_rung(0.7), live=_one_rung(0.9)) | {"took_ms": 0} == (
        impact(parts, _one_rung(0.7), live=_one_rung(0.9)) | {"took_ms": 0}
    )


def test_draws_stay_with_the_rows_when_newer_ones_come() -> None:
    columns = build([_record(n) for n in range(3)])
    assert columns.audit_place[0] == sampling.share("r0", "audit")
    columns = extend(columns, [_record(n) for n in range(3, 6)], limit=4)
    assert "audit_place" in columns.drawn()
    assert columns.audit_place.tolist() == [sampling.share(f"r{n}", "audit") for n in range(2, 6)]
    assert columns.holdout_place.tolist() == [sampling.share(f"r{n}", "holdout") for n in range(2, 6)]


def test_an_attribute_that_was_left_out_is_missed_loudly() -> None:
    with pytest.raises(NotLoaded, match="topic"):
        impact(build([_record(1)], attributes=["amount"]), _one_rung(0.7), live=_one_rung(0.8))


def test_what_a_model_that_was_never_called_would_have_said_is_not_knowable() -> None:
    draft = _one_rung(0.7)
    draft["ladder"] = [{"model": "small", "accept_from": 0.95}, {"model": "large", "accept_from": 0.0}]
    told = impact(_census(), draft, live=_one_rung(0.85))["draft"]
    assert told["not_knowable"] == 18
    assert told["wrong_among_answered"]["value"] is None
    assert told["wrong_among_answered"]["badge"] == "not_knowable"
    assert told["cost_per_task_usd"]["badge"] == "not_knowable"


def test_random_audits_measure_and_reviewed_labels_only_join_in_with_weights() -> None:
    columns, wrong = desk(np.random.default_rng(1), 20_000)
    live = answering_from(0.85)
    told = impact(columns, answering_from(0.9), live=live)
    assert told["live"]["wrong_among_answered"]["badge"] == "measured"
    assert told["draft"]["wrong_among_answered"]["badge"] == "measured"
    told = impact(columns, answering_from(0.70), live=live)["draft"]["wrong_among_answered"]
    truth = wrong[columns.models["small"].confidence >= 0.70].mean()
    assert told["badge"] == "weighted"
    assert told["low"] < truth < told["high"]


def test_labels_of_reviewed_requests_alone_are_nowhere_the_error_rate() -> None:
    columns, _ = desk(np.random.default_rng(2), 5_000, audit_share=0.0)
    told = impact(columns, answering_from(0.7), live=answering_from(0.85))
    for one in ("live", "draft"):
        assert told[one]["wrong_among_answered"]["badge"] == "not_knowable"
        assert told[one]["wrong_among_answered"]["value"] is None


def test_the_weighted_estimate_covers_the_truth_in_at_least_93_percent_of_500_runs() -> None:
    random = np.random.default_rng(20_261_122)
    probe = np.random.default_rng(9).beta(5, 1.5, 2_000_000)
    above = probe[probe >= 0.70]
    truth = float(np.mean(0.9 * (1 - above) ** 1.2))
    covered = reviewed_only = 0
    for _ in range(500):
        columns, _ = desk(random, 4_000)
        told = impact(columns, answering_from(0.70), live=answering_from(0.85))["draft"][
            "wrong_among_answered"
        ]
        assert told["badge"] == "weighted"
        covered += told["low"] <= truth <= told["high"]
        desk_rows = (columns.stratum == columns.strata.index(Stratum(DESK, 1.0))) & (
            columns.models["small"].confidence >= 0.70
        )
        naive = 1 - columns.models["small"].correct[desk_rows].mean()
        reviewed_only += naive > 1.2 * truth
    assert covered / 500 >= 0.93
    assert reviewed_only == 500


def test_what_nobody_labelled_widens_the_interval_to_both_sides() -> None:
    known = share([Group("audit", 1_000, 100, 5)])
    vague = share([Group("audit", 1_000, 100, 5), Group("none", 50, 0, 0)])
    assert (known.badge, vague.badge) == ("measured", "weighted")
    assert known.low is not None
    assert known.high is not None
    assert vague.low == pytest.approx(known.low * 1_000 / 1_050)
    assert vague.high == pytest.approx((known.high * 1_000 + 50) / 1_050)
    assert share([Group("audit", 1_000, 100, 5), Group("none", 200, 0, 0)]).badge == "not_knowable"


def test_a_verdict_that_came_because_somebody_complained_is_no_label() -> None:
    answered = _record(1, correct=None) | {
        "audit_share": 0.05,
        "audited": False,
        "outcome": {"correct": False},
    }
    drawn = _record(2, correct=None) | {"audit_share": 0.05, "audited": True, "outcome": {"correct": True}}
    reviewed = _record(3, correct=None) | {"action": "review", "outcome": {"correct": False}}
    held_out = _record(4, correct=None) | {"audit_share": 0.05, "audited": True, "holdout": True}
    held_out |= {"outcome": {"correct": True}}
    columns = build([answered, drawn, reviewed, held_out])
    assert columns.models["small"].correct.tolist() == [-1, 1, 0, -1]
    assert {stratum.kind for stratum in columns.strata_counts} == {"audit", "desk", "none"}


def test_one_models_verdict_alone_is_no_census() -> None:
    tried = [
        {"model": "small", "confidence": 0.5, "correct": True},
        {"model": "large", "confidence": 0.9},
    ]
    columns = build([{"request_id": "r", "tried": tried, "model": "large", "action": "answer"}])
    assert columns.models["small"].correct.tolist() == [-1]
    assert [stratum.kind for stratum in columns.strata_counts] == ["none"]
