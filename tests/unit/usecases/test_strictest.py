"""Of several guardrails the strictest holds: what one of them refuses or wants approved, all together do."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.documents import CLAIMS
from usecases import terms
from usecases.gates import gates
from usecases.golden_gates import judged
from usecases.strictest import Part, combine, said_of, sets_of, steps_of

PATHS = ("bands.answer.from", "thresholds.sensitivity", "thresholds.audit_share")
MODELS = ("openai/gpt-4o-mini", "openai/gpt-4o")
SHARES = st.integers(0, 20).map(lambda twentieth: twentieth / 20)
STRICTNESS = {"open": 0, "lane": 1, "shut": 2}


def ranges() -> st.SearchStrategy[list[float]]:
    return st.tuples(SHARES, SHARES).map(sorted).map(list)


def bounds() -> st.SearchStrategy[dict[str, Any]]:
    bound = st.fixed_dictionaries(
        {},
        optional={
            "lane": ranges(),
            "limit": ranges(),
            "step": st.fixed_dictionaries(
                {"at_most": st.sampled_from([0.02, 0.05, 0.2]), "hours": st.sampled_from([1, 24])}
            ),
        },
    )
    said = {
        "knobs": st.dictionaries(st.sampled_from(PATHS), bound, max_size=3),
        "models": st.lists(st.sampled_from(MODELS), unique=True),
    }
    asked = {
        "approvals": st.integers(0, 5),
        "expire_days": st.integers(1, 90),
        "certificate_needed": st.booleans(),
        "regions": st.lists(st.sampled_from(["eu", "us"]), unique=True),
        "endpoints": st.lists(
            st.sampled_from(["https://a.example", "https://a.example/v1", "b.example"]), unique=True
        ),
        "golden_set": st.fixed_dictionaries(
            {"name": st.sampled_from(["core", "rare"]), "at_least": st.sampled_from([0.5, 0.9])}
        ),
    }
    return st.fixed_dictionaries(said, optional=asked)


def documents() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        _document,
        SHARES,
        SHARES,
        SHARES,
        st.sampled_from([None, "https://a.example", "https://a.example/v1/x", "https://c.example"]),
    )


def _document(answer: float, sensitivity: float, audited: float, address: str | None) -> dict[str, Any]:
    document = copy.deepcopy(CLAIMS)
    document["bands"][0]["from"] = answer
    document["thresholds"] |= {"sensitivity": sensitivity, "audit_share": audited}
    document["models"][0]["api_base"] = address
    return document


def worst(held: dict[str, Any], live: dict[str, Any], draft: dict[str, Any]) -> dict[str, int]:
    """Return how strictly each knob and each model is judged."""
    regions = {"openai/gpt-4o-mini": "eu", "openai/gpt-4o": "us", "a.example": "eu"}
    found: dict[str, int] = {}
    for gate in gates({**held, "model_regions": regions}, live, draft):
        key = gate.path.partition("].")[0]
        found[key] = max(found.get(key, 0), STRICTNESS[gate.status])
    return found


@given(st.lists(bounds(), min_size=2, max_size=3), documents(), documents())
def test_all_together_are_never_looser_than_any_of_them(
    said: list[dict[str, Any]], live: dict[str, Any], draft: dict[str, Any]
) -> None:
    parts = [Part("" if not n else f"L{n}", "" if not n else f"l{n}", one) for n, one in enumerate(said)]
    held, _ = combine(parts)
    together = worst(held, live, draft)
    for one in said:
        for key, strictness in worst(one, live, draft).items():
            assert together.get(key, 0) >= strictness, (key, one, held)
    asked = terms.complete(held)
    for number, one in enumerate(said):
        mine = terms.complete(one) if number == 0 else one
        assert asked["approvals"] >= mine.get("approvals", 0)
        assert asked["expire_days"] <= mine.get("expire_days", 90)
        assert asked["certificate_needed"] or not mine.get("certificate_needed")
        for wanted in sets_of(mine):
            kept = next(held for held in sets_of(asked) if held["name"] == wanted["name"])
            assert kept["at_least"] >= wanted["at_least"]
        for path, bound in one["knobs"].items():
            for step in steps_of(bound):
                kept_steps = steps_of(held["knobs"][path])
                assert any(
                    k["at_most"] <= step["at_most"] and k["hours"] >= step["hours"] for k in kept_steps
                )


def combined(*said: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    names = ["", "EU small models", "Customer-facing"]
    parts = [Part(name, name.lower().replace(" ", "-"), one) for name, one in zip(names, said, strict=False)]
    held, conflicts = combine(parts)
    return held, {one.path: one.message for one in conflicts}


def test_alone_a_use_case_keeps_its_own_words() -> None:
    own = {"knobs": {}, "models": ["a"], "approvals": 2}
    assert combined(own) == (own, {})


def test_a_lane_that_says_nothing_of_approvals_asks_for_none() -> None:
    own = {"knobs": {}, "models": [], "approvals": 0}
    held, _ = combined(own, {"knobs": {}, "models": []})
    assert terms.complete(held)["approvals"] == 0
    held, _ = combined(own, {"knobs": {}, "models": [], "approvals": 1})
    assert terms.complete(held)["approvals"] == 1


def test_ranges_that_share_nothing_are_told_with_who_says_what() -> None:
    own = {"knobs": {PATHS[0]: {"limit": [0.8, 0.9]}}, "models": []}
    lane = {"knobs": {PATHS[0]: {"limit": [0.95, 1.0]}}, "models": []}
    held, conflicts = combined(own, lane)
    assert conflicts == {
        f"knobs.{PATHS[0]}.limit": (
            "Answer from: nothing fits every limit (the use case itself says limit 0.80 to 0.90; "
            "lane “EU small models” says limit 0.95 to 1.00)."
        )
    }
    assert gates(held, CLAIMS, CLAIMS)[0].status == "shut"


def test_a_lane_outside_a_shared_limit_is_a_conflict_too() -> None:
    own = {"knobs": {PATHS[0]: {"lane": [0.5, 0.6]}}, "models": []}
    _, conflicts = combined(own, {"knobs": {PATHS[0]: {"limit": [0.8, 1.0]}}, "models": []})
    assert list(conflicts) == [f"knobs.{PATHS[0]}.lane"]


@pytest.mark.parametrize("key", ["models", "endpoints", "regions"])
def test_where_no_name_is_in_all_lists_nothing_may_be_used(key: str) -> None:
    own, lane = ({"knobs": {}, "models": [], key: [name]} for name in ("a.example", "b.example"))
    held, conflicts = combined(own, lane)
    assert list(conflicts) == [key]
    assert {gate.status for gate in gates(held, CLAIMS, CLAIMS)} == {"shut"}


def test_reasons_say_which_lane_they_are_from() -> None:
    own = {"knobs": {PATHS[0]: {"lane": [0.8, 1.0], "reason": "Spring."}}, "models": []}
    lane = {"knobs": {PATHS[0]: {"lane": [0.85, 1.0], "reason": "Customers read it."}}, "models": []}
    held, _ = combined(own, lane)
    bound = held["knobs"][PATHS[0]]
    assert (bound["lane"], bound["reason"]) == (
        [0.85, 1.0],
        "Spring. Lane “EU small models”: Customers read it.",
    )
    said = said_of([Part("EU", "eu", lane, "risk")], PATHS[0])
    assert [(one.part.set_by, one.lane) for one in said] == [("risk", [0.85, 1.0])]


def test_two_parts_that_disagree_on_a_region_leave_it_unknown() -> None:
    own = {"knobs": {}, "models": [], "regions": ["eu"], "model_regions": {MODELS[0]: "eu", MODELS[1]: "eu"}}
    lane = {"knobs": {}, "models": [], "model_regions": {MODELS[1]: "us"}}
    held, conflicts = combined(own, lane)
    assert list(conflicts) == [f"model_regions.{MODELS[1]}"]
    assert [gate.path for gate in gates(held, CLAIMS, CLAIMS)] == ["models[1].litellm"]


def test_quiet_hours_keep_their_zones_and_approvers_have_to_be_in_every_naming() -> None:
    span = {"days": ["sat"], "from": "00:00", "until": "24:00"}
    own = {"quiet_hours": {"zone": "UTC", "hours": [span]}, "approvers": {"groups": ["risk"]}}
    lane = {"quiet_hours": {"zone": "Europe/Berlin", "hours": [span]}, "approvers": {"people": ["ada"]}}
    held, _ = combined({"knobs": {}, "models": [], **own}, {"knobs": {}, "models": [], **lane})
    assert [one["zone"] for one in held["quiet_hours"]["hours"]] == ["UTC", "Europe/Berlin"]
    assert held["approvers"]["each"] == [{"groups": ["risk"]}, {"people": ["ada"]}]


def test_golden_sets_of_several_names_are_all_asked_for() -> None:
    own = {"knobs": {}, "models": [], "golden_set": {"name": "core", "at_least": 0.9}}
    held, _ = combined(own, {"knobs": {}, "models": [], "golden_set": {"name": "rare", "at_least": 0.8}})
    assert [key for key, *_ in judged(held, [])] == ["golden_set:core", "golden_set:rare"]
