"""Sums, extremes and quantiles of groups against a loop over them, empty groups included."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.insight.learning.grouped import Groups, peer_median

KEY = np.array([0, 0, 0, 2, 2, 3])
VALUES = np.array([3.0, 1.0, 8.0, 5.0, -2.0, 7.0])


def by_loop(make):
    """Each of five groups by a function of its values; NaN where empty."""
    parts = [VALUES[group == KEY] for group in range(5)]
    return np.array([make(part) if len(part) else np.nan for part in parts])


@pytest.mark.parametrize(
    ("name", "make"), [("mean", np.mean), ("deviation", np.std), ("most", np.max), ("least", np.min)]
)
def test_each_figure_is_that_of_its_own_rows(name, make):
    found = getattr(Groups(KEY, 5), name)(VALUES)
    assert found == pytest.approx(by_loop(make), nan_ok=True)


def test_places_and_quantiles_count_within_the_group():
    groups = Groups(KEY, 5)
    assert groups.at(VALUES, 1) == pytest.approx([1, np.nan, -2, np.nan, np.nan], nan_ok=True)
    assert groups.at(VALUES, -1) == pytest.approx(by_loop(lambda part: part[-1]), nan_ok=True)
    low, middle, high = groups.quantiles(VALUES, (0.0, 0.5, 1.0))
    assert low == pytest.approx(by_loop(np.min), nan_ok=True)
    assert middle[0] == 3
    assert high == pytest.approx(by_loop(np.max), nan_ok=True)


def test_a_peer_s_median_is_of_the_rows_with_equal_keys():
    median, count = peer_median([KEY, np.array([0, 0, 1, 0, 0, 0])], VALUES)
    assert count.tolist() == [2, 2, 1, 2, 2, 1]
    assert median.tolist() == [3, 3, 8, 5, 5, 7]
