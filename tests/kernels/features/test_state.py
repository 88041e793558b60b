"""States of months: their size, what they refuse, and that adding them is the same as reading the whole."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from gridloop.domain.errors import InvalidInterval, SchemaMismatch
from gridloop.kernels.calendar import DayCalendar, day_calendar
from gridloop.kernels.cube import empty_cube
from gridloop.kernels.features.layout import Edge, MonthState, Run
from gridloop.kernels.features.merge import merge
from gridloop.kernels.features.state import month_state

FIRST = date(2023, 3, 1)
CALENDAR = day_calendar(FIRST, 61, "Europe/London", 30)


def whole_numbers(meters: int, calendar: DayCalendar, seed: int = 3) -> np.ndarray:
    """Readings with gaps, zeros and negative values; all sums of whole numbers are exact."""
    rng = np.random.default_rng(seed)
    shape = (meters, calendar.days, calendar.width)
    cube = rng.integers(-50, 900, shape).astype(np.float32)
    cube[rng.random(shape) < 0.1] = 0
    cube[rng.random(shape[:2]) < 0.3] = np.nan
    cube[rng.random(shape) < 0.01] = np.nan
    return cube


def parts(cube: np.ndarray, calendar: DayCalendar, cuts: list[int]) -> list[MonthState]:
    edges = [0, *cuts, calendar.days]
    return [month_state(np.ascontiguousarray(cube[:, a:b]), calendar.part(a, b)) for a, b in pairwise(edges)]


def assert_same(ours: MonthState, theirs: MonthState) -> None:
    for field in fields(MonthState):
        if field.name != "calendar":
            a, b = getattr(ours, field.name), getattr(theirs, field.name)
            assert a.dtype == b.dtype, field.name
            np.testing.assert_allclose(a, b, rtol=1e-12, err_msg=field.name)


@pytest.mark.parametrize(
    "cuts", [[31], [1, 2, 3, 25, 26], list(range(1, 61))], ids=["months", "odd", "every day"]
)
def test_merging_any_adjacent_parts_gives_the_state_of_the_whole(cuts: list[int]) -> None:
    cube = whole_numbers(7, CALENDAR)
    whole, split = month_state(cube, CALENDAR), parts(cube, CALENDAR, cuts)
    assert_same(merge(split), whole)
    middle = len(split) // 2
    assert_same(merge([merge(split[:middle]), merge(split[middle:])]), whole)
    assert_same(merge([merge([merge(split[:-1])]), split[-1]]), whole)


def test_a_quarter_hourly_meter_month_takes_about_2_kilobytes() -> None:
    calendar = day_calendar(date(2023, 1, 1), 31, "Asia/Shanghai", 15)
    rng = np.random.default_rng(1)
    level = rng.lognormal(4.5, 0.7, (200, 1, 1)).astype(np.float32)
    cube = np.rint(level * rng.lognormal(0, 0.3, (200, 31, 100))).astype(np.float32)
    assert month_state(cube, calendar).nbytes / 200 <= 2100


def test_runs_cross_midnight_and_the_seams_of_months() -> None:
    calendar = day_calendar(date(2023, 1, 1), 4, "Asia/Shanghai", 60)
    cube = empty_cube(1, 4, 25)
    cube[0, :, :24] = 5
    cube[0, 0, 20:] = np.nan
    cube[0, 1, :24] = np.nan
    cube[0, 2, :3] = np.nan
    cube[0, 2, 22:24] = 0
    cube[0, 3, :24] = 0
    for state in (month_state(cube, calendar), merge(parts(cube, calendar, [1, 2, 3]))):
        runs = state.runs[0]
        # Gap: 4 + 24 + 3 hours in the middle. Zeros: 2 + 24 hours up to the end.
        assert (runs[Run.MISSING_LONGEST], runs[Run.MISSING_LEADING], runs[Run.MISSING_TRAILING]) == (
            31,
            0,
            0,
        )
        assert (runs[Run.ZERO_LONGEST], runs[Run.ZERO_LEADING], runs[Run.ZERO_TRAILING]) == (26, 0, 26)


def test_the_first_of_equal_peaks_counts_within_a_month_and_between_months() -> None:
    calendar = day_calendar(date(2023, 1, 1), 2, "Asia/Shanghai", 60)
    cube = np.full((1, 2, 25), 3, dtype=np.float32)
    cube[0, 0, 7] = cube[0, 0, 9] = cube[0, 1, 2] = 8
    for state in (month_state(cube, calendar), merge(parts(cube, calendar, [1]))):
        assert (state.peak_day[0], state.peak_slot[0]) == (date(2023, 1, 1).toordinal(), 7)
        assert state.edges[0, Edge.PEAK] == 8


def test_the_ramp_over_midnight_between_two_months_is_counted_once() -> None:
    calendar = day_calendar(date(2023, 1, 31), 2, "Asia/Shanghai", 60)
    cube = np.full((1, 2, 25), 10, dtype=np.float32)
    cube[0, 1] = 60
    for state in (month_state(cube, calendar), merge(parts(cube, calendar, [1]))):
        assert state.edges[0, Edge.RAMP] == 50
        assert (state.sums[0, 6], state.counts[0, 1]) == (50, 47)


def test_a_skipped_day_parts_its_neighbours_however_it_is_cut() -> None:
    calendar = day_calendar(date(2011, 12, 29), 3, "Pacific/Apia", 60)
    cube = whole_numbers(2, calendar)
    whole = month_state(cube, calendar)
    assert_same(merge(parts(cube, calendar, [1, 2])), whole)
    assert whole.daily_present[:, 1].tolist() == [0, 0]


def test_what_lies_beyond_the_last_interval_of_a_day_is_not_read() -> None:
    cube = whole_numbers(2, CALENDAR)
    beyond = CALENDAR.wall_slot < 0
    noisy = cube.copy()
    noisy[:, beyond] = 1e9
    assert_same(month_state(noisy, CALENDAR), month_state(cube, CALENDAR))


def test_no_meters_and_no_values_are_states_too() -> None:
    assert month_state(empty_cube(0, 61, 50), CALENDAR).meters == 0
    state = month_state(empty_cube(1, 61, 50), CALENDAR)
    assert np.isnan(state.edges).all()
    assert state.runs[0, Run.MISSING_LONGEST] == CALENDAR.slots.sum() == 61 * 48 - 2


def test_a_cube_of_another_shape_or_type_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="days and the width"):
        month_state(empty_cube(1, 60, 50), CALENDAR)
    with pytest.raises(SchemaMismatch, match="contiguous float32"):
        month_state(np.zeros((1, 61, 50)), CALENDAR)  # type: ignore[arg-type]
    with pytest.raises(SchemaMismatch, match="contiguous float32"):
        month_state(empty_cube(1, 61, 60)[:, :, :50], CALENDAR)


def test_only_adjacent_months_of_the_same_meters_merge() -> None:
    march, april = CALENDAR.part(0, 31), CALENDAR.part(31, 61)
    two, three = month_state(empty_cube(2, 31, 50), march), month_state(empty_cube(3, 30, 50), april)
    with pytest.raises(SchemaMismatch, match="same meters"):
        merge([two, three])
    with pytest.raises(InvalidInterval, match="adjacent days"):
        merge([three, two])
    with pytest.raises(InvalidInterval):
        merge([])


def test_a_night_bin_that_passes_16_bits_by_merging_is_split_and_still_counted() -> None:
    calendar = day_calendar(FIRST, 2, "Asia/Shanghai", 60)
    cube = np.full((2, 2, 25), 5, dtype=np.float32)
    early, late = parts(cube, calendar, [1])
    early.night_count[:] = 65_533
    merged = merge([early, late])
    assert merged.night_offset.tolist() == [0, 2, 4]
    assert merged.night_bin.tolist() == [int(early.night_bin[0])] * 4
    assert merged.night_count.tolist() == [65_535, 3] * 2
    later = month_state(cube, day_calendar(date(2023, 3, 3), 2, "Asia/Shanghai", 60))
    assert merge([merged, later]).night_count.tolist() == [65_535, 13] * 2
