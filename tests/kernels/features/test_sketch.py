"""The night histogram: whole Wh below 128 exactly, everything else within 0.8 %, and adding merges."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from gridloop.kernels.features.sketch import (
    BINS,
    DENSE,
    LARGEST_COUNT,
    ZERO,
    bin_of,
    count_value,
    quantiles,
    value_of,
    write_bins,
)


@njit
def there_and_back(bits, bins, values):
    for i in range(bits.size):
        bins[i] = bin_of(bits[i])
        values[i] = value_of(bins[i])


@njit
def count_and_write(bits, dense, bins, counts):
    for i in range(bits.size):
        count_value(dense, bits[i])
    return write_bins(dense, bins, counts, 0)


def stored(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bins and counts of a stored histogram; the dense one is empty afterwards."""
    dense = np.zeros(DENSE, dtype=np.int32)
    bins, counts = np.empty(401, dtype=np.int16), np.empty(401, dtype=np.uint16)
    end = count_and_write(values.astype(np.float32).view(np.int32), dense, bins, counts)
    assert (dense == 0).all()
    return bins[:end], counts[:end]


def around(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bin and representative of each value."""
    bins, back = np.empty(values.size, dtype=np.int64), np.empty(values.size)
    there_and_back(values.astype(np.float32).view(np.int32), bins, back)
    return bins, back


def test_whole_wh_below_128_come_back_exactly_and_larger_ones_within_0_8_percent() -> None:
    small = np.arange(-127, 128, dtype=np.float64)
    np.testing.assert_array_equal(around(small)[1], small)
    large = np.unique(np.round(np.geomspace(128, 2**31, 20_000)))
    for sign in (1, -1):
        back = around(sign * large)[1]
        assert (np.abs(back - sign * large) <= 0.008 * large).all()


def test_bins_follow_the_order_of_values_and_stay_inside() -> None:
    values = np.concatenate([-np.geomspace(2**33, 0.01, 500), [0.0], np.geomspace(0.01, 2**33, 500)])
    bins = around(values)[0]
    assert (np.diff(bins) >= 0).all()
    assert bins[0] >= 0 and bins[-1] < BINS and around(np.array([0.0, -0.0]))[0].tolist() == [ZERO, ZERO]


@settings(max_examples=40)
@given(st.lists(st.integers(-50_000, 50_000_000), min_size=1, max_size=300), st.floats(0.01, 1.0))
def test_any_quantile_is_within_1_percent_of_the_nearest_rank(values: list[int], share: float) -> None:
    bins, counts = stored(np.array(values))
    assert (np.diff(bins) > 0).all() and counts.sum() == len(values)
    found, sizes = quantiles(bins, counts, np.array([0, bins.size]), share)
    rank = max(1, int(np.ceil(share * len(values) - 1e-9)))
    exact = float(np.float32(sorted(values)[rank - 1]))
    assert sizes[0] == len(values)
    assert abs(found[0] - exact) <= 0.01 * abs(exact)


def test_a_count_beyond_16_bits_is_split_and_still_counted() -> None:
    bins, counts = stored(np.full(2 * LARGEST_COUNT + 7, 5.0))
    assert counts.tolist() == [LARGEST_COUNT, LARGEST_COUNT, 7]
    assert quantiles(bins, counts, np.array([0, bins.size]), 0.5) == (5.0, 2 * LARGEST_COUNT + 7)


def test_an_empty_histogram_has_no_quantile() -> None:
    found, sizes = quantiles(
        np.empty(0, dtype=np.int16), np.empty(0, dtype=np.uint16), np.zeros(2, dtype=np.int64), 0.1
    )
    assert np.isnan(found[0]) and sizes[0] == 0
