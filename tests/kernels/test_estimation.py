"""Estimates are flagged, lie where they should, and never touch what a meter measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gridloop.domain.errors import GridloopError
from gridloop.domain.reading import ReadingQuality
from gridloop.kernels.estimation import EstimationSettings, estimate_missing
from gridloop.kernels.validation import MISSING_CODE

HALF_HOUR = 30
LINEAR, SIMILAR = int(ReadingQuality.ESTIMATED_LINEAR), int(ReadingQuality.ESTIMATED_SIMILAR_DAY)
SIMILAR_DAYS = EstimationSettings(similar_day=True)


def one_meter(days: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Day d, slot p reads 100·(d mod 7) + p Wh: every week is alike."""
    day, slot = np.meshgrid(np.arange(days), np.arange(48), indexing="ij")
    cube = (100 * (day % 7) + slot).astype(np.float32)[None]
    return cube, np.zeros(cube.shape, np.uint8), np.full(days, 48, np.int32)


def test_a_short_gap_is_a_straight_line_between_its_neighbours() -> None:
    cube, codes, slots = one_meter(1)
    cube[0, 0, :5] = [10, 20, np.nan, np.nan, 50]
    found = estimate_missing(cube, codes, slots, HALF_HOUR)
    assert found.wh[0, 0, :5].tolist() == [10, 20, 30, 40, 50]
    assert found.codes[0, 0, :5].tolist() == [0, 0, LINEAR, LINEAR, 0]
    assert found.estimated_linear.tolist() == [2]
    assert found.still_missing.tolist() == [0]


def test_a_line_may_cross_midnight() -> None:
    cube, codes, slots = one_meter(2)
    cube[0, 0, 46:], cube[0, 1, :2] = [4, np.nan], [np.nan, 10]
    found = estimate_missing(cube, codes, slots, HALF_HOUR)
    assert [found.wh[0, 0, 47], found.wh[0, 1, 0]] == [6, 8]


def test_two_hours_are_short_and_two_and_a_half_are_not() -> None:
    cube, codes, slots = one_meter(1)
    cube[0, 0, 10:14] = np.nan
    cube[0, 0, 30:35] = np.nan
    found = estimate_missing(cube, codes, slots, HALF_HOUR)
    assert found.wh[0, 0, 10:14].tolist() == [10, 11, 12, 13]
    assert np.isnan(found.wh[0, 0, 30:35]).all()
    assert (found.codes[0, 0, 30:35] == MISSING_CODE).all()
    assert found.still_missing.tolist() == [5]


def test_nothing_is_invented_before_the_first_or_after_the_last_reading() -> None:
    cube, codes, slots = one_meter(30)
    cube[0, 0, :2] = np.nan
    cube[0, -1, 40:] = np.nan
    found = estimate_missing(cube, codes, slots, HALF_HOUR, settings=SIMILAR_DAYS)
    assert np.isnan(found.wh[0, 0, :2]).all()
    assert np.isnan(found.wh[0, -1, 40:]).all()
    assert found.still_missing.tolist() == [10]


def test_a_missing_day_takes_the_mean_of_the_same_weekday_nearby() -> None:
    cube, codes, slots = one_meter(35)
    cube[0, 16] = np.nan
    cube[0, 9] += 40  # a week earlier; the other three same weekdays within three weeks are as planned
    found = estimate_missing(cube, codes, slots, HALF_HOUR, settings=SIMILAR_DAYS)
    planned = 100 * (16 % 7) + np.arange(48)
    assert found.wh[0, 16].tolist() == (planned + 40 / 4).tolist()
    assert (found.codes[0, 16] == SIMILAR).all()
    assert found.estimated_similar_day.tolist() == [48]


def test_similar_days_are_off_unless_asked_for() -> None:
    cube, codes, slots = one_meter(35)
    cube[0, 16] = np.nan
    assert estimate_missing(cube, codes, slots, HALF_HOUR).still_missing.tolist() == [48]


def test_a_gap_longer_than_a_day_stays_missing() -> None:
    cube, codes, slots = one_meter(35)
    cube[0, 16] = np.nan
    cube[0, 17, 0] = np.nan
    found = estimate_missing(cube, codes, slots, HALF_HOUR, settings=SIMILAR_DAYS)
    assert found.still_missing.tolist() == [49]


def test_a_day_kind_decides_which_days_are_similar() -> None:
    cube, codes, slots = one_meter(15)
    kind = np.zeros(15, np.int8)
    kind[[3, 5, 9]] = 1  # three holidays
    cube[0, 5] = np.nan
    found = estimate_missing(cube, codes, slots, HALF_HOUR, day_kind=kind, settings=SIMILAR_DAYS)
    assert found.wh[0, 5, 0] == 250  # (300 + 200) / 2 of days 3 and 9


def test_on_the_short_day_similar_days_are_read_at_the_same_wall_clock_time() -> None:
    cube, codes, slots = one_meter(35)
    slots[16] = 46
    wall = np.broadcast_to(np.arange(48, dtype=np.int16), (35, 48)).copy()
    wall[16, 2:46] += 2  # from one o'clock the clock is an hour ahead
    cube[0, 16, 10:20] = np.nan
    found = estimate_missing(cube, codes, slots, HALF_HOUR, wall_slot=wall, settings=SIMILAR_DAYS)
    assert found.wh[0, 16, 10:20].tolist() == [200 + p for p in range(12, 22)]


def test_suspects_stay_unless_the_settings_replace_them() -> None:
    cube, codes, slots = one_meter(1)
    cube[0, 0, 20], codes[0, 0, 20] = 9000, ReadingQuality.SUSPECT_SPIKE
    kept = estimate_missing(cube, codes, slots, HALF_HOUR)
    assert (kept.wh[0, 0, 20], kept.codes[0, 0, 20]) == (9000, ReadingQuality.SUSPECT_SPIKE)
    replaced = estimate_missing(
        cube, codes, slots, HALF_HOUR, settings=EstimationSettings(replace_suspects=True)
    )
    assert (replaced.wh[0, 0, 20], replaced.codes[0, 0, 20]) == (20, LINEAR)


def test_a_line_never_starts_from_a_suspect() -> None:
    cube, codes, slots = one_meter(1)
    cube[0, 0, 20], codes[0, 0, 20] = 9000, ReadingQuality.SUSPECT_SPIKE
    cube[0, 0, 21] = np.nan
    assert estimate_missing(cube, codes, slots, HALF_HOUR).still_missing.tolist() == [1]


@given(
    cube=hnp.arrays(
        np.float32, (2, 16, 24), elements=st.sampled_from([np.nan, np.nan, -3.0, 0.0, 1.0, 250.0, 70000.0])
    ),
    codes=hnp.arrays(np.uint8, (2, 16, 24), elements=st.sampled_from([0, 0, 0, 1, 10, 11])),
    similar=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_measured_values_are_untouched_and_every_new_value_is_flagged(
    cube: np.ndarray, codes: np.ndarray, similar: bool
) -> None:
    before, before_codes = cube.copy(), codes.copy()
    slots = np.full(16, 24, np.int32)
    found = estimate_missing(
        cube, codes, slots, 60, settings=EstimationSettings(similar_day=similar, similar_least_days=1)
    )
    np.testing.assert_array_equal(cube, before)
    np.testing.assert_array_equal(codes, before_codes)
    present = ~np.isnan(before)
    np.testing.assert_array_equal(found.wh[present], before[present])
    np.testing.assert_array_equal(found.codes[present], before_codes[present])
    new = ~present & ~np.isnan(found.wh)
    assert np.isin(found.codes[new], [LINEAR, SIMILAR]).all()
    assert (found.codes[np.isnan(found.wh)] == MISSING_CODE).all()
    estimated = found.estimated_linear + found.estimated_similar_day
    np.testing.assert_array_equal(estimated, new.sum((1, 2)))
    np.testing.assert_array_equal(found.still_missing + estimated, (~present).sum((1, 2)))
    trusted = before[present & (before_codes < 10)]
    if new.any():
        assert found.wh[new].min() >= trusted.min()
        assert found.wh[new].max() <= trusted.max()


def test_arrays_that_do_not_fit_are_refused() -> None:
    cube, codes, slots = one_meter(3)
    with pytest.raises(GridloopError, match="do not fit the cube"):
        estimate_missing(cube, codes[:, :2], slots, HALF_HOUR)
    with pytest.raises(GridloopError, match="interval length"):
        estimate_missing(cube, codes, slots, 7)
    with pytest.raises(GridloopError, match="not be negative"):
        EstimationSettings(linear_longest_hours=-1)
