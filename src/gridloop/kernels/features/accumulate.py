"""The one pass over the readings: a cube of whole days into the arrays of a month's state.

The sum of a day tells whether it is complete, for the sum of a gap is NaN. Compiled functions take arrays one by one: a
tuple of arrays would cost an atomic count at every use.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from gridloop.kernels.compiled import (
    Bools,
    Float32s,
    Float64s,
    Int8s,
    Int16s,
    Int32s,
    Int64s,
    UInt16s,
    inner,
    nan_free,
    nan_kept,
)
from gridloop.kernels.features.accumulators import (
    FIRST,
    FIRST_PERIOD,
    HOUR,
    LAST,
    SIZE,
    STEP,
    add_step,
    empty_accumulators,
    forget_hours,
    store_accumulators,
)
from gridloop.kernels.features.days import add_careful_day, add_complete_day, seek_peak_slot
from gridloop.kernels.features.sketch import DENSE, write_bins


@nan_kept
def _day_sum(cube: Float32s, meter: int, day: int, count: int) -> float:
    total = 0.0
    for i in range(count):
        total += cube[meter, day, i]
    return total


@inner
def _add_meter(
    cube: Float32s,
    bits: Int32s,
    meter: int,
    slots: Int32s,
    wall_slot: Int16s,
    normal: Bools,
    ordinal: Int32s,
    schedule: Int32s,
    night: int,
    daily_wh: Float64s,
    daily_present: Int16s,
    edge_hours: Float32s,
    hours: Float32s,
    by_schedule: Float64s,
    slot_count: Int64s,
    dense: Int32s,
    largest: Float32s,
    highest: Float32s,
    key: Int32s,
    key_value: Float32s,
    acc: Float64s,
) -> None:
    """All days of one meter."""
    so_far, whole_days, today = 0, 0, 0
    last = np.float32(np.nan)
    forget_hours(hours, 0)
    forget_hours(hours, 1)
    for day in range(cube.shape[1]):
        count, today, kind = int(slots[day]), day % 2, int(schedule[day])
        if count == 0:
            # A day that the zone skipped parts its neighbours.
            forget_hours(hours, today)
            last = np.float32(np.nan)
        else:
            add_step(last, cube[meter, day, 0], acc)
            last = cube[meter, day, count - 1]
            total = _day_sum(cube, meter, day, count)
            present = count
            if normal[day] and not np.isnan(total):
                whole_days += 1
                add_complete_day(cube, bits, meter, day, ordinal[day], kind, count, night, total, so_far, hours, today, by_schedule, dense, largest, highest, key, key_value, acc)  # fmt: skip # noqa: E501
            else:
                present, total = add_careful_day(cube, bits, meter, day, ordinal[day], kind, count, night, so_far, wall_slot, hours, today, by_schedule, slot_count, dense, acc)  # fmt: skip # noqa: E501
            daily_wh[meter, day] = total
            daily_present[meter, day] = present
        if day == 0:
            for h in range(24):
                edge_hours[meter, 0, h] = hours[0, h]
        so_far += count
    for h in range(24):
        edge_hours[meter, 1, h] = hours[today, h]
    acc[FIRST] = cube[meter, 0, 0] if slots[0] > 0 else np.nan
    acc[LAST] = last
    for slot in range(slot_count.size):
        slot_count[slot] += whole_days


@nan_free
def _highest(values: Float32s) -> float:
    top = values[0]
    for i in range(values.size):
        top = values[i] if values[i] > top else top
    return float(top)


@nan_kept
def _store_profile(
    by_schedule: Float64s,
    slot_count: Int64s,
    schedules: Int8s,
    meter: int,
    profile_wh: Float64s,
    profile_count: Int16s,
    acc: Float64s,
) -> None:
    """The slot sums of each schedule to the profile, and to the time-of-use periods that its slots belong to."""
    for slot in range(slot_count.size):
        profile_count[meter, slot] = slot_count[slot]
        profile_wh[meter, slot] = 0.0
    for kind in range(by_schedule.shape[0]):
        for slot in range(slot_count.size):
            profile_wh[meter, slot] += by_schedule[kind, slot]
        for period in range(4):
            total = 0.0
            for slot in range(slot_count.size):
                total += by_schedule[kind, slot] if schedules[kind, slot] == period else 0.0
            acc[FIRST_PERIOD + period] += total


@njit(nogil=True, cache=True)
def accumulate(
    cube: Float32s,
    bits: Int32s,
    slots: Int32s,
    wall_slot: Int16s,
    normal: Bools,
    ordinal: Int32s,
    schedule: Int32s,
    schedules: Int8s,
    night: int,
    daily_wh: Float64s,
    daily_present: Int16s,
    sums: Float64s,
    counts: Int32s,
    edges: Float32s,
    runs: Int32s,
    peak_day: Int32s,
    peak_slot: Int16s,
    profile_wh: Float64s,
    profile_count: Int16s,
    edge_hours: Float32s,
    night_offset: Int64s,
    night_bin: Int16s,
    night_count: UInt16s,
) -> None:
    """Fill the arrays of a `MonthState` from a cube.

    Args:
        cube: float32[meters, days, width], Wh, NaN missing; `bits` is the same memory as int32.
        slots, wall_slot, normal, ordinal: as in `DayCalendar`.
        schedule: int32[days], row of `schedules` of each day; `schedules`: int8[kinds, slots_per_day], the distinct
            rows of `DayCalendar.period`.
        night: wall-clock slots of a day that are night.
        daily_wh … night_count: written; see `MonthState`.
    """
    kinds, per_day = schedules.shape
    hours = np.empty((2, 25), np.float32)
    by_schedule, slot_count = np.empty((kinds, per_day)), np.empty(per_day, np.int64)
    dense, acc = np.zeros(DENSE, np.int32), np.empty(SIZE)
    largest, highest = np.empty(cube.shape[2], np.float32), np.empty(24, np.float32)
    key = np.zeros(2, np.int32)
    key_value = key.view(np.float32)
    end = 0
    for meter in range(cube.shape[0]):
        empty_accumulators(acc)
        by_schedule.fill(0.0)
        slot_count.fill(0)
        largest.fill(-np.inf)
        highest.fill(-np.inf)
        _add_meter(cube, bits, meter, slots, wall_slot, normal, ordinal, schedule, night, daily_wh, daily_present, edge_hours, hours, by_schedule, slot_count, dense, largest, highest, key, key_value, acc)  # fmt: skip # noqa: E501
        seek_peak_slot(cube, meter, acc)
        acc[STEP] = max(acc[STEP], _highest(largest))
        acc[HOUR] = max(acc[HOUR], _highest(highest))
        _store_profile(by_schedule, slot_count, schedules, meter, profile_wh, profile_count, acc)
        store_accumulators(acc, meter, sums, counts, edges, runs, peak_day, peak_slot)
        night_offset[meter] = end
        end = write_bins(dense, night_bin, night_count, end)
    night_offset[cube.shape[0]] = end
