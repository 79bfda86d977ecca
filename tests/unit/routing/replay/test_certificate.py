"""Certificates keep their promise: exactly, against an oracle, and over thousands of simulated calibrations."""

import numpy as np
import pytest
from scipy.stats import beta, binom

from routing.replay.binomial import clopper_pearson, labels_needed, p_values, upper_bound
from routing.replay.certificate import GRID, Promise, Watch, learn_then_test, subject
from routing.replay.columns import Floats, Mask
from tests.documents import claims

MAPIE_GRID = np.round(np.arange(0.50, 0.91, 0.05), 2)


@pytest.mark.parametrize(("alpha", "labels"), [(0.05, 59), (0.02, 149), (0.01, 299)])
def test_clean_labels_needed_at_95_percent(alpha: float, labels: int) -> None:
    assert labels_needed(alpha, 0.05) == labels


@pytest.mark.parametrize("wrong", [0, 1, 3, 17])
def test_one_label_less_is_not_enough(wrong: int) -> None:
    needed = labels_needed(0.03, 0.1, wrong)
    assert binom.cdf(wrong, needed, 0.03) <= 0.1 < binom.cdf(wrong, needed - 1, 0.03)


def test_bounds_are_clopper_and_pearsons() -> None:
    for k, n in [(0, 59), (3, 200), (59, 59), (10, 25)]:
        assert p_values(k, n, 0.05) == pytest.approx(binom.cdf(k, n, 0.05), rel=1e-9)
        high = 1.0 if k == n else beta.ppf(0.95, k + 1, n - k)
        assert upper_bound(k, n, 0.05) == pytest.approx(high, rel=1e-9)
        low = 0.0 if k == 0 else beta.ppf(0.025, k, n - k + 1)
        assert clopper_pearson(k, n).low == pytest.approx(low, rel=1e-9)


def test_too_few_labels_are_told_as_such() -> None:
    found = learn_then_test(np.full(63, 0.9), np.zeros(63, np.bool_), Promise(0.02))
    assert not found.holds
    assert found.sentence() == "149 clean labels needed, you have 63."


def test_a_certificate_says_for_what_it_holds() -> None:
    found = learn_then_test(np.full(412, 0.9), np.arange(412) < 2, Promise(0.02), subject=subject(claims()))
    assert found.answer_from == 0.0
    assert found.sentence() == (
        "At most 2.0% wrong among answered, with 95.0% confidence, from 412 labels, "
        "model small (openai/gpt-4o-mini) > large (openai/gpt-4o), prompt claims-summary@12, "
        "index policies@2026-11-01."
    )


def test_it_is_void_when_model_prompt_or_index_change() -> None:
    found = learn_then_test(
        np.full(412, 0.9), np.zeros(412, np.bool_), Promise(0.02), subject=subject(claims())
    )
    assert found.void(subject(claims(answer_from=0.7))) == ""
    changed = claims()
    changed["pins"]["prompt"] = "claims-summary@13"
    assert found.void(subject(changed)) == (
        "No longer supported: prompt is claims-summary@13, was claims-summary@12."
    )


def test_too_many_wrong_cannot_be_promised() -> None:
    found = learn_then_test(np.full(400, 0.9), np.arange(400) % 10 == 0, Promise(0.02))
    assert found.sentence().startswith("Cannot be promised: 40 of 400 labels at 0.90 or above are wrong.")
    assert found.needed > 2_000


def test_the_sequence_stops_at_the_first_failure() -> None:
    confidence = np.concatenate([np.full(300, 0.9), np.full(100, 0.8), np.full(9_000, 0.7)])
    wrong = np.zeros(len(confidence), np.bool_)
    wrong[300:350] = True  # bad between 0.8 and 0.9; below it so much good that the average would pass again
    found = learn_then_test(confidence, wrong, Promise(0.05))
    assert found.answer_from == 0.81
    assert found.tested[-1] == 0.8


def _draws(random: np.random.Generator, count: int) -> tuple[Floats, Mask]:
    """Draw confidences and errors; the error among answered falls smoothly as the threshold rises."""
    confidence = random.beta(6, 2, count)
    return confidence, random.random(count) < 1.2 * (1 - confidence) ** 2


def test_over_2000_calibrations_the_promise_is_broken_no_more_often_than_delta_allows() -> None:
    random = np.random.default_rng(20_261_122)
    confidence, wrong = _draws(random, 2_000_000)
    order = np.argsort(-confidence)
    risk = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    above = np.searchsorted(-confidence[order], [-g for g in GRID], "right")
    truth = {g: (risk[n - 1] if n else 0.0) for g, n in zip(GRID, above, strict=True)}
    broken = found = 0
    for _ in range(2_000):
        certificate = learn_then_test(*_draws(random, 600), Promise(0.06, 0.10))
        if certificate.answer_from is not None:
            found += 1
            broken += bool(truth[certificate.answer_from] > 0.06)
    assert found > 1_500
    assert broken / 2_000 <= 0.10


@pytest.mark.filterwarnings("ignore:Fixed sequence testing")
@pytest.mark.filterwarnings("ignore:All provided predict_params control")
def test_mapie_comes_to_the_same_threshold() -> None:
    from mapie.risk_control import BinaryClassificationController, precision

    random = np.random.default_rng(7)
    agreed = 0
    for _ in range(15):
        confidence, wrong = _draws(random, 1_500)
        controller = BinaryClassificationController(
            predict_function=lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
            risk=precision,
            target_level=0.94,
            confidence_level=0.9,
            fwer_method="fixed_sequence",
            list_predict_params=MAPIE_GRID[::-1],
        )
        controller.calibrate(confidence[:, None], (~wrong).astype(int))
        ours = learn_then_test(confidence, wrong, Promise(0.06, 0.1), grid=MAPIE_GRID.tolist())
        theirs = controller.valid_predict_params
        loosest = min(theirs) if len(theirs) else None
        # MAPIE's rounding makes some p-values larger: it may be stricter, never looser.
        assert loosest is None or (ours.answer_from is not None and ours.answer_from <= loosest + 1e-9)
        agreed += loosest == ours.answer_from
    assert agreed >= 10


@pytest.mark.parametrize("bet", [0.0, 1 / 0.95, 2.0])
def test_a_bet_that_could_turn_evidence_negative_is_refused(bet: float) -> None:
    with pytest.raises(ValueError, match="bet"):
        Watch(Promise(0.05), bet)


def test_watching_every_night_breaks_the_promise_no_more_often_than_delta_allows() -> None:
    random = np.random.default_rng(3)
    errors = random.random((2_000, 1_000)) < 0.0501
    evidence = np.cumsum(np.where(errors, np.log1p(0.42 * -0.95), np.log1p(0.42 * 0.05)), axis=1)
    assert (evidence.max(axis=1) >= np.log(20)).mean() <= 0.05
    assert Watch(Promise(0.05)).after(errors[0].tolist()).log_evidence == pytest.approx(evidence[0, -1])


@pytest.mark.parametrize(("rate", "median"), [(0.03, 476), (0.02, 272), (0.01, 196)])
def test_labels_until_the_watch_certifies(rate: float, median: int) -> None:
    random = np.random.default_rng(5)
    errors = random.random((1_000, 4_000)) < rate
    evidence = np.cumsum(np.where(errors, np.log1p(0.42 * -0.95), np.log1p(0.42 * 0.05)), axis=1)
    first = np.argmax(evidence >= np.log(20), axis=1) + 1
    assert np.median(first) == pytest.approx(median, rel=0.12)


def test_the_watch_is_live_and_turns_round_for_reverts() -> None:
    watch = Watch(Promise(0.05)).after([False] * 200)
    assert watch.speaks
    assert not watch.after([True] * 5).speaks
    alarm = Watch(Promise(0.05), bet=2.0, towards="revert").after([True] * 5)
    assert alarm.speaks
    assert not alarm.after([False] * 60).speaks
