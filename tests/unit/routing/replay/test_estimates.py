"""The bound that a reader is shown beside an error: one-sided, and never lower than what labels allow."""

import pytest

from routing.replay.binomial import upper_bound
from routing.replay.columns import AUDIT, CENSUS, NO_LABEL
from routing.replay.estimates import Group, at_most, share


def test_149_clean_labels_say_at_most_two_percent() -> None:
    assert at_most([Group(CENSUS, 149, 149, 0)]) == pytest.approx(0.02, abs=1e-4)


def test_the_bound_leaves_out_five_of_a_hundred_samples_not_two_and_a_half() -> None:
    groups = [Group(CENSUS, 400, 400, 12)]
    bound = at_most(groups)
    assert bound == pytest.approx(upper_bound(12, 400, 0.05))
    high = share(groups).high
    assert high is not None
    assert bound is not None
    assert bound < high


def test_audited_rows_are_weighted_and_what_nobody_labelled_counts_as_wrong() -> None:
    groups = [Group(AUDIT, 900, 90, 2), Group(CENSUS, 100, 100, 5)]
    alone, with_lost = at_most(groups), at_most(groups, lost=50)
    estimate = share(groups)
    assert alone is not None
    assert with_lost is not None
    assert estimate.value is not None
    assert estimate.value < alone < with_lost
    assert with_lost > 50 / 1050


def test_past_a_tenth_without_labels_there_is_no_bound() -> None:
    assert at_most([Group(CENSUS, 80, 80, 0), Group(NO_LABEL, 20, 0, 0)]) is None
    assert at_most([]) is None
