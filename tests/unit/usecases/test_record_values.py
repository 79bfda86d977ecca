"""What an event was and changed, as a page tells it: words, never JSON."""

import ast
from pathlib import Path

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from usecases import record, record_values, terms

FREEZE = {"from": "2026-12-20T00:00:00.123456Z", "until": "2027-01-02T00:00:00Z", "reason": "Year's end"}
QUIET = {"zone": "Europe/Berlin", "hours": [{"days": ["sat", "sun"], "from": "00:00", "until": "24:00"}]}
EDGE = {"lane": [0.7, 0.95], "limit": [0.6, 1.0], "reason": "Spring review."}


def told(old: object, new: object) -> list[tuple[str, str, str]]:
    return [(row.words, row.old, row.new) for row in record_values.rows(old, new)]


def test_guardrails_read_as_their_page_says_them() -> None:
    share = {"limit": [0.02, 1.0], "step": {"at_most": 0.05, "hours": 24}, "reason": ""}
    knobs = {"bands.answer.from": EDGE, "thresholds.audit_share": share}
    terms_after = {
        "freezes": [FREEZE],
        "quiet_hours": QUIET,
        "golden_set": {"name": "core", "at_least": 0.95},
    }
    old = {"knobs": {"bands.answer.from": EDGE}, "models": ["small"]}
    with timezone.override("Europe/Berlin"):
        found = told(old, {"knobs": knobs, "models": ["small", "large"], **terms_after})
    assert found == [
        ("Audited at random", "", "limit 2% to 100%, step at most 5% a day"),
        ("Approved models", "small", "small, large"),
        ("Freezes", "", "20 Dec 2026 01:00 CET to 2 Jan 2027 01:00 CET: Year's end"),
        ("Quiet hours", "", "sat sun 00:00 to 24:00 (Europe/Berlin)"),
        ("The golden set that is needed", "", "“core”, at least 95% of its cases as expected"),
    ]


def test_a_shared_lane_says_knob_by_knob_and_use_case_by_use_case() -> None:
    lane = {"lane": "customer-facing", "bounds": {"knobs": {"bands.answer.from": EDGE}, "approvals": 1}}
    judged = [
        {"name": "Claims", "failing": [{"name": "Inside the hard limits"}], "voided": [], "conflicts": []},
        {"name": "Refunds", "failing": [], "voided": [{"change": 4}], "conflicts": []},
        {"name": "Clerks", "failing": [], "voided": [], "conflicts": []},
    ]
    kept = "Claims: newly outside, Inside the hard limits\nRefunds: change 4 has to be approved anew\nClerks: keeps it"
    assert told(None, lane | {"rechecked": judged}) == [
        ("Lane", "", "customer-facing"),
        ("Answer from", "", "lane 0.70 to 0.95, limit 0.60 to 1.00\n“Spring review.”"),
        ("Approvals past the lane", "", "1"),
        ("Judged anew", "", kept),
    ]


def test_digests_are_left_to_the_proof_and_moments_to_the_readers_clock() -> None:
    golden = {"name": "core", "cases": 1240, "digest": "a" * 64, "pins": {"prompt": "claims@12"}}
    assert told(None, golden) == [("Name", "", "core"), ("Cases", "", "1,240"), ("Prompt", "", "claims@12")]
    with timezone.override("Europe/Berlin"):
        lent = told(None, {"rights": ["approve"], "until": "2026-12-01T20:58:22.621953+00:00"})
    assert lent == [("Rights", "", "approve"), ("Until", "", "1 Dec 2026 21:58 CET")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (0.82, 0.9, ("Answer from", "0.82", "0.90")),
        (None, 0.7, ("Answer from", "", "0.70")),
    ],
)
def test_a_knob_reads_as_on_its_own_page(old: object, new: object, expected: tuple[str, str, str]) -> None:
    assert told({"bands.answer.from": old}, {"bands.answer.from": new}) == [expected]


def test_a_rule_reads_as_its_sentence() -> None:
    rule = {
        "id": "legal",
        "name": "Legal",
        "when": {"any": [{"attribute": "topic", "op": "eq", "value": "legal threat"}]},
        "then": {"action": "escalate", "queue": "legal-desk"},
    }
    [(_, _, new)] = told(None, {"rules.legal": rule})
    assert new == "If topic is legal threat → a person answers, queue legal-desk"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*terms.USUAL, "knobs", "bounds", "state", "status", "rechecked", "document", "lane", "step"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_whatever_was_recorded_once_can_be_shown(old: object, new: object) -> None:
    for row in record_values.rows(old, new):
        assert row.old != row.new or row.old


def test_every_kind_of_event_has_a_name() -> None:
    root, found = Path(record.__file__).parents[1], set()
    for part in ("audit", "console", "routing", "usecases"):
        for source in (root / part).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text())):
                for said in node.keywords if isinstance(node, ast.Call) else []:
                    value = getattr(said.value, "value", None)
                    if said.arg in ("kind", "event") and isinstance(value, str) and "." in value:
                        found.add(value)
    assert len(found) > 40
    assert found - record.KINDS.keys() == set()
