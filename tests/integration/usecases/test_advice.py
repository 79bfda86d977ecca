"""Which setting keeps the promise at the least cost, from the labels that may count for it, or what is missing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from tests.documents import claims
from tests.history import ladder
from tests.periods import BOTH, imported
from usecases import advice
from usecases.actions import use_cases, versions
from usecases.models import Promise, UseCase
from usecases.publishing import Refused, latest


@pytest.fixture
def chat(admin: User) -> UseCase:
    """A use case whose document asks a small model, then a large one, and answers from 0.9."""
    return use_cases.create(slug="chat", name="Chat", owner="ops", document=BOTH, by=admin).use_case


@pytest.fixture
def both_periods(chat: UseCase, ops: User, tmp_path: Path) -> UseCase:
    """The same with its real log of two periods."""
    imported(chat, tmp_path, ops)
    return chat


def promise(use_case: UseCase, wrong_at_most: float, **more: Any) -> None:
    Promise.objects.update_or_create(use_case=use_case, defaults={"wrong_at_most": wrong_at_most, **more})


def test_the_loosest_threshold_that_labels_allow_is_advised_with_what_it_saves(
    both_periods: UseCase, ops: User
) -> None:
    promise(both_periods, 0.05)
    found = advice.threshold(use_case=both_periods, document=BOTH, by=ops)
    assert found.document is not None
    assert found.answer_from == found.document["bands"][0]["from"] < 0.9
    assert found.sentence.startswith(
        f"Use {found.answer_from:.2f}: cheapest with at most 5.0% wrong among answered, with 95.0% confidence"
    )
    assert found.certificate["bound"] <= 0.05
    told = found.as_dict()
    assert told["then"]["answered"] > told["now"]["answered"]
    assert told["then"]["cost_usd"] < told["now"]["cost_usd"]
    assert (found.carried, found.within_cost, found.live_already) == (True, None, False)
    json.dumps(found.as_dict(), allow_nan=False)


def test_the_curve_tells_share_answered_and_share_wrong_of_live_and_draft(
    both_periods: UseCase, ops: User
) -> None:
    draft = ladder("small", "large", accept_from=0.8, answer_from=0.815)
    promise(both_periods, 0.05)
    found = advice.curve(use_case=both_periods, document=draft, by=ops)
    assert found["target"] == 0.05
    live, here = found["points"]["live"], found["points"]["draft"]
    assert (live["answer_from"], here["answer_from"]) == (0.9, 0.815)
    assert live in found["live"]
    assert live["low"] < live["wrong"] < live["high"]
    assert here["coverage"] > live["coverage"]
    assert found["points"]["recommended"] in found["draft"]
    assert [point["answer_from"] for point in found["live"]][:3] == [1.0, 0.99, 0.98]
    json.dumps(found, allow_nan=False)


def test_a_whole_ladder_is_advised_and_stands_on_the_frontier(both_periods: UseCase, ops: User) -> None:
    promise(both_periods, 0.05)
    found = advice.ladder(use_case=both_periods, document=BOTH, by=ops)
    assert found.document is not None
    assert {name for name, _ in found.rungs} <= {"small", "large"}
    told = found.as_dict()
    assert told["then"]["cost_usd"] <= told["now"]["cost_usd"]
    drawn = advice.frontier(use_case=both_periods, document=BOTH, by=ops)
    costs = [point["cost_usd"] for point in drawn["frontier"]]
    wrong = [point["wrong"] for point in drawn["frontier"]]
    assert costs == sorted(costs)
    assert wrong == sorted(wrong, reverse=True)
    assert drawn["points"]["live"]["answer_from"] == 0.9
    assert drawn["points"]["recommended"]["cost_usd"] < drawn["points"]["live"]["cost_usd"]


def test_labels_of_another_prompt_count_for_nothing(both_periods: UseCase, ops: User, admin: User) -> None:
    promise(both_periods, 0.05)
    other = BOTH | {"pins": {"prompt": "chat@2"}}
    found = advice.threshold(use_case=both_periods, document=other, by=ops)
    assert found.document is None
    assert found.missing.startswith("Cannot be promised: 59 clean labels from random audits are needed")
    assert found.notes == ("No decision was made yet with this model, prompt and index.",)

    versions.apply(
        use_case=both_periods,
        document=other,
        by=admin,
        reason="",
        expected_version=latest(both_periods).number,
    )
    found = advice.threshold(use_case=both_periods, document=other, by=ops)
    assert found.document is None
    assert found.notes == ("Only decisions since r2 count: it changed model, prompt or index.",)


def test_a_cost_limit_that_cannot_be_kept_is_told(both_periods: UseCase, ops: User) -> None:
    promise(both_periods, 0.05, cost_at_most_usd=0.01)
    assert advice.threshold(use_case=both_periods, document=BOTH, by=ops).within_cost is False
    promise(both_periods, 0.05, cost_at_most_usd=10.0)
    assert advice.threshold(use_case=both_periods, document=BOTH, by=ops).within_cost is True


@pytest.mark.parametrize("ask", [advice.threshold, advice.ladder, advice.curve, advice.frontier])
def test_advice_is_for_whoever_may_see_the_use_case_and_says_every_fault(
    use_case: UseCase, risk: User, stranger: User, ask: Callable[..., Any]
) -> None:
    found = ask(use_case=use_case, document=claims(), by=risk)
    json.dumps(found if isinstance(found, dict) else found.as_dict(), allow_nan=False)
    with pytest.raises(Http404):
        ask(use_case=use_case, document=claims(), by=stranger)
    with pytest.raises(Refused) as refused:
        ask(use_case=use_case, document=claims() | {"bands": []}, window={"days": 0}, by=risk)
    assert [error["path"] for error in refused.value.errors][-1] == "window.days"
