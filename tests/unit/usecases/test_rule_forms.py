"""A rule becomes a form and comes back the same; values keep the kind that they have in recent traffic."""

from typing import Any

import pytest

from tests.documents import CLAIMS
from usecases.rule_forms import (
    Node,
    RuleForm,
    blank,
    from_fields,
    from_rule,
    reshape,
    split,
    to_rule,
    typed,
    written,
)

TEST = {"attribute": "tier", "op": "eq", "value": "vip"}
OTHER = {"attribute": "amount", "op": "between", "value": [10, 50]}


def fields_of(form: RuleForm) -> dict[str, str]:
    """Return what a browser would post of a form."""
    found = {"name": form.name, "then.action": form.action, "then.queue": form.queue}
    found |= {"then.start": form.start, "then.answer_from": form.answer_from}
    for node in form.when.walk():
        if node.kind:
            found[f"{node.path}.kind"] = node.kind
        else:
            for key in ("attribute", "op", "value", "value2"):
                found[f"{node.path}.{key}"] = getattr(node, key)
    return found


@pytest.mark.parametrize(
    "when",
    [
        *(rule["when"] for rule in CLAIMS["rules"]),
        TEST,
        {"all": [TEST, {"any": [OTHER, {"not": {"any": [TEST]}}]}]},
        {"not": {"all": [TEST, OTHER]}},
        {"not": TEST},
        {"all": [{"attribute": "a", "op": "in", "value": ["x, y", "12", 12, True, "true", 'say "no"']}]},
        {"all": [{"attribute": "a", "op": "is_set", "value": False}, {"attribute": "b", "op": "is_set"}]},
        {
            "all": [
                {"attribute": "a", "op": "matches", "value": "^12$"},
                {"attribute": "a", "op": "lt", "value": 1.5},
            ]
        },
        {
            "all": [
                {"attribute": "a", "op": "eq", "value": False},
                {"attribute": "a", "op": "eq", "value": "007"},
            ]
        },
    ],
)
def test_a_rule_comes_back_from_its_form_as_it_was(when: dict[str, Any]) -> None:
    rule = {"id": "r", "name": "R", "when": when, "then": {"start": "large", "answer_from": 0.92}}
    posted = from_fields(fields_of(from_rule(rule)))

    assert posted == from_rule(rule)
    assert to_rule(posted, rule) == rule


def test_conditions_read_anew_mean_the_same() -> None:
    when = {
        "all": [TEST, {"not": {"any": [OTHER]}}, {"attribute": "a", "op": "in", "value": ["12", 12, "x"]}]
    }
    rule = {"id": "r", "name": "R", "when": when, "then": {"action": "review"}}
    assert to_rule(from_rule(rule))["when"] == when


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("10,000", "", 10000),
        ("10,000", "number", 10000),
        ("12", "text", "12"),
        ('"12"', "number", "12"),
        ("true", "", True),
        ("vip", "number", "vip"),
        ("2026-11-01", "", "2026-11-01"),
        ("007", "", 7),
    ],
)
def test_a_value_is_read_by_its_kind_else_by_its_looks(text: str, kind: str, value: Any) -> None:
    assert typed(text, kind) == value
    assert type(typed(text, kind)) is type(value)


@pytest.mark.parametrize(
    "value", ["vip", "12", "true", " x ", "", 12, 1.5, True, "a, b", 'say "no"', "legal threat"]
)
def test_what_is_written_reads_as_the_same_again(value: Any) -> None:
    assert [typed(part) for part in split(written(value, in_list=True))] == [value]


def test_traffic_says_what_kind_a_value_is() -> None:
    form = RuleForm(
        "R", Node("when", "all", (Node("when.0", attribute="postcode", op="in", value="8001, 8002"),))
    )
    kinds = {"postcode": "text"}
    assert to_rule(form, types=kinds)["when"] == {
        "all": [{"attribute": "postcode", "op": "in", "value": ["8001", "8002"]}]
    }


def test_lines_are_added_and_dropped_where_the_button_stands() -> None:
    form = reshape(reshape(blank(), "add:when"), "group:when")
    assert [node.path for node in form.when.walk()] == ["when", "when.0", "when.1", "when.2", "when.2.0"]
    form = reshape(reshape(form, "drop:when.0"), "add:when.1")
    assert [node.path for node in form.when.walk()] == ["when", "when.0", "when.1", "when.1.0", "when.1.1"]


def test_other_words_and_the_root_change_nothing() -> None:
    for words in ("", "read", "drop:when", "add:when.9", "drop:nowhere"):
        assert reshape(blank(), words) == blank()


def test_whatever_is_posted_gives_a_form() -> None:
    deep = {f"when{'.0' * depth}.kind": "any" for depth in range(40)}
    wild = {f"when.{index}.attribute": "a" for index in range(2000)} | {
        "when.kind": "sideways",
        "when.x.op": "?",
    }
    for fields in ({}, deep, wild, {"when.kind": "all", "when.99999999.attribute": "a"}):
        form = from_fields(fields)
        assert form.when.kind in ("all", "any")
        assert len(list(form.when.walk())) <= 201
        to_rule(form)
