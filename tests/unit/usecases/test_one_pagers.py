"""What a one-pager asks, how complete it is, what is wrong with an answer, and what may be but reads odd."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.documents import claims
from tests.one_pagers import ANSWERS, DPIA, one_pager
from usecases import one_pagers, terms
from usecases.checks import check
from usecases.subjects import Subject

SHEET_ONLY = len([question for question in one_pagers.SHEET if question.needed])
NEEDED = {"one_pager_needed": True}
LOOSER, TIGHTER = claims(answer_from=0.8), claims(answer_from=0.9)


def test_keys_are_told_once_each_and_every_choice_has_something_to_choose() -> None:
    for asked in one_pagers.QUESTIONS.values():
        assert len({question.key for question in asked}) == len(asked)
        assert all((question.kind == "choice") == bool(question.choices) for question in asked)


def test_nothing_answered_misses_everything_but_the_assessment() -> None:
    state = one_pagers.completeness({}, {}, "medium")
    assert (state.answered, state.needed, state.complete) == (0, SHEET_ONLY, False)
    assert "kill criteria" in state.missing


def test_personal_data_asks_for_the_assessment() -> None:
    without = one_pagers.completeness({**ANSWERS, "personal_data": "no"}, {}, "high")
    assert without.complete
    state = one_pagers.completeness(ANSWERS, {}, "medium")
    assert {"lawful basis", "retention", "measures"} <= set(state.missing)
    assert one_pagers.completeness(ANSWERS, DPIA, "medium").complete


def test_high_risk_asks_for_consultation_too() -> None:
    alone = {key: text for key, text in DPIA.items() if key != "consultation"}
    assert one_pagers.completeness(ANSWERS, alone, "low").complete
    assert one_pagers.completeness(ANSWERS, alone, "high").missing == ("consultation",)


def test_deciding_by_itself_asks_how_people_contest_it() -> None:
    state = one_pagers.completeness(ANSWERS, {**DPIA, "automated": "yes"}, "medium")
    assert state.missing == ("how people contest a decision",)


def test_what_is_missing_is_told_in_words() -> None:
    given = one_pager(kill_criteria=None, time_box=None)
    state = one_pagers.completeness(given["answers"], given["dpia"], "medium")
    assert state.missing == ("time box", "kill criteria")
    assert state.told == f"{state.needed - 2} of {state.needed} answered"


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("kpi_baseline", "46,5", "46.5"),
        ("kpi_baseline", 46.0, "46"),
        ("kpi_baseline", "10,000", "10000"),
        ("time_box", date(2027, 3, 31), "2027-03-31"),
        ("personal_data", True, "yes"),
        ("personal_data", False, "no"),
        ("problem", " Slow.\r\nDear. ", "Slow.\nDear."),
    ],
)
def test_answers_are_kept_in_one_spelling(key: str, value: Any, kept: str) -> None:
    sheet, faults = one_pagers.read({"answers": {key: value}})
    assert (sheet["answers"][key], faults) == (kept, [])


def test_a_day_reads_as_people_write_it() -> None:
    shown = [
        one_pagers.shown(one_pagers.BY_KEY["answers"]["time_box"], {"time_box": kept})
        for kept in ("2027-03-31", "")
    ]
    assert shown == ["31 Mar 2027", ""]


def test_an_answer_may_be_as_long_as_it_may_be() -> None:
    longest = {"problem": "x" * 2000, "kpi": "x" * 120}
    assert one_pagers.read({"answers": longest}) == ({"answers": longest, "dpia": {}}, [])


def test_an_empty_answer_is_none() -> None:
    read = one_pagers.read({"answers": {"problem": "  ", "users": None}, "dpia": None})
    assert read == ({"answers": {}, "dpia": {}}, [])


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"answers": {"kpi_target": "a lot"}}, "answers.kpi_target"),
        ({"answers": {"kpi_target": float("nan")}}, "answers.kpi_target"),
        ({"answers": {"kpi_target": 10**400}}, "answers.kpi_target"),
        ({"answers": {"time_box": "31.3.2027"}}, "answers.time_box"),
        ({"answers": {"time_box": "2027-02-30"}}, "answers.time_box"),
        ({"answers": {"time_box": datetime(2027, 2, 3, tzinfo=UTC)}}, "answers.time_box"),
        ({"answers": {"personal_data": "perhaps"}}, "answers.personal_data"),
        ({"answers": {"problem": "x" * 2001}}, "answers.problem"),
        ({"answers": {"kpi": "x" * 121}}, "answers.kpi"),
        ({"answers": {"kpi": "two\nlines"}}, "answers.kpi"),
        ({"answers": {"problem": "a\0b"}}, "answers.problem"),
        ({"answers": {"problem": "half \ud800"}}, "answers.problem"),
        ({"answers": {"problem": ["list"]}}, "answers.problem"),
        ({"answers": {"colour": "blue"}}, "answers.colour"),
        ({"dpia": {"lawful_basis": "habit"}}, "dpia.lawful_basis"),
        ({"dpia": ["risks"]}, "dpia"),
        ({"notes": {}}, "notes"),
        ("all of it", ""),
    ],
)
def test_what_makes_no_sense_is_told_by_path(given: Any, path: str) -> None:
    faults = one_pagers.read(given)[1]
    assert [fault["path"] for fault in faults] == [".".join(filter(None, ["one_pager", path]))]


def test_a_time_box_that_is_over_and_a_worse_target_are_told_not_refused() -> None:
    today = date(2026, 11, 22)
    assert one_pagers.warnings(ANSWERS, today) == []
    odd = {**ANSWERS, "time_box": "2026-11-21", "kpi_direction": "higher"}
    assert one_pagers.read({"answers": odd})[1] == []
    over, worse = one_pagers.warnings(odd, today)
    assert over.startswith("The time box is over")
    assert worse.startswith("The target is no better")


def judged(draft: dict[str, Any], given: dict[str, Any], bounds: dict[str, Any], leaves_to: str = "") -> Any:
    state = one_pagers.completeness(given["answers"], given["dpia"], "medium")
    subject = Subject(
        guardrails=bounds,
        live=claims(),
        draft=draft,
        now=datetime(2026, 11, 22, tzinfo=UTC),
        leaves_to=leaves_to,
        one_pager=state,
    )
    return next(one for one in check(subject).checks if one.key == "one_pager")


def test_it_is_reported_always_and_holds_nothing_up_where_nobody_asks_for_it() -> None:
    found = judged(LOOSER, one_pager(problem=None), {})
    assert found.passed
    assert "Missing: problem" in found.evidence


@pytest.mark.parametrize(
    ("draft", "leaves_to", "passes"),
    [
        (LOOSER, "", False),
        (claims() | {"messages": {"review": "Later."}}, "", False),
        (TIGHTER, "", True),
        (claims(), "", False),
        (claims(), "live", False),
        (TIGHTER, "live", False),
        (claims(), "review_all", True),
    ],
)
def test_where_it_is_needed_it_holds_up_all_but_tightening(
    draft: dict[str, Any], leaves_to: str, passes: bool
) -> None:
    assert judged(draft, one_pager(problem=None), NEEDED, leaves_to).passed == passes
    assert judged(draft, one_pager(), NEEDED, leaves_to).passed


def test_whether_it_is_needed_is_true_or_false() -> None:
    assert terms.faults({"one_pager_needed": "yes"})[0]["path"] == "guardrails.one_pager_needed"
