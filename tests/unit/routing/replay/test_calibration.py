"""Calibration brings confidence nearer to how often it is right, on labels sampled for it and on no others."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine.calibration import calibrated
from routing.engine.validation import faults
from routing.replay.building import build
from routing.replay.calibration import (
    CalibrationMap,
    calibration_error,
    counting,
    fit,
    labels,
    propose,
    reliability,
    sources,
)
from routing.replay.columns import Columns, Floats
from tests.documents import claims
from tests.unit.routing.replay import real
from tests.unit.routing.replay.desks import desk

ENGINES = ["dialogflow", "luis", "rasa", "haptik", "bert"]


def boastful(count: int, **more: object) -> Columns:
    """Audited answers of a model that says 0.9 or 0.99 and is right half of the time, or four times of five."""
    generator = np.random.default_rng(7)
    sure = generator.random(count) < 0.5
    right = generator.random(count) < np.where(sure, 0.8, 0.5)
    return build(
        {
            "request_id": f"r{i}",
            "at": i,
            "model": "small",
            "tried": [
                {"model": "small", "confidence": 0.99 if sure[i] else 0.9, "cost_usd": 0.001, "latency_ms": 9}
            ],
            "signal": "verbalised",
            "action": "answer",
            "audited": True,
            "audit_share": 0.1,
            "outcome": {"correct": bool(right[i])},
            **more,
        }
        for i in range(count)
    )


@given(
    st.lists(st.tuples(st.floats(0, 1) | st.sampled_from([0.0, 0.5, 0.9, 1.0]), st.booleans()), min_size=1)
)
def test_every_fitted_map_fits_into_a_document_and_never_falls(found: list[tuple[float, bool]]) -> None:
    confidence = np.array([one for one, _ in found])
    line = fit(confidence, np.array([right for _, right in found]))
    assert line is not None
    document = claims()
    document["models"][0]["calibration"] = line.as_part()
    assert faults(document) == []
    lowest = round(float(confidence.min()), 6)
    for below in (lowest * 0.1, lowest * 0.5, lowest - 1e-5):
        if 0 <= below < lowest:
            assert calibrated(line, below) <= below + 1e-9


def test_a_map_says_how_often_each_confidence_was_right() -> None:
    given_labels = labels(boastful(2_000), "small", "verbalised")
    assert (len(given_labels), given_labels.audit, given_labels.desk) == (2_000, 2_000, 0)
    proposal = propose(given_labels)
    assert proposal is not None
    assert calibrated(proposal.line, 0.9) == pytest.approx(0.5, abs=0.04)
    assert calibrated(proposal.line, 0.99) == pytest.approx(0.8, abs=0.04)
    assert proposal.helps
    assert proposal.before > 0.25
    assert proposal.after < 0.06
    assert all(300 < count < 500 for count in np.bincount(given_labels.fold, minlength=5))


def test_what_is_below_all_labels_is_not_lifted() -> None:
    """Only answers are audited: of less sure ones nothing is known, and a flat line would answer them too."""
    modest = fit(np.array([0.8] * 50 + [0.9] * 50), np.array([True] * 95 + [False] * 5))
    assert modest is not None
    assert calibrated(modest, 0.8) > 0.9
    assert calibrated(modest, 0.5) == pytest.approx(0.5)
    assert calibrated(modest, 0.79) == pytest.approx(0.79)
    proud = fit(np.array([0.8, 0.9]), np.array([False, True]))
    assert proud is not None
    assert calibrated(proud, 0.5) == 0.5
    assert calibrated(proud, 0.7) == 0.5


def test_verdicts_on_doubtful_requests_are_never_fitted_on() -> None:
    reviewed = boastful(500, action="review", audited=False, audit_share=0.0)
    found = labels(reviewed, "small", "verbalised")
    assert (len(found), found.desk) == (0, 500)
    assert propose(found) is None
    columns, _ = desk(np.random.default_rng(1), 5_000, live=0.7, audit_share=0.2)
    assert labels(columns, "small", "verbalised").confidence.min() >= 0.7


def test_verdicts_on_some_answers_of_a_log_count_for_nothing() -> None:
    def log(judged: Callable[[int], bool]) -> Columns:
        right = np.random.default_rng(3).random(2_000) < 0.9
        return build(
            {
                "request_id": f"r{i}",
                "at": i,
                "model": "small",
                "tried": [
                    {"model": "small", "confidence": 0.9, "correct": bool(right[i])}
                    if judged(i) or not right[i]
                    else {"model": "small", "confidence": 0.9}
                ],
                "action": "answer",
            }
            for i in range(2_000)
        )

    every = labels(log(lambda place: True), "small", "verbalised")
    assert (len(every), every.census, every.picked) == (2_000, 2_000, 0)
    complaints = labels(log(lambda place: False), "small", "verbalised")
    assert (len(complaints), complaints.census) == (0, 0)
    assert 150 < complaints.picked < 250
    earlier = labels(log(lambda place: place < 1_000), "small", "verbalised", since=0)
    assert len(earlier) == 0


def test_too_few_labels_propose_nothing() -> None:
    assert propose(labels(boastful(99), "small", "verbalised")) is None
    assert propose(labels(boastful(100), "small", "verbalised")) is not None


def test_labels_of_another_source_or_an_older_model_are_left_out() -> None:
    columns = boastful(300)
    assert sources(columns, "small") == ["verbalised"]
    assert len(labels(columns, "small", "logprobs")) == 0
    assert len(labels(columns, "small", "verbalised", since=200)) == 100
    unnamed = boastful(300, signal=None)
    assert len(labels(unnamed, "small", "logprobs")) == 300
    assert len(labels(unnamed, "small", "logprobs", alone=True)) == 0


def test_a_map_that_is_in_force_is_what_a_new_one_has_to_beat() -> None:
    given_labels = labels(boastful(2_000), "small", "verbalised")
    good = CalibrationMap((0.9, 0.99), (0.5, 0.8))
    proposal = propose(given_labels, good)
    assert proposal is not None
    assert proposal.before < 0.06


@pytest.mark.parametrize("engine", ENGINES)
def test_live_chatbots_scores_say_less_than_they_seem_until_they_are_calibrated(engine: str) -> None:
    found = labels(real.decisions("live_chatbots", "bot"), engine, "context")
    proposal = propose(found)
    assert proposal is not None
    assert proposal.after < proposal.before / 2
    assert all(low <= high for low, high in pairwise(proposal.line.calibrated))
    assert sum(bar.labels for bar in reliability(found.confidence, found.right)) == len(found)


def test_confidences_that_are_calibrated_already_are_left_alone() -> None:
    """The authors calibrated these log-probabilities: 300 labels of chance must not be proposed as an improvement."""
    columns = real.decisions("llm_cascades", "dataset", "split")
    for dataset in ("mmlu", "medmcqa"):
        train = real.where(columns, dataset=dataset, split="train")
        for model in columns.names:
            proposal = propose(labels(train, model, "logprobs"))
            assert proposal is not None
            assert not proposal.helps


def test_llms_that_boast_are_mended_on_requests_that_the_map_has_not_seen() -> None:
    """Real answers; each confidence said the way models say it: in steps, from 0.80 up."""
    columns = real.decisions("llm_cascades", "dataset", "split")
    for dataset in ("mmlu", "medmcqa"):
        train, test = (real.where(columns, dataset=dataset, split=split) for split in ("train", "test"))
        for model in columns.names:
            earlier, later = (labels(one, model, "logprobs") for one in (train, test))
            line = fit(_said(earlier.confidence), earlier.right)
            assert line is not None
            before = calibration_error(_said(later.confidence), later.right)
            after = calibration_error(counting(line, _said(later.confidence)), later.right)
            assert after is not None
            assert before is not None
            assert after < before


def _said(confidence: Floats) -> Floats:
    return np.round(0.8 + 0.2 * confidence, 2)
