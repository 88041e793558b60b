"""One day of one meter into its accumulators: a fast way for complete days of 24 hours, a careful one for all others.

Complete days take loops without a branch that the compiler turns into vector instructions.
"""

from __future__ import annotations

import numpy as np

from gridloop.kernels.compiled import Float32s, Float64s, Int16s, Int32s, Int64s, inlined, inner, nan_free
from gridloop.kernels.features.accumulators import (
    HOUR,
    MISSING_RUN,
    PEAK,
    PEAK_DAY,
    PEAK_SLOT,
    RAMP_SUM,
    RAMPS,
    SLOT_NOT_SOUGHT,
    SQUARES,
    ZERO_RUN,
    add_step,
    extend_run,
    forget_hours,
    note_complete,
    note_zeros_and_gaps,
    pair_hours,
    sum_hours,
)
from gridloop.kernels.features.sketch import count_value


@inlined
def _order_key(bits: np.int32) -> np.int32:
    """Bits of a float32 turned so that whole numbers compare as the floats do; turned again they are the bits."""
    return np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF))


@nan_free
def _add_values(
    cube: Float32s, bits: Int32s, meter: int, day: int, count: int, by_schedule: Float64s, kind: int
) -> tuple[float, np.int32, np.int32]:
    """Add a complete day to the slot sums of its schedule; return Σ v² and the bits of its lowest and highest value.

    The extremes are sought among whole numbers: that loop becomes vector instructions, a maximum of floats does not.
    """
    squares = 0.0
    for i in range(count):
        value = np.float64(cube[meter, day, i])
        squares += value * value
        by_schedule[kind, i] += value
    low = _order_key(bits[meter, day, 0])
    high = low
    for i in range(count):
        key = _order_key(bits[meter, day, i])
        low = min(low, key)
        high = max(high, key)
    return squares, _order_key(low), _order_key(high)


@nan_free
def _add_ramps(cube: Float32s, meter: int, day: int, count: int, largest: Float32s, acc: Float64s) -> None:
    """Steps within a complete day; the largest one of each position waits in `largest` for the end of the meter."""
    total = 0.0
    for i in range(count - 1):
        step = abs(cube[meter, day, i + 1] - cube[meter, day, i])
        largest[i] = step if step > largest[i] else largest[i]
        total += step
    acc[RAMP_SUM] += total
    acc[RAMPS] += count - 1


@nan_free
def _keep_highest_hours(hours: Float32s, today: int, highest: Float32s) -> None:
    """The highest energy of each hour of complete days waits in `highest` for the end of the meter."""
    for h in range(24):
        highest[h] = hours[today, h] if hours[today, h] > highest[h] else highest[h]


@inner
def seek_peak_slot(cube: Float32s, meter: int, acc: Float64s) -> None:
    """The slot of a maximum on a complete day, sought once when the meter is finished."""
    if acc[PEAK_SLOT] <= SLOT_NOT_SOUGHT:
        day = int(SLOT_NOT_SOUGHT - acc[PEAK_SLOT])
        slot = 0
        while cube[meter, day, slot] != acc[PEAK]:
            slot += 1
        acc[PEAK_SLOT] = slot


@inlined
def add_complete_day(
    cube: Float32s,
    bits: Int32s,
    meter: int,
    day: int,
    ordinal: int,
    kind: int,
    count: int,
    night: int,
    total: float,
    so_far: int,
    hours: Float32s,
    today: int,
    by_schedule: Float64s,
    dense: Int32s,
    largest: Float32s,
    highest: Float32s,
    key: Int32s,
    key_value: Float32s,
    acc: Float64s,
) -> None:
    """A complete day of 24 hours; position and wall-clock slot agree."""
    squares, key[0], key[1] = _add_values(cube, bits, meter, day, count, by_schedule, kind)
    acc[SQUARES] += squares
    low, high = np.float64(key_value[0]), np.float64(key_value[1])
    if high > acc[PEAK]:
        acc[PEAK], acc[PEAK_DAY], acc[PEAK_SLOT] = high, ordinal, SLOT_NOT_SOUGHT - day
    note_complete(low, high, total / count, acc)
    _add_ramps(cube, meter, day, count, largest, acc)
    if low > 0:
        acc[ZERO_RUN + 2] = 0
        acc[MISSING_RUN + 2] = 0
    else:
        note_zeros_and_gaps(cube, meter, day, count, so_far, acc)
    per_hour = count // 24
    for i in range(night):
        count_value(dense, bits[meter, day, i])
    sum_hours(cube, meter, day, count, per_hour, hours, today)
    _keep_highest_hours(hours, today, highest)
    pair_hours(hours, 1 - today, today, acc)


@inner
def _add_present_values(
    cube: Float32s,
    bits: Int32s,
    meter: int,
    day: int,
    ordinal: int,
    kind: int,
    count: int,
    night: int,
    wall_slot: Int16s,
    by_schedule: Float64s,
    slot_count: Int64s,
    dense: Int32s,
    acc: Float64s,
) -> tuple[int, float, float, float]:
    """The present values of any day; return how many, their sum, the lowest and the highest."""
    present, total, low, high = 0, 0.0, np.inf, -np.inf
    for i in range(count):
        value = np.float64(cube[meter, day, i])
        if np.isnan(value):
            continue
        present += 1
        total += value
        slot = wall_slot[day, i]
        acc[SQUARES] += value * value
        by_schedule[kind, slot] += value
        slot_count[slot] += 1
        if slot < night:
            count_value(dense, bits[meter, day, i])
        low, high = min(low, value), max(high, value)
        if value > acc[PEAK]:
            acc[PEAK], acc[PEAK_DAY], acc[PEAK_SLOT] = value, ordinal, slot
    return present, total, low, high


@inner
def add_careful_day(
    cube: Float32s,
    bits: Int32s,
    meter: int,
    day: int,
    ordinal: int,
    kind: int,
    count: int,
    night: int,
    so_far: int,
    wall_slot: Int16s,
    hours: Float32s,
    today: int,
    by_schedule: Float64s,
    slot_count: Int64s,
    dense: Int32s,
    acc: Float64s,
) -> tuple[int, float]:
    """Any day, with gaps or of another length than 24 hours; return its present intervals and their sum."""
    present, total, low, high = _add_present_values(
        cube, bits, meter, day, ordinal, kind, count, night, wall_slot, by_schedule, slot_count, dense, acc
    )
    if present == 0:
        forget_hours(hours, today)
        acc[ZERO_RUN + 2] = 0
        extend_run(acc, MISSING_RUN, count, so_far)
        return 0, 0.0
    if present == count:
        note_complete(low, high, total / count, acc)
    for i in range(count - 1):
        add_step(cube[meter, day, i], cube[meter, day, i + 1], acc)
    note_zeros_and_gaps(cube, meter, day, count, so_far, acc)
    per_hour = slot_count.size // 24
    sum_hours(cube, meter, day, count, per_hour, hours, today)
    for h in range(count // per_hour):
        if hours[today, h] > acc[HOUR]:
            acc[HOUR] = hours[today, h]
    if count == slot_count.size:
        pair_hours(hours, 1 - today, today, acc)
    else:
        # An hour of a day on which the clocks change has no partner of the same wall clock on both sides.
        forget_hours(hours, today)
    return present, total
