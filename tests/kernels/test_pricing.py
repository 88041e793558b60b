"""Energy by period is exact, gaps are counted, and a gap is filled by the meter's own mean at that time of day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.cube import empty_cube
from gridloop.kernels.pricing import BEYOND_DAY, UNPRICED, energy_by_period, fill_gaps

NAN = np.nan


def _cube(*days: list[float]) -> np.ndarray:
    return np.array([days], np.float32)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 6), st.integers(1, 30))
def test_sums_equal_the_plain_sum_of_each_cell(seed: int, meters: int, days: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    cube = rng.integers(0, 2**24, (meters, days, width)).astype(np.float32)
    cube[rng.random(cube.shape) < 0.1] = np.nan
    period = rng.integers(-2, 3, (days, width)).astype(np.int8)
    month = np.sort(rng.integers(0, 3, days)).astype(np.int32)

    sums = energy_by_period(cube, period, month, 3)

    for m in range(meters):
        for k in range(sums.wh.shape[1]):
            for code in range(3):
                cell = cube[m][(period == code) & (month == k)[:, None]]
                assert sums.wh[m, k, code] == sum(int(v) for v in cell if not np.isnan(v))
                assert sums.missing[m, k, code] == int(np.isnan(cell).sum())


def test_positions_beyond_the_day_and_without_a_price_are_not_summed() -> None:
    period = np.array([[0, 1, UNPRICED, BEYOND_DAY]], np.int8)
    sums = energy_by_period(_cube([1, 2, 4, 8]), period, np.zeros(1, np.int32), 2)
    assert sums.wh.tolist() == [[[1, 2]]]


def test_a_value_that_is_no_whole_number_of_wh_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="whole Wh"):
        energy_by_period(_cube([1, 2.5]), np.zeros((1, 2), np.int8), np.zeros(1, np.int32), 1)


def test_a_map_of_another_shape_or_with_an_unknown_period_is_refused() -> None:
    for period in (np.zeros((1, 3), np.int8), np.full((1, 2), 1, np.int8)):
        with pytest.raises(SchemaMismatch, match="price map"):
            energy_by_period(_cube([1, 2]), period, np.zeros(1, np.int32), 1)


def test_no_meters_cost_nothing() -> None:
    sums = energy_by_period(empty_cube(0, 2, 4), np.zeros((2, 4), np.int8), np.zeros(2, np.int32), 1)
    assert sums.wh.shape == (0, 1, 1)


def _fill(cube: np.ndarray, kind: list[int], least: int = 2, weight: float = 1.0, begin: int = 0):
    _, days, width = cube.shape
    wall = np.tile(np.arange(width, dtype=np.int16), (days, 1))
    return fill_gaps(
        cube,
        wall,
        np.array(kind, np.int8),
        np.full(1, begin, np.int32),
        np.full(1, days, np.int32),
        np.full((days, width), weight),
        least,
    )


def test_a_gap_takes_the_mean_of_its_time_of_day_on_days_of_its_kind() -> None:
    cube = _cube([10, 100], [14, NAN], [999, 104], [12, 96])
    done = _fill(cube, [0, 0, 1, 0])
    assert cube[0, 1].tolist() == [14, 98]  # (100 + 96) / 2; the weekend's 104 is not asked
    assert (done.filled.tolist(), done.filled_wh.tolist(), done.unfilled.tolist()) == ([1], [98], [0])
    assert done.present.tolist() == [[2, 1, 2, 2]]
    assert done.variance[0] == pytest.approx(8 * 1.5)  # s² = 8 of two values, (1 + 1/2)


def test_with_too_few_days_of_its_kind_all_days_are_asked_and_without_any_the_gap_stays() -> None:
    cube = _cube([NAN, NAN], [10, NAN], [20, 7])
    done = _fill(cube, [1, 0, 0])
    assert cube[0, 0, 0] == 15
    assert np.isnan(cube[0, :2, 1]).all()
    assert (done.filled.tolist(), done.unfilled.tolist()) == ([1], [2])


def test_errors_add_up_within_a_run_of_days_with_gaps_and_are_independent_between_runs() -> None:
    first, second = np.sqrt(2 * 1.5), np.sqrt(1 * (1 + 1 / 3))  # s² of (2, 4) and of (2, 4, 3)
    apart = _cube([2, 2], [NAN, NAN], [4, 4], [NAN, 3])
    assert _fill(apart, [0] * 4, weight=10.0).variance[0] == pytest.approx(
        (10 * (first + second)) ** 2 + (10 * first) ** 2
    )
    together = _cube([2, 2], [4, 4], [NAN, NAN], [NAN, 3])
    assert _fill(together, [0] * 4, weight=-10.0).variance[0] == pytest.approx(
        (10 * (first + second + first)) ** 2
    )


def test_days_of_somebody_else_are_left_alone_and_not_counted() -> None:
    cube = _cube([NAN, NAN], [4, 4], [6, NAN], [8, 8])
    done = _fill(cube, [0, 0, 0, 0], begin=1)
    assert np.isnan(cube[0, 0]).all()
    assert cube[0, 2, 1] == 6
    assert done.present.tolist() == [[0, 2, 1, 2]]
    assert done.unfilled.tolist() == [0]


def test_a_cube_without_gaps_is_unchanged() -> None:
    cube = _cube([1, 2], [3, 4])
    done = _fill(cube, [0, 1])
    assert cube.tolist() == [[[1, 2], [3, 4]]]
    assert (done.filled.tolist(), done.variance.tolist()) == ([0], [0.0])


def test_windows_or_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SchemaMismatch, match="do not fit"):
        _fill(_cube([1, 2]), [0, 0])
