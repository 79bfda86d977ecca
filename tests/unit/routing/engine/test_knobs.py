"""The numbers that owners turn, what they are called, and which way is looser."""

import pytest

from routing.engine import knobs
from routing.engine.validation import faults
from tests.unit.routing.engine.loading import document, merged

CLAIMS = document("claims")


def test_a_document_has_its_knobs_in_the_order_of_the_page() -> None:
    assert [(knob.path, knob.value) for knob in knobs.knobs(CLAIMS)] == [
        ("bands.answer.from", 0.85),
        ("bands.review.from", 0.6),
        ("thresholds.cost_per_task_usd", 0.05),
        ("thresholds.latency_s", 8.0),
        ("thresholds.retrieval_score", 0.35),
        ("thresholds.sensitivity", 0.7),
        ("thresholds.audit_share", 0.0),
        ("thresholds.holdout_share", 0.0),
        ("thresholds.daily_budget_usd", 200.0),
        ("rules.vip.answer_from", 0.92),
        ("ladder.small.accept_from", 0.85),
    ]


def test_a_knob_speaks_the_owners_words() -> None:
    told = {knob.path: (knob.label, knob.hint, knob.unit) for knob in knobs.knobs(CLAIMS)}
    assert told["bands.answer.from"] == ("Answer from", "below it: review", "confidence")
    assert told["thresholds.sensitivity"] == ("Sensitivity, at most", "else a person answers", "confidence")
    assert told["thresholds.cost_per_task_usd"][0::2] == ("Cost cap per task", "usd")
    assert told["rules.vip.answer_from"][0] == "“High stakes start large” answers from"


def test_every_knob_is_found_and_turned_by_its_path() -> None:
    for knob in knobs.knobs(CLAIMS):
        assert knobs.is_knob(knob.path)
        assert (knobs.value_at(CLAIMS, knob.path) or 0.0) == knob.value
        assert knob.value is not None
        assert knob.low <= knob.value <= knob.high
        turned = knobs.with_value(CLAIMS, knob.path, 0.61)
        assert knobs.value_at(turned, knob.path) == 0.61
        assert faults(turned) == []
    assert document("claims") == CLAIMS


def test_a_check_that_is_off_has_no_value() -> None:
    bare = merged(CLAIMS, {"thresholds": {"sensitivity": None}})
    del bare["thresholds"]["latency_s"]
    off = {knob.path for knob in knobs.knobs(bare) if knob.value is None}
    assert off == {"thresholds.sensitivity", "thresholds.latency_s"}
    assert knobs.value_at(knobs.with_value(bare, "thresholds.latency_s", 2.0), "thresholds.latency_s") == 2.0


def test_names_may_contain_dots() -> None:
    ladder = {"ladder": [{"model": "gpt-4.1", "accept_from": 0.5}, {"model": "large", "accept_from": 0.0}]}
    assert knobs.value_at(merged(CLAIMS, ladder), "ladder.gpt-4.1.accept_from") == 0.5
    assert knobs.label("ladder.gpt-4.1.accept_from") == "“gpt-4.1” stands from"


def test_a_slider_reaches_beyond_an_unusual_value() -> None:
    rich = merged(CLAIMS, {"thresholds": {"daily_budget_usd": 9000, "audit_share": 0.9}})
    reach = {knob.path: knob.high for knob in knobs.knobs(rich)}
    assert reach["thresholds.daily_budget_usd"] == 18_000
    assert reach["thresholds.audit_share"] == 1.0


@pytest.mark.parametrize(
    ("path", "old", "new", "looser"),
    [
        ("bands.answer.from", 0.85, 0.80, True),
        ("bands.answer.from", 0.85, 0.90, False),
        ("bands.answer.from", 0.85, 0.85, False),
        ("rules.vip.answer_from", 0.9, 0.8, True),
        ("rules.vip.answer_from", 0.8, 0.9, False),
        ("rules.vip.answer_from", 0.9, None, True),
        ("ladder.small.accept_from", 0.8, 0.7, True),
        ("ladder.small.accept_from", 0.7, 0.8, True),
        ("thresholds.cost_per_task_usd", 0.05, 0.06, True),
        ("thresholds.cost_per_task_usd", 0.05, 0.04, False),
        ("thresholds.latency_s", 8, 9, True),
        ("thresholds.daily_budget_usd", 200, 199, False),
        ("thresholds.daily_budget_usd", 200, None, True),
        ("thresholds.daily_budget_usd", None, 200, False),
        ("thresholds.sensitivity", 0.7, 0.8, True),
        ("thresholds.sensitivity", 0.7, 0.6, False),
        ("thresholds.retrieval_score", 0.35, 0.3, True),
        ("thresholds.retrieval_score", 0.35, 0.4, False),
        ("thresholds.audit_share", 0.05, 0.01, True),
        ("thresholds.audit_share", 0.05, None, True),
        ("thresholds.audit_share", None, 0.0, False),
        ("thresholds.audit_share", 0.05, 0.06, False),
        ("thresholds.holdout_share", 0.05, 0.0, True),
    ],
)
def test_a_move_loosens_when_it_answers_more_spends_more_or_checks_less(
    path: str, old: float | None, new: float | None, looser: bool
) -> None:
    assert knobs.loosens(path, old, new) is looser


@pytest.mark.parametrize(
    "path", ["", "bands", "bands.from", "bands.answer.queue", "thresholds.colour", "rules.vip.when"]
)
def test_what_is_no_knob_has_no_value(path: str) -> None:
    assert not knobs.is_knob(path)
    assert knobs.value_at(CLAIMS, path) is None
    assert knobs.label(path) == path
    with pytest.raises(KeyError):
        knobs.with_value(CLAIMS, path, 0.5)


@pytest.mark.parametrize("broken", [None, [], {"bands": {}}, {"bands": [7, {"name": "answer", "from": "x"}]}])
def test_a_draft_with_faults_has_no_value_and_no_exception(broken: object) -> None:
    assert knobs.value_at(broken, "bands.answer.from") is None


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("thresholds.cost_per_task_usd", 0.0405, "$0.0405"),
        ("thresholds.daily_budget_usd", 1200, "$1,200.00"),
        ("thresholds.latency_s", 8.0, "8 s"),
        ("thresholds.audit_share", 0.005, "0.5%"),
        ("bands.answer.from", 0.8, "0.80"),
        ("bands.answer.from", 0.8125, "0.8125"),
        ("thresholds.sensitivity", None, "off"),
    ],
)
def test_a_value_is_written_with_its_unit(path: str, value: float | None, text: str) -> None:
    assert knobs.written(path, value) == text
