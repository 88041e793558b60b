"""One meter's accumulators: a float64 vector that stays in the cache until the meter is finished."""

from __future__ import annotations

import numpy as np

from gridloop.kernels.compiled import Float32s, Float64s, Int16s, Int32s, inlined, inner, nan_kept
from gridloop.kernels.features.layout import Count, Edge, Run, Sum

# `acc` is the columns of Sum, Count, Edge and Run, then the peak. Plain numbers, because compiled code freezes module
# constants but not enumerations.
SQUARES = int(Sum.SQUARES)
NEGATIVE = int(Sum.NEGATIVE)
RAMP_SUM = int(Sum.RAMP)
FIRST_PERIOD = int(Sum.VALLEY)
DAY_PEAK = int(Sum.DAY_PEAK)
DAY_LOAD_FACTOR = int(Sum.DAY_LOAD_FACTOR)
DAY_VALLEY_RATE = int(Sum.DAY_VALLEY_RATE)
HOUR_X = int(Sum.HOUR_X)
SUMS = len(Sum)
COUNTS_AT = SUMS
ZEROS = COUNTS_AT + int(Count.ZERO)
RAMPS = COUNTS_AT + int(Count.RAMP)
COMPLETE_DAYS = COUNTS_AT + int(Count.COMPLETE_DAYS)
LOADED_DAYS = COUNTS_AT + int(Count.LOADED_DAYS)
HOUR_PAIRS = COUNTS_AT + int(Count.HOUR_PAIRS)
COUNTS = len(Count)
EDGES_AT = COUNTS_AT + COUNTS
PEAK = EDGES_AT + int(Edge.PEAK)
STEP = EDGES_AT + int(Edge.RAMP)
HOUR = EDGES_AT + int(Edge.HOUR)
FIRST = EDGES_AT + int(Edge.FIRST)
LAST = EDGES_AT + int(Edge.LAST)
EDGES = len(Edge)
RUNS_AT = EDGES_AT + EDGES
ZERO_RUN = RUNS_AT + int(Run.ZERO_LONGEST)
MISSING_RUN = RUNS_AT + int(Run.MISSING_LONGEST)
RUNS = len(Run)
PEAK_DAY = RUNS_AT + RUNS
PEAK_SLOT = PEAK_DAY + 1
SIZE = PEAK_SLOT + 1
SLOT_NOT_SOUGHT = -2  # less the index of the day: its slot is still to be found


@inner
def empty_accumulators(acc: Float64s) -> None:
    """Set one meter's accumulators to those of no data."""
    for column in range(SIZE):
        acc[column] = 0
    acc[PEAK], acc[STEP], acc[HOUR] = -np.inf, -np.inf, -np.inf
    acc[PEAK_SLOT] = -1


@inner
def store_accumulators(
    acc: Float64s,
    meter: int,
    sums: Float64s,
    counts: Int32s,
    edges: Float32s,
    runs: Int32s,
    peak_day: Int32s,
    peak_slot: Int16s,
) -> None:
    """Write one meter's accumulators to its rows of the state; a maximum of nothing is NaN."""
    for column in range(SUMS):
        sums[meter, column] = acc[column]
    for column in range(COUNTS):
        counts[meter, column] = np.int32(acc[COUNTS_AT + column])
    for column in range(EDGES):
        value = acc[EDGES_AT + column]
        edges[meter, column] = np.nan if value == -np.inf else value
    for column in range(RUNS):
        runs[meter, column] = np.int32(acc[RUNS_AT + column])
    peak_day[meter] = np.int32(acc[PEAK_DAY])
    peak_slot[meter] = np.int16(acc[PEAK_SLOT])


@inlined
def extend_run(acc: Float64s, run: int, length: int, so_far: int) -> None:
    """The current run (its third column) grows by `length` after `so_far` intervals of the window."""
    if acc[run + 2] == so_far:
        acc[run + 1] = so_far + length
    acc[run + 2] += length
    acc[run] = max(acc[run], acc[run + 2])


@inlined
def add_step(before: float, after: float, acc: Float64s) -> None:
    """The step between two neighbouring intervals, if both are present."""
    step = np.float64(abs(after - before))
    if not np.isnan(step):
        acc[RAMPS] += 1
        acc[RAMP_SUM] += step
        acc[STEP] = max(acc[STEP], step)


@inlined
def note_complete(low: float, high: float, mean: float, acc: Float64s) -> None:
    """Indices of a complete day."""
    acc[COMPLETE_DAYS] += 1
    acc[DAY_PEAK] += high
    if high > 0:
        share = 1 / high
        acc[LOADED_DAYS] += 1
        acc[DAY_LOAD_FACTOR] += mean * share
        acc[DAY_VALLEY_RATE] += (high - low) * share


@inner
def note_zeros_and_gaps(cube: Float32s, meter: int, day: int, count: int, so_far: int, acc: Float64s) -> None:
    """Zeros, runs of zeros and of gaps, and what lies below zero."""
    for i in range(count):
        value = cube[meter, day, i]
        if np.isnan(value):
            extend_run(acc, MISSING_RUN, 1, so_far + i)
            acc[ZERO_RUN + 2] = 0
            continue
        acc[MISSING_RUN + 2] = 0
        if value == 0:
            acc[ZEROS] += 1
            extend_run(acc, ZERO_RUN, 1, so_far + i)
            continue
        acc[ZERO_RUN + 2] = 0
        if value < 0:
            acc[NEGATIVE] += value


@inlined
def forget_hours(hours: Float32s, row: int) -> None:
    """Set the hours of a day to unknown, so that they pair with none."""
    for h in range(hours.shape[1]):
        hours[row, h] = np.nan


@nan_kept
def sum_hours(
    cube: Float32s, meter: int, day: int, count: int, per_hour: int, hours: Float32s, today: int
) -> None:
    """Energy of each whole hour from the start of the day; NaN where a value is missing."""
    if per_hour == 4:
        for h in range(count // 4):
            at = 4 * h
            first = cube[meter, day, at] + cube[meter, day, at + 1]
            hours[today, h] = first + (cube[meter, day, at + 2] + cube[meter, day, at + 3])
    elif per_hour == 2:
        for h in range(count // 2):
            hours[today, h] = cube[meter, day, 2 * h] + cube[meter, day, 2 * h + 1]
    else:
        for h in range(count // per_hour):
            total = np.float32(0.0)
            for i in range(h * per_hour, (h + 1) * per_hour):
                total += cube[meter, day, i]
            hours[today, h] = total


@nan_kept
def pair_hours(hours: Float32s, earlier: int, later: int, acc: Float64s) -> None:
    """Add the pairs of the 24 hours of two rows of `hours` to the hourly autocorrelation, where both are known."""
    x, y, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0
    for h in range(24):
        a, b = np.float64(hours[earlier, h]), np.float64(hours[later, h])
        x += a
        y += b
        xx += a * a
        yy += b * b
        xy += a * b
    pairs = 24
    if np.isnan(xy):
        x, y, xx, yy, xy, pairs = 0.0, 0.0, 0.0, 0.0, 0.0, 0
        for h in range(24):
            a, b = np.float64(hours[earlier, h]), np.float64(hours[later, h])
            if not (np.isnan(a) or np.isnan(b)):
                x, y, xx, yy, xy = x + a, y + b, xx + a * a, yy + b * b, xy + a * b
                pairs += 1
    acc[HOUR_PAIRS] += pairs
    acc[HOUR_X] += x
    acc[HOUR_X + 1] += y
    acc[HOUR_X + 2] += xx
    acc[HOUR_X + 3] += yy
    acc[HOUR_X + 4] += xy
