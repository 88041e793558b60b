"""Shares of a count, and how sure they are."""

import pytest
from scipy.stats import binomtest

from gridloop.domain.share import wilson_interval


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(("part", "whole"), [(0, 20), (1, 258), (4, 258), (8, 10), (200, 200), (77, 10_000)])
def test_the_interval_is_that_of_scipy(part, whole, confidence):
    told = binomtest(part, whole).proportion_ci(confidence, method="wilson")

    assert wilson_interval(part, whole, confidence) == pytest.approx((told.low, told.high), abs=1e-12)


def test_the_interval_by_the_book():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_none_and_all_end_exactly():
    assert wilson_interval(0, 20)[0] == 0.0
    assert wilson_interval(20, 20)[1] == 1.0


def test_nothing_is_known_where_nothing_was_counted():
    assert wilson_interval(0, 0) == (0.0, 1.0)
