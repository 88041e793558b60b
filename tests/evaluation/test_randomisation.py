"""Exchanging labels gives exact answers where all ways can be listed, and honest ones where they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.randomisation import (
    randomisation_interval,
    randomisation_p_value,
    relabellings,
    welch_statistic,
)


def labels(units: int, treated: int) -> np.ndarray:
    return np.arange(units) < treated


def test_all_ways_are_listed_when_they_are_few():
    drawn = relabellings(6, 3, 1000, 1)
    assert drawn.exact and len(drawn.treated) == 20 and len({tuple(row) for row in drawn.treated}) == 20
    more = relabellings(61, 11, 500, 1)
    assert not more.exact and (more.treated.sum(axis=1) == 11).all() and len(more.treated) == 500


def test_the_most_extreme_of_twenty_labellings_has_p_of_a_tenth():
    # Three treated above three controls: the labelling itself and its mirror image are as extreme, 2 of 20.
    values = np.array([10.0, 11.0, 12.5, 1.0, 2.0, 3.5])
    assert randomisation_p_value(values, labels(6, 3), relabellings(6, 3, 1000, 1)) == pytest.approx(0.1)


def test_the_statistic_is_welchs():
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(2).normal(100, 3, 20)
    treated = labels(20, 6)
    oracle = stats.ttest_ind(values[treated], values[~treated], equal_var=False).statistic
    assert welch_statistic(values, treated[None, :].astype(float))[0] == pytest.approx(oracle)


def test_twenty_labellings_give_no_interval_at_95_percent():
    answer = randomisation_interval(np.arange(6.0) ** 2, labels(6, 3), relabellings(6, 3, 1000, 1), 0.95)
    assert isinstance(answer, NotComputable) and answer.code == "too_few_labellings"


def test_the_interval_holds_what_the_test_does_not_reject():
    values = np.random.default_rng(5).normal(0, 1, 40) + 2.0 * labels(40, 10)
    treated, drawn = labels(40, 10), relabellings(40, 10, 2000, 1)
    low, high = randomisation_interval(values, treated, drawn, 0.95)
    shifted = [values - effect * treated for effect in (low - 0.02, low + 0.02, high - 0.02, high + 0.02)]
    rejected = [randomisation_p_value(one, treated, drawn) < 0.05 for one in shifted]
    assert rejected == [True, False, False, True]


def test_the_interval_covers_when_the_smaller_group_varies_six_times_as_much():
    generator = np.random.default_rng(6)
    treated, drawn = labels(57, 11), relabellings(57, 11, 500, 1)
    covered = 0
    for _ in range(400):
        values = generator.normal(0, 1, 57) * np.where(treated, 6.0, 1.0) + 0.7 * treated
        low, high = randomisation_interval(values, treated, drawn, 0.95)
        covered += low <= 0.7 <= high
    print(f"coverage {covered / 400:.4f}")
    assert 0.93 <= covered / 400 <= 0.97
