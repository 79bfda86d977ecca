"""What holds for every document and every request, on generated ones."""

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.baseline import BUILT_IN
from routing.engine.decide import compile_document, decide
from routing.engine.sampling import share
from routing.engine.validation import InvalidDocument, faults
from tests.unit.routing.engine.generated import SHARES, contexts, documents, json_values, signals, states
from tests.unit.routing.engine.interpreter import interpret
from tests.unit.routing.engine.loading import document, merged

CLAIMS, CURATED = document("claims"), document("curated")
ACTIONS = ("answer", "review", "escalate")
baselines = st.sampled_from([BUILT_IN, CURATED])


@settings(max_examples=150)
@given(documents(), baselines, states, st.lists(st.tuples(contexts, signals), min_size=1, max_size=6))
def test_compiled_decides_as_a_plain_interpreter_does(
    draft: dict[str, Any], baseline: dict[str, Any], state: str, requests: list[tuple[Any, Any]]
) -> None:
    assert faults(draft) == []
    compiled = compile_document(draft, state=state, baseline=baseline)
    for context, given_signals in requests:
        decision = compiled.decide(context, given_signals).as_dict()
        expected = interpret(draft, baseline, state, context, given_signals)
        assert {key: decision[key] for key in expected} == expected


@settings(max_examples=80)
@given(documents(), baselines, states, json_values | contexts, json_values | signals)
def test_any_request_is_decided_without_an_exception(
    draft: dict[str, Any], baseline: dict[str, Any], state: str, context: Any, given_signals: Any
) -> None:
    compiled = compile_document(draft, state=state, baseline=baseline)
    decision = compiled.decide(context, given_signals)
    assert decision.action in ACTIONS
    assert json.loads(json.dumps(decision.as_dict()))["digest"] == compiled.digest
    plan = compiled.plan(context, given_signals)
    assert (plan.decided is None) == bool(plan.rungs)
    assert plan.decided in (None, decision)


@settings(max_examples=80)
@given(documents(), st.sampled_from(SHARES), st.lists(st.tuples(contexts, signals), min_size=1, max_size=6))
def test_raising_where_answers_start_never_answers_more(
    draft: dict[str, Any], higher: float, requests: list[tuple[Any, Any]]
) -> None:
    draft = merged(draft, {"thresholds": {"holdout_share": 0.0}})
    raised = [
        band | {"from": max(band["from"], higher)} if band["action"] == "answer" and band["from"] else band
        for band in draft["bands"]
    ]
    tighter = draft | {"bands": raised}
    if faults(tighter):  # two bands met at one edge
        return
    before, after = compile_document(draft), compile_document(tighter)
    for context, given_signals in requests:
        if after.decide(context, given_signals).action == "answer":
            assert before.decide(context, given_signals).action == "answer"


@settings(max_examples=40)
@given(documents(), baselines, contexts, signals)
def test_review_all_answers_nothing(
    draft: dict[str, Any], baseline: dict[str, Any], context: Any, given_signals: Any
) -> None:
    compiled = compile_document(draft, state="review_all", baseline=baseline)
    assert compiled.decide(context, given_signals).action != "answer"


@settings(max_examples=40)
@given(documents(), baselines, json_values | contexts, json_values | signals)
def test_on_baseline_no_model_is_needed(
    draft: dict[str, Any], baseline: dict[str, Any], context: Any, given_signals: Any
) -> None:
    compiled = compile_document(draft, state="baseline", baseline=baseline)
    decided = compiled.plan(context, given_signals).decided
    assert decided is not None
    assert decided.model is None
    assert compiled.text(decided)


@settings(max_examples=40)
@given(documents(), contexts)
def test_a_missing_confidence_is_judged_like_the_lowest(draft: dict[str, Any], context: Any) -> None:
    draft = merged(draft, {"rules": []})
    compiled = compile_document(draft)
    missing, lowest = compiled.decide(context, {}), compiled.decide(context, {"confidence": 0.0})
    assert replace(missing, detail=lowest.detail) == lowest


def test_half_of_a_surrogate_pair_in_an_id_is_drawn_too() -> None:
    sampled = merged(CLAIMS, {"thresholds": {"audit_share": 1.0, "holdout_share": 0.5}})
    assert compile_document(sampled).decide({"request_id": "\ud800"}, {"confidence": 0.9}).action in ACTIONS


def test_the_audited_share_of_many_requests_is_the_share_that_was_set() -> None:
    compiled = compile_document(merged(CLAIMS, {"thresholds": {"audit_share": 0.05}}))
    decisions = [compiled.decide({"request_id": f"request-{i}"}, {"confidence": 0.9}) for i in range(20_000)]
    audited = sum(decision.audited for decision in decisions)
    # Four standard deviations around 1,000.
    assert 876 <= audited <= 1124
    assert {decision.audit_share for decision in decisions} == {0.05}


def test_shares_of_different_purposes_are_independent_and_known() -> None:
    assert share("request-1", "audit") == 0.2594218357259809
    assert share("request-1", "holdout") != share("request-1", "audit")


def test_a_decision_cannot_be_changed() -> None:
    decision = decide(CLAIMS, {}, {"confidence": 0.9})
    with pytest.raises(FrozenInstanceError):
        decision.action = "escalate"  # type: ignore[misc]


def test_a_foreign_model_name_is_not_kept() -> None:
    compiled = compile_document(CLAIMS)
    first = compiled.decide({}, {"confidence": 0.9, "model": "guest"})
    assert first.model == "guest"
    assert compiled.decide({}, {"confidence": 0.9, "model": "guest"}) is not first
    known = compiled.decide({}, {"confidence": 0.9, "model": "small"})
    assert compiled.decide({}, {"confidence": 0.9, "model": "small"}) is known


def test_a_document_changed_after_compiling_changes_nothing() -> None:
    draft = document("claims")
    compiled = compile_document(draft)
    draft["bands"][0]["from"] = 0.99
    draft["rules"].clear()
    assert compiled.decide({}, {"confidence": 0.9}).action == "answer"
    assert compiled.document == CLAIMS


@pytest.mark.parametrize("broken", [{}, {"schema": float("nan")}, {"schema": 1, "bands": [{}]}])
def test_a_faulty_document_decides_nothing(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        decide(broken, {}, {})
    with pytest.raises(InvalidDocument):
        decide(CLAIMS, {}, {}, baseline=broken)
    with pytest.raises(InvalidDocument):
        compile_document(CLAIMS, baseline=CLAIMS)


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="no such state: 'paused'"):
        compile_document(CLAIMS, state="paused")


def test_text_of_a_document_never_becomes_code() -> None:
    evil = '"); import os; ("\n\\'
    when = {"all": [{"attribute": evil, "op": op, "value": evil} for op in ("eq", "contains", "starts_with")]}
    rule = {"id": evil.strip(), "name": evil.strip(), "when": when, "then": {"action": "escalate"}}
    hostile = merged(CLAIMS, {"rules": [rule | {"id": "r", "name": "R"}]})
    hostile["rules"][0]["when"]["all"] = [part | {"attribute": '"); x("'} for part in when["all"]]
    assert compile_document(hostile).decide({'"); x("': evil}, {}).rule == "r"
