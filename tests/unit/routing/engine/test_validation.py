"""What a document must keep, and how its faults are told: all at once, each with its place and a sentence."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine.baseline import BUILT_IN
from routing.engine.schema import ConfigDocument
from routing.engine.validation import Fault, InvalidDocument, faults, parse
from tests.unit.routing.engine.faulty import CLAIMS, FAULTY, bands, deep, queues, rule
from tests.unit.routing.engine.loading import document, merged

CURATED = document("curated")


@pytest.mark.parametrize("name", ["design_example", "claims", "chat", "curated"])
def test_a_document_without_faults_is_read(name: str) -> None:
    assert faults(document(name)) == []
    assert isinstance(parse(document(name)), ConfigDocument)


def test_the_built_in_baseline_and_a_curated_one_need_no_model() -> None:
    assert faults(BUILT_IN, baseline=True) == []
    assert faults(CURATED, baseline=True) == []


@pytest.mark.parametrize(("changes", "path", "words"), [f[1:] for f in FAULTY], ids=[f[0] for f in FAULTY])
def test_a_fault_is_told_with_its_place_and_what_would_be_right(
    changes: dict[str, Any], path: str, words: str
) -> None:
    found = faults(merged(CLAIMS, changes))
    assert path in [fault.path for fault in found]
    assert words in " ".join(fault.message for fault in found if fault.path == path)
    assert all(fault.message.endswith((".", "?")) for fault in found)


def test_ten_different_faults_are_all_told_at_once() -> None:
    broken = merged(
        CLAIMS,
        {
            "bands": [
                {"name": "answer", "from": 1.85, "action": "answer"},
                {"name": "review", "from": 0.6, "action": "revue", "queue": "nowhere"},
            ],
            "ladder": [{"model": "medium", "accept_from": 0.5}],
            "thresholds": {"audit_share": "5%", "budget": 3},
            "rules": [rule(when={"any": [deep(0), {"attribute": "x", "op": "is"}]}, then={})],
            "queues": [{"name": "claims-desk", "capacity_per_hour": 1, "on_breach": "claims-desk"}],
            "lease": {"seconds": 300, "then": "panic"},
        },
    )
    assert sorted(fault.path for fault in faults(broken)) == [
        "bands[0].from",
        "bands[1].action",
        "bands[1].queue",
        "ladder[0].model",
        "lease.then",
        "queues[0].on_breach",
        "queues[0].sla_minutes",
        "rules[0].then",
        "rules[0].when.any[1].op",
        "thresholds.audit_share",
        "thresholds.budget",
    ]


def test_parse_raises_every_fault() -> None:
    with pytest.raises(InvalidDocument, match=r"schema: .*bands: ") as raised:
        parse({})
    assert raised.value.faults == faults({})
    assert len(raised.value.faults) == 2


@pytest.mark.parametrize("value", [None, True, 7, "text", [], [{}]])
def test_what_is_no_document_has_one_fault(value: object) -> None:
    found = faults(value)
    assert [fault.path for fault in found] == [""]
    assert "must be a group of settings" in found[0].message


def test_a_document_of_more_than_256_kib_is_refused() -> None:
    found = faults(merged(CLAIMS, {"pins": {f"pin-{i}": "x" * 4000 for i in range(70)}}))
    assert found == [Fault("", "The document is 275 KiB large; at most 256 KiB are allowed.")]


def test_a_document_nested_without_end_is_refused_without_recursion() -> None:
    when: dict[str, Any] = {}
    for _ in range(100_000):
        when = {"not": when}
    assert "nested more than 40" in faults(merged(CLAIMS, {"rules": [rule(when=when)]}))[0].message


def test_a_document_made_of_faults_alone_ends_soon() -> None:
    follow = [(f"q{i}", f"q{(i + 1) % 3000}") for i in range(3000)]
    spam = [{f"x{i}": 1 for i in range(15_000)}]
    patterns = [
        rule(id=f"r{i}", when={"attribute": "x", "op": "matches", "value": f"(a{{100}}){{2}}{i}"})
        for i in range(499)
    ]
    begun = time.process_time()
    for broken in (queues(*follow), {"bands": spam}, {"bands": [{"x": 1}] * 20_000}, {"rules": patterns}):
        found = faults(merged(CLAIMS, broken))
        assert 1 <= len(found) <= 200
        assert all(len(fault.path) < 200 and len(fault.message) < 500 for fault in found)
    # Minutes, when each fault cost a look at the whole document.
    assert time.process_time() - begun < 10


def test_an_answer_without_a_model_has_to_be_written() -> None:
    silent = {"ladder": [], "rules": [], "messages": {"answer": " "}}
    assert [fault.path for fault in faults(merged(CLAIMS, silent))] == ["messages.answer"]
    by_rule = {
        **bands(("e", 0.0, "escalate")),
        "messages": {"answer": None},
        "rules": [rule(then={"action": "answer"})],
    }
    assert [fault.path for fault in faults(merged(CURATED, by_rule))] == ["messages.answer"]


def test_a_baseline_asks_no_model() -> None:
    assert faults(CLAIMS) == []
    found = faults(CLAIMS, baseline=True)
    assert sorted(fault.path for fault in found) == ["ladder", "rules[1].then.start"]


def test_null_is_the_same_as_absent_where_a_check_may_be_off() -> None:
    off = dict.fromkeys(CLAIMS["thresholds"])
    parsed = parse(merged(CLAIMS, {"thresholds": off}) | {"thresholds": off})
    assert parsed.thresholds.sensitivity is None
    assert parsed.thresholds.audit_share == 0.0


def test_a_whole_number_may_be_spelled_as_a_fraction() -> None:
    assert parse(merged(CLAIMS, {"lease": {"seconds": 300.0}})).lease.seconds == 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
parts = st.sampled_from(
    [*CLAIMS, "rules.0.when", "rules.0.then", "bands.0.from", "queues.0", "models.0.name"]
)


@given(place=parts, value=json_values)
def test_any_value_anywhere_is_judged_without_an_exception(place: str, value: object) -> None:
    broken = json.loads(json.dumps(CLAIMS))
    holder: Any = broken
    *steps, last = place.split(".")
    for step in steps:
        holder = holder[int(step)] if step.isdigit() else holder[step]
    holder[int(last) if last.isdigit() else last] = value
    if faults(broken) == []:
        assert parse(broken)
