"""What is enforced in each step of the kill switch."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.baseline import BUILT_IN
from routing.engine.digest import digest
from routing.engine.states import effective
from routing.engine.validation import faults
from tests.unit.routing.engine.generated import documents
from tests.unit.routing.engine.loading import document, merged

CLAIMS, CURATED = document("claims"), document("curated")


def test_live_is_the_document() -> None:
    assert effective(CLAIMS, BUILT_IN, "live", "Back soon.") == CLAIMS


def test_review_all_turns_answers_into_reviews_with_a_queue() -> None:
    answering = {
        "id": "r",
        "name": "R",
        "when": {"attribute": "x", "op": "is_set"},
        "then": {"action": "answer"},
    }
    draft = merged(CLAIMS, {"rules": [*CLAIMS["rules"], answering], "thresholds": {"holdout_share": 0.05}})
    reviewed = effective(draft, BUILT_IN, "review_all")
    assert [band["action"] for band in reviewed["bands"]] == ["review", "review", "escalate"]
    assert reviewed["bands"][0]["queue"] == "claims-desk"
    assert reviewed["rules"][-1]["then"] == {"action": "review", "queue": "claims-desk"}
    assert reviewed["rules"][:-1] == CLAIMS["rules"]
    assert reviewed["thresholds"]["holdout_share"] == 0.0


def test_review_all_leaves_a_queue_that_is_already_named() -> None:
    own = [band | {"queue": "legal-desk"} if band["action"] == "answer" else band for band in CLAIMS["bands"]]
    assert effective(CLAIMS | {"bands": own}, BUILT_IN, "review_all")["bands"][0]["queue"] == "legal-desk"


def test_baseline_is_the_baseline() -> None:
    assert effective(CLAIMS, CURATED, "baseline") == CURATED


def test_the_message_takes_the_place_of_every_text_of_the_baseline() -> None:
    said = effective(CLAIMS, CURATED, "baseline", "Back soon.")
    assert said["messages"] == {"answer": "Back soon.", "escalate": "Back soon."}
    assert {key: said[key] for key in said if key != "messages"} == {
        k: CURATED[k] for k in CURATED if k != "messages"
    }


def test_the_message_is_read_even_where_the_baseline_has_no_text() -> None:
    silent = {key: value for key, value in BUILT_IN.items() if key != "messages"}
    assert effective(CLAIMS, silent, "baseline", "Back soon.")["messages"] == {"escalate": "Back soon."}


@settings(max_examples=40)
@given(documents(), documents(), st.sampled_from(["", "Back soon."]))
def test_on_baseline_the_digest_does_not_depend_on_the_document(
    one: dict[str, Any], other: dict[str, Any], message: str
) -> None:
    killed = effective(one, CURATED, "baseline", message)
    assert digest(killed) == digest(effective(other, CURATED, "baseline", message))
    assert faults(killed, baseline=True) == []


@settings(max_examples=40)
@given(documents(), st.sampled_from(["live", "review_all", "baseline"]))
def test_nothing_given_is_changed(draft: dict[str, Any], state: str) -> None:
    before = copy.deepcopy([draft, CURATED])
    enforced = effective(draft, CURATED, state, "Back soon.")
    enforced["bands"][0]["from"] = 0.5
    assert [draft, CURATED] == before


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="no such state"):
        effective(CLAIMS, CURATED, "off")
