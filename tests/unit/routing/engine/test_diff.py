"""What is different between two documents, and how it is told."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings

from routing.engine.describe import (
    condition_parts,
    difference_sentence,
    rule_names,
    rule_sentence,
    without_points,
)
from routing.engine.diff import Difference, changes
from routing.engine.validation import parse
from tests.unit.routing.engine.generated import documents, json_values
from tests.unit.routing.engine.loading import document, merged

CLAIMS = document("claims")
MAP = {"reported": [0.5, 0.9], "calibrated": [0.4, 0.8]}
RULES = CLAIMS["rules"]


def told(draft: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found.path, difference_sentence(found)) for found in changes(CLAIMS, draft)]


def changed(part: str, index: int, **values: Any) -> dict[str, Any]:
    """The claims document with one entry of a list changed."""
    entries = copy.deepcopy(CLAIMS[part])
    entries[index] |= values
    return {part: entries}


NEW_RULE = {
    "id": "foreign",
    "name": "Foreign languages",
    "when": {"all": [{"attribute": "language", "op": "not_in", "value": ["en", "de"]}]},
    "then": {"start": "large"},
}
TOLD: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (changed("bands", 0, **{"from": 0.8}), [("bands.answer.from", "Answer from 0.80 instead of 0.85")]),
    (
        changed("bands", 1, queue="legal-desk"),
        [("bands.review.queue", "Band “review”, queue “legal-desk” instead of “claims-desk”")],
    ),
    ({"bands": CLAIMS["bands"][::2]}, [("bands.review", "Band “review” removed")]),
    (
        {"bands": [*CLAIMS["bands"], {"name": "low", "from": 0.2, "action": "review"}]},
        [("bands.low", "Band “low” added: a person reviews from 0.20")],
    ),
    (
        {"thresholds": {"cost_per_task_usd": 0.04}},
        [("thresholds.cost_per_task_usd", "Cost cap per task $0.04 instead of $0.05")],
    ),
    (
        {"thresholds": {"sensitivity": None}},
        [("thresholds.sensitivity", "Sensitivity, at most off instead of 0.70")],
    ),
    (
        {"thresholds": {"audit_share": 0.05}},
        [("thresholds.audit_share", "Audited at random 5% instead of 0%")],
    ),
    ({"rules": RULES[::-1]}, [("rules", "Rules in a new order: vip, legal")]),
    (changed("rules", 0, enabled=False), [("rules.legal.enabled", "Rule “legal” switched off")]),
    (
        changed("rules", 1, then={"start": "large", "answer_from": 0.95}),
        [("rules.vip.answer_from", "Rule “vip” answers from 0.95 instead of 0.92")],
    ),
    (
        changed("rules", 1, then={"answer_from": 0.92}),
        [("rules.vip.start", "Rule “vip”, first model nothing instead of “large”")],
    ),
    (
        changed("rules", 0, when={"attribute": "amount", "op": "gte", "value": 5000}),
        [("rules.legal.when", "Rule “legal” applies to other requests: If amount is at least 5,000")],
    ),
    (
        {"rules": [*RULES, NEW_RULE]},
        [("rules.foreign", "Rule “foreign” added: If language is not en, de → large first")],
    ),
    ({"ladder": CLAIMS["ladder"][::-1]}, [("ladder", "Ladder steps in a new order: large, small")]),
    (
        changed("models", 0, timeout_s=5.0),
        [("models.small.timeout_s", "Model “small”, waits, in seconds, 5 instead of 8")],
    ),
    (
        changed("models", 0, calibration=MAP),
        [("models.small.calibration", "Model “small”: its confidence is recalibrated")],
    ),
    (
        changed("queues", 0, on_breach=None),
        [
            (
                "queues.claims-desk.on_breach",
                "Queue “claims-desk”, hands late cases to nothing instead of “claims-senior”",
            )
        ],
    ),
    (
        {"messages": {"escalate": "Soon."}},
        [("messages.escalate", "Customers read, when a person answers: “Soon.”")],
    ),
    (
        {"messages": {"escalate": None}},
        [("messages.escalate", "Customers read, when a person answers: no text of its own any more")],
    ),
    (
        {"pins": {"prompt": "claims@13"}},
        [("pins.prompt", "Prompt “claims@13” instead of “claims-summary@12”")],
    ),
    ({"lease": {"then": "hold"}}, [("lease.then", "After running alone “hold” instead of “baseline”")]),
]


@pytest.mark.parametrize(("draft", "expected"), TOLD, ids=[expected[0][1] for _, expected in TOLD])
def test_a_difference_is_found_by_name_and_told_in_words(
    draft: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert told(merged(CLAIMS, draft)) == expected


def test_the_same_document_has_no_differences_however_it_is_written() -> None:
    assert changes(CLAIMS, parse(CLAIMS).model_dump(by_alias=True)) == []
    assert changes(CLAIMS, CLAIMS | {"bands": CLAIMS["bands"][::-1]}) == []


@settings(max_examples=40)
@given(documents(), documents())
def test_differences_turn_round(one: dict[str, Any], other: dict[str, Any]) -> None:
    forth, back = changes(one, other), changes(other, one)
    assert sorted((d.path, str(d.old), str(d.new)) for d in forth) == sorted(
        (d.path, str(d.new), str(d.old)) for d in back
    )
    assert changes(one, one) == []


@settings(max_examples=40)
@given(json_values, json_values)
def test_drafts_with_faults_are_compared_and_told_too(one: Any, other: Any) -> None:
    for draft in (
        one,
        other,
        merged(CLAIMS, {"rules": one, "bands": other}),
        merged(CLAIMS, {"rules": [one]}),
    ):
        assert all(difference_sentence(found) for found in changes(CLAIMS, draft))


def test_entries_that_share_a_name_are_compared_as_a_whole() -> None:
    doubled = CLAIMS | {"rules": RULES * 2}
    found = changes(CLAIMS, doubled)
    assert [(one.path, difference_sentence(one)) for one in found] == [("rules", "Rules changed")]


def test_rules_are_called_by_the_names_that_people_gave_them() -> None:
    turned = merged(CLAIMS, changed("rules", 0, enabled=False))
    names = rule_names(turned, CLAIMS)
    assert [difference_sentence(found, names) for found in changes(CLAIMS, turned)] == [
        "Rule “Legal threats go to people” switched off"
    ]
    assert rule_names(None, {"rules": [7, {"id": []}]}) == {}


def test_a_map_that_changes_or_goes_is_told_without_its_points() -> None:
    mapped = merged(CLAIMS, changed("models", 0, calibration=MAP))
    other = merged(CLAIMS, changed("models", 0, calibration=MAP | {"calibrated": [0.2, 0.8]}))
    assert [difference_sentence(d) for d in changes(mapped, other)] == [
        "Model “small”: its confidence is recalibrated anew"
    ]
    assert [difference_sentence(d) for d in changes(mapped, CLAIMS)] == [
        "Model “small”: its confidence counts as reported again"
    ]
    assert without_points(mapped["models"][0])["calibration"] == "calibration map of 2 points"
    assert without_points([{"reported": [0.1]}, None]) == [{"reported": [0.1]}, None]


def test_an_unknown_difference_is_told_by_its_path() -> None:
    assert difference_sentence(Difference("pins.tone", "warm", "dry")) == "pins.tone “dry” instead of “warm”"


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ({"attribute": "topic", "op": "ne", "value": "x"}, "topic is not x"),
        ({"attribute": "topic", "op": "in", "value": ["a", "b"]}, "topic is a, b"),
        ({"attribute": "claim_amount", "op": "lt", "value": 0.5}, "claim amount is under 0.50"),
        ({"attribute": "n", "op": "between", "value": [1, 20_000]}, "n is between 1 and 20,000"),
        ({"attribute": "n", "op": "matches", "value": "^a"}, "n matches ^a"),
        ({"attribute": "n", "op": "is_set"}, "n has a value"),
        ({"attribute": "n", "op": "is_set", "value": False}, "n has no value"),
        ({"not": {"attribute": "vip", "op": "eq", "value": True}}, "not (vip is yes)"),
        (
            {
                "all": [
                    {"attribute": "a", "op": "is_set"},
                    {"any": [{"attribute": "b", "op": "is_set"}, {"attribute": "c", "op": "is_set"}]},
                ]
            },
            "a has a value and (b has a value or c has a value)",
        ),
    ],
)
def test_a_condition_reads_as_a_sentence(when: dict[str, Any], sentence: str) -> None:
    rule = {"id": "r", "name": "R", "when": when, "then": {"action": "escalate", "queue": "desk"}}
    assert rule_sentence(rule) == f"If {sentence} → a person answers, queue desk"


def test_a_rule_reads_the_same_from_json_and_from_the_model() -> None:
    sentence = "If amount is over 10,000 or tier is vip → large first, answer from 0.92"
    assert rule_sentence(RULES[1]) == rule_sentence(parse(CLAIMS).rules[1]) == sentence
    assert "Large model first" in rule_sentence(RULES[1], {"large": "Large model"})


def test_a_page_can_set_attributes_and_values_off() -> None:
    assert [tuple(piece) for piece in condition_parts(RULES[1]["when"])] == [
        ("attribute", "amount"),
        ("word", "is over"),
        ("value", "10,000"),
        ("word", "or"),
        ("attribute", "tier"),
        ("word", "is"),
        ("value", "vip"),
    ]


@settings(max_examples=40)
@given(documents())
def test_every_rule_of_every_document_reads_as_a_sentence(draft: dict[str, Any]) -> None:
    for rule in draft["rules"]:
        assert rule_sentence(rule).startswith("If ")
