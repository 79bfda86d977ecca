"""Golden sets: cases are decided from recorded signals, as assistants would; a score is told only where it is known."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.documents import CLAIMS, claims
from usecases import golden, golden_files
from usecases.checks import check
from usecases.golden_gates import Standing
from usecases.subjects import Subject

PINS, MODELS = golden.recorded_under(CLAIMS)


def case(
    name: str, small: float, expected: str, large: float | None = 0.95, **attributes: Any
) -> dict[str, Any]:
    reported = {"small": {"confidence": small}}
    reported |= {"large": {"confidence": large}} if large is not None else {}
    signals = {"models": reported}
    return {"id": name, "attributes": attributes, "signals": signals, "expected": {"action": expected}}


CASES = [
    case("1", 0.9, "answer"),
    case("2", 0.5, "escalate", large=0.3),
    case("3", 0.7, "review", large=0.7),
    case("4", 0.99, "escalate", topic="legal threat"),
]


def scored(document: dict[str, Any], cases: list[dict[str, Any]] = CASES) -> golden.Score:
    return golden.score(document, cases, PINS, MODELS)


def test_the_ladder_is_climbed_over_what_was_recorded() -> None:
    assert scored(CLAIMS) == golden.Score(4, 4)
    named = CASES[0] | {"expected": {"action": "answer", "model": "large"}}
    (failing,) = scored(CLAIMS, [named]).failing
    assert (failing.expected, failing.got) == ("answer, model large", "answer, model small")


def test_a_case_that_comes_out_otherwise_is_told_with_the_reason() -> None:
    found = scored(claims(answer_from=0.65))
    assert (found.right, found.share) == (3, 0.75)
    (failing,) = found.failing
    assert (failing.case, failing.expected, failing.got) == ("3", "review", "answer")
    assert failing.why


def test_random_shares_decide_nothing() -> None:
    assert scored(claims(holdout_share=1.0, audit_share=1.0)).right == 4


def test_under_another_prompt_index_source_of_confidence_or_model_the_score_is_not_known() -> None:
    assert scored(claims() | {"confidence": {"source": "logprobs"}}).gap == (
        "Its signals were recorded under confidence source “verbalised”; here it is “logprobs”."
    )
    assert "here it is “context”" in scored({k: v for k, v in CLAIMS.items() if k != "confidence"}).gap
    prompt = claims()
    prompt["pins"]["prompt"] = "claims-summary@13"
    assert scored(prompt).gap == (
        "Its signals were recorded under prompt “claims-summary@12”; here it is “claims-summary@13”."
    )
    model = claims()
    model["models"][0]["litellm"] = "openai/gpt-5"
    assert "another model than “small”" in scored(model).gap
    elsewhere = claims()
    elsewhere["models"][0]["api_base"] = "https://eu.example.com/openai"
    assert "another model than “small”" in scored(elsewhere).gap
    pins, models = golden.recorded_under(CLAIMS)
    del pins["retrieval_index"]
    assert golden.score(CLAIMS, CASES, pins, models).gap == (
        "Its signals were recorded under retrieval index none; here it is “policies@2026-11-01”."
    )
    unused = claims()
    unused["models"].append({"name": "spare", "litellm": "openai/o1"})
    assert scored(unused).gap == ""


def test_a_case_that_asks_what_was_not_recorded_has_no_score() -> None:
    assert scored(CLAIMS, [case("9", 0.2, "escalate", large=None)]).gap == (
        "Case 9 asks “large”, of which it records nothing."
    )


def test_a_caller_s_own_confidence_is_judged_where_the_document_asks_for_it() -> None:
    own = claims() | {"confidence": {"source": "context"}, "ladder": [], "rules": []}
    own["messages"]["answer"] = "It is in work."
    reported = {
        "id": "1",
        "signals": {"model": "small", "confidence": 0.9},
        "expected": {"action": "answer"},
    }
    assert golden.score(own, [reported], *golden.recorded_under(own)).right == 1


def standing(document: dict[str, Any], at_least: float, live: dict[str, Any] = CLAIMS) -> dict[str, str]:
    asked = {"knobs": {}, "models": [], "golden_set": {"name": "core", "at_least": at_least}}
    held = [Standing("core", scored(document))]
    now = datetime(2026, 11, 20, tzinfo=UTC)
    found = check(Subject(guardrails=asked, live=live, draft=document, now=now, golden=held)).checks
    return next(one for one in found if one.key == "golden_set").as_dict()


def test_the_gate_tells_the_score_what_is_needed_and_which_cases_fail() -> None:
    gate = standing(claims(answer_from=0.65), 0.95)
    assert (gate["status"], gate["evidence"]) == (
        "failed",
        "75.0% of 4 cases as expected; 95% needed; failing: case 3 expected review, got answer.",
    )
    assert standing(claims(answer_from=0.65), 0.75)["status"] == "passed"


def test_a_score_that_is_not_known_waits_and_says_what_would_give_one() -> None:
    other = claims(answer_from=0.84)
    other["pins"]["prompt"] = "claims-summary@13"
    gate = standing(other, 0.5)
    assert (gate["status"], gate["evidence"][:13]) == ("waiting", "Not knowable:")
    assert gate["clear"] == "Run it under the new prompt and models, and upload its signals."


def test_tightening_goes_live_whatever_the_score() -> None:
    gate = standing(claims(answer_from=0.96), 1.0)
    assert (gate["status"], gate["evidence"].endswith("Tightening may go live all the same.")) == (
        "passed",
        True,
    )


CSV = """id,attributes.topic,attributes.amount,signals.models.small.confidence,signals.sensitivity,expected.action
1,legal threat,12.5,0.9,,escalate
2,,3,0.4,0.1,review
"""


def test_a_case_reads_the_same_from_every_kind_of_file() -> None:
    cases = golden_files.read(CSV, "cases.csv")
    assert cases[0] == {
        "id": "1",
        "attributes": {"topic": "legal threat", "amount": 12.5},
        "signals": {"models": {"small": {"confidence": 0.9}}},
        "expected": {"action": "escalate"},
    }
    lines = "\n".join(json.dumps(one) for one in cases)
    assert golden_files.read(lines) == cases
    assert golden_files.read(json.dumps({"cases": cases}), "cases.json") == cases
    assert golden_files.faults(cases) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,colour\n1,red", "no column “colour” is known"),
        ("expected.action\nanswer", "there is no column “id”"),
        ('{"id": "1"}\n{oops', "Row 2 is no JSON"),
        ("[1, 2", "no JSON"),
        ('{"cases": 3}', "Row 1"),
    ],
)
def test_a_file_that_is_no_list_of_cases_says_where_it_stops_making_sense(text: str, words: str) -> None:
    try:
        found = golden_files.faults(golden_files.read(text))[0]["message"]
    except golden_files.Unreadable as refusal:
        found = str(refusal)
    assert words in found


def test_every_fault_is_named_by_row_and_field() -> None:
    wrong = [
        case("1", 0.9, "answer"),
        {"id": "1", "expected": {"action": "shrug", "colour": "red"}, "extra": 1},
        {"id": "", "attributes": 3, "signals": {"models": {"small": {"confidence": "high"}}}},
    ]
    found = {one["path"]: one["message"] for one in golden_files.faults(wrong)}
    assert (
        found["cases[1].expected.action"] == "Row 2, expected.action: has to be answer, review or escalate."
    )
    assert {
        "cases[1].id",
        "cases[1].extra",
        "cases[2].id",
        "cases[2].attributes",
        "cases[2].expected",
    } <= set(found)
    assert "cases[2].signals.models.small.confidence" in found


@pytest.mark.parametrize("name", ["deep.json", "deep.jsonl"])
def test_a_file_that_is_nested_without_end_is_refused_as_one_that_cannot_be_read(name: str) -> None:
    with pytest.raises(golden_files.Unreadable, match="is no JSON"):
        golden_files.read("[" * 100_000, name)
    cell = golden_files.read(f"id,signals.note\n1,{'[' * 100_000}", "deep.csv")[0]["signals"]["note"]
    assert cell == "[" * 100_000
