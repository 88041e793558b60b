"""Energy of a day within some hours: exact sums, and no day called complete that lacks a value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.cube import empty_cube
from gridloop.kernels.hours import energy_of_days


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 5), st.integers(1, 30), st.integers(1, 3))
def test_each_day_is_the_plain_sum_of_its_positions(
    seed: int, meters: int, days: int, width: int, spans: int
) -> None:
    rng = np.random.default_rng(seed)
    cube = rng.integers(-(2**20), 2**24, (meters, days, width)).astype(np.float32)
    cube[rng.random(cube.shape) < 0.05] = np.nan
    inside = rng.random((spans, days, width)) < 0.5

    wh, complete = energy_of_days(cube, inside)

    for m in range(meters):
        for d in range(days):
            for s in range(spans):
                cell = cube[m, d][inside[s, d]]
                assert wh[m, d, s] == sum(int(v) for v in cell if not np.isnan(v))
                assert complete[m, d, s] == (cell.size > 0 and not np.isnan(cell).any())


def test_a_day_without_any_position_inside_is_not_complete() -> None:
    wh, complete = energy_of_days(np.ones((1, 1, 4), np.float32), np.zeros((1, 1, 4), np.bool_))
    assert (wh.tolist(), complete.tolist()) == ([[[0.0]]], [[[False]]])


def test_hours_of_another_shape_are_refused() -> None:
    with pytest.raises(SchemaMismatch, match="each day and position"):
        energy_of_days(empty_cube(1, 2, 4), np.zeros((1, 2, 5), np.bool_))
