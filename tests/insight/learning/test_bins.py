"""Bins: kinds while they are few, quantiles otherwise, a value above the edge it equals, missing values last."""

from __future__ import annotations

import numpy as np

from gridloop.insight.learning.bins import bin_edges, bin_of


def test_few_kinds_have_a_bin_each_and_missing_ones_the_last():
    values = np.array([3.0, 1.0, np.nan, 1.0, 2.0])
    edges = bin_edges(values, 5)
    assert edges.tolist() == [2.0, 3.0]
    assert bin_of(values, edges).tolist() == [2, 0, 3, 0, 1]
    assert bin_of(np.array([0.0, 2.5, 9.0]), edges).tolist() == [0, 1, 2]


def test_many_kinds_are_cut_at_quantiles_into_bins_of_equal_size():
    values = np.random.default_rng(0).permutation(1000).astype(np.float64)
    counts = np.bincount(bin_of(values, bin_edges(values, 10)))
    assert counts.tolist() == [100] * 10


def test_a_column_of_one_kind_or_none_has_no_edge():
    assert bin_edges(np.array([4.0, 4.0]), 3).tolist() == []
    assert bin_edges(np.array([np.nan]), 3).tolist() == []
    assert bin_of(np.array([np.nan, 4.0]), np.array([])).tolist() == [1, 0]
