"""A step is measured from the strictest value that was live lately; two small ones are a large one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.documents import claims
from usecases.checks import check
from usecases.gate import Gate
from usecases.step_gates import Earlier, longest, step_gates
from usecases.subjects import Subject

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PATH = "bands.answer.from"
DAILY = {"at_most": 0.05, "hours": 24}


def bounds(step: Any = DAILY, path: str = PATH) -> dict[str, Any]:
    return {"knobs": {path: {"lane": None, "limit": [0.0, 1.0], "step": step, "reason": ""}}, "models": []}


def ago(hours: float, answer_from: float, number: int = 1) -> Earlier:
    return Earlier(NOW - timedelta(hours=hours), number, claims(answer_from))


def judged(live: float, draft: float, *earlier: Earlier, step: Any = DAILY) -> list[Gate]:
    return list(step_gates(bounds(step), claims(live), claims(draft), earlier, NOW))


@pytest.mark.parametrize(("draft", "status"), [(0.80, "open"), (0.81, "open"), (0.79, "lane"), (0.0, "lane")])
def test_one_step_from_what_is_live(draft: float, status: str) -> None:
    assert [gate.status for gate in judged(0.85, draft, ago(100, 0.85))] == [status]


def test_a_step_of_just_the_size_fits_however_its_numbers_are_written_in_binary() -> None:
    assert 0.9 - 0.85 > 0.05
    assert [gate.status for gate in judged(0.9, 0.85, ago(100, 0.9))] == ["open"]


def test_two_steps_within_a_day_count_as_one() -> None:
    (gate,) = judged(0.82, 0.79, ago(100, 0.85, 7), ago(1, 0.82, 8))
    assert gate.status == "lane"
    assert gate.message == (
        "0.85 → 0.79: 0.06 looser than what was live at 12:00 UTC on 19 Nov (r7); at most 0.05 a day."
    )


def test_what_was_live_longer_ago_does_not_count() -> None:
    assert [gate.status for gate in judged(0.82, 0.79, ago(100, 0.85), ago(25, 0.82))] == ["open"]


def test_the_strictest_within_the_window_counts_not_the_first() -> None:
    (gate,) = judged(0.85, 0.84, ago(100, 0.85), ago(3, 0.92, 2), ago(1, 0.85, 3))
    assert (gate.status, gate.message[:11]) == ("lane", "0.92 → 0.84")


def test_tightening_has_no_step() -> None:
    assert judged(0.80, 0.99, ago(100, 0.80)) == []
    assert judged(0.80, 0.80, ago(1, 0.95)) == []


def test_switching_a_check_off_is_larger_than_any_step() -> None:
    off = bounds({"at_most": 1, "hours": 24}, "thresholds.sensitivity")
    (gate,) = step_gates(off, claims(), claims(sensitivity=None), (), NOW)
    assert (gate.status, "off" in gate.message) == ("lane", True)


def test_on_the_ladder_both_ways_are_looser() -> None:
    path = "ladder.small.accept_from"
    live, draft = claims(), claims()
    draft["ladder"][0]["accept_from"] = 0.95
    assert [g.status for g in step_gates(bounds(path=path), live, draft, (), NOW)] == ["lane"]


def test_several_steps_hold_together_and_the_longest_says_how_far_to_look_back() -> None:
    both = [{"at_most": 0.02, "hours": 1}, {"at_most": 0.05, "hours": 168}]
    assert longest(bounds(both)) == 168
    (gate,) = judged(0.82, 0.80, ago(100, 0.86), ago(2, 0.82), step=both)
    assert gate.message.endswith("at most 0.05 a week.")
    assert [g.status for g in judged(0.82, 0.81, ago(500, 0.82), step=both)] == ["open"]


def test_a_step_past_its_size_needs_approvals_and_is_told_among_all_gates() -> None:
    subject = Subject(
        guardrails=bounds(), live=claims(0.85), draft=claims(0.75), now=NOW, earlier=(ago(100, 0.85),)
    )
    found = check(subject)
    gate = next(one for one in found.checks if one.key == f"step:{PATH}")
    assert (gate.status, found.needed, found.passes) == ("needs approval", 1, False)
    assert gate.clear == "1 approval; or loosen it by less, or later."


def mapped(reported: float) -> dict[str, Any]:
    """Claims whose small model is answered from this reported confidence on, by its map."""
    draft = claims(0.85)
    draft["models"][0]["calibration"] = {"reported": [0.0, reported, 1.0], "calibrated": [0.0, 0.85, 1.0]}
    return draft


def test_a_calibration_map_is_no_way_around_a_step() -> None:
    judged = list(step_gates(bounds(), claims(0.85), mapped(0.7), (), NOW))
    assert [(gate.path, gate.status) for gate in judged] == [("models[0].calibration", "lane")]
    assert judged[0].message == (
        "By its calibration map “small” would answer from 0.15 less than lately; at most 0.05 a day."
    )
    assert list(step_gates(bounds(), claims(0.85), mapped(0.82), (), NOW)) == []
    assert list(step_gates(bounds(), mapped(0.7), mapped(0.7), (), NOW)) == []
    assert list(step_gates(bounds(), mapped(0.7), claims(0.85), (), NOW)) == []
    lately = [Earlier(NOW - timedelta(hours=3), 1, claims(0.85))]
    assert len(list(step_gates(bounds(), mapped(0.82), mapped(0.79), lately, NOW))) == 1


def test_answering_nothing_any_more_is_no_step() -> None:
    draft = claims(0.85)
    draft["bands"][0] |= {"action": "review", "name": "look"}
    draft["rules"] = draft["rules"][:1]
    assert list(step_gates(bounds(), claims(0.85), draft, (), NOW)) == []
