"""Moments of parts add up to the moments of the whole."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.evaluation.moments import Moments, total

pairs = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3)), max_size=30)


def of_pairs(rows) -> Moments:
    return Moments.of([x for x, _ in rows], [y for _, y in rows])


@given(pairs, pairs, pairs)
def test_parts_add_up_in_any_grouping(a, b, c):
    whole = of_pairs([*a, *b, *c])
    left = (of_pairs(a) + of_pairs(b)) + of_pairs(c)
    right = total([of_pairs(a), of_pairs(b) + of_pairs(c)])
    for merged in (left, right):
        assert astuple(merged) == pytest.approx(astuple(whole), rel=1e-9, abs=1e-2)


def test_numbers_one_can_check():
    moments = Moments.of([1.0, 2.0, 6.0], [1.0, 1.0, 4.0])
    assert (moments.n, moments.sum_x, moments.sum_y) == (3, 9.0, 6.0)
    assert (moments.sxx, moments.syy, moments.sxy) == (14.0, 6.0, 9.0)
    assert moments.variance_x == 7.0
    assert Moments.of_sums(3, 9.0, 41.0, 6.0, 18.0, 27.0) == moments


def test_a_large_level_loses_no_digits():
    x = 1e9 + np.array([0.0, 1.0, 2.0])
    assert (Moments.of(x[:1]) + Moments.of(x[1:])).variance_x == pytest.approx(1.0)


def test_units_without_a_value_are_left_out():
    assert Moments.of([1.0, np.nan, 3.0], [1.0, 2.0, np.nan]).n == 1
    assert Moments.of([]) == Moments() == Moments() + Moments()
    assert np.isnan(Moments.of([5.0]).variance_x)
