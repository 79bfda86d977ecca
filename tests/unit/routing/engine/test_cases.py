"""Golden cases: one request, one document, one expected decision. Each file says in its title what it shows."""

from typing import Any

import pytest

from routing.engine.decide import Plan, compile_document, decide
from routing.engine.digest import digest
from routing.engine.states import effective
from tests.unit.routing.engine.loading import cases, document

CASES = cases()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_case_is_decided_as_written(case: dict[str, Any]) -> None:
    draft = document(case["document"], case.get("with"))
    baseline = document(case["baseline"], case.get("baseline_with")) if "baseline" in case else None
    standing = {"state": case.get("state", "live"), "baseline": baseline, "message": case.get("message", "")}
    compiled = compile_document(draft, version=7, **standing)
    decision = compiled.decide(case["context"], case["signals"])
    assert {key: decision.as_dict()[key] for key in case["expect"]} == case["expect"]
    assert decision == decide(draft, case["context"], case["signals"], version=7, **standing)
    assert decision.version == 7
    assert decision.digest == compiled.digest == digest(compiled.document)
    assert decision.detail.endswith(".")
    if baseline is not None:
        assert compiled.document == effective(draft, baseline, compiled.state, standing["message"])
    if "text" in case:
        assert compiled.text(decision) == case["text"]
    if "plan" in case:
        plan = compiled.plan(case["context"], case["signals"])
        assert plan == _expected(case["plan"], decision)


def _expected(plan: dict[str, Any], decision: Any) -> Plan:
    """A plan either decides as `decide` does, or names the models to ask."""
    if plan.get("decided"):
        return Plan(decision)
    return Plan(None, tuple((model, accept_from) for model, accept_from in plan["rungs"]))


def test_there_is_a_case_for_every_operator_reason_and_state() -> None:
    text = str(list(CASES.values()))
    words = [
        "eq",
        "ne",
        "in",
        "not_in",
        "lt",
        "lte",
        "gt",
        "gte",
        "between",
        "contains",
        "starts_with",
        "matches",
        "is_set",
    ]
    words += ["TARGETING_MATCH", "DEFAULT", "SPLIT", "DISABLED", "ERROR", "review_all", "baseline"]
    assert [word for word in words if f"'{word}'" not in text] == []
