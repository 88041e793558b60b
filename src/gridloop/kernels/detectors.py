"""Compiled loops behind `kernels.validation`: one meter at a time, its readings laid end to end.

A series holds one meter's readings in order of time with NaN for missing; `day_start[d]` is where day d
begins in it. Events leave as int64 rows (kind, first, last) and float64 rows (value, reference).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]

MISSING_CODE = 255
"""Code of an interval that has no value."""

# The numbers of `EventKind` and `ReadingQuality`, which the compiler cannot read from an enum.
SPIKE, ZERO_RUN, STUCK, NEGATIVE = 1, 2, 3, 4
GAP_SHORT, GAP_LONG, GAP_DAYS, LATE_START, EARLY_END, NO_DATA = 10, 11, 12, 13, 14, 15
VACANT, HABITUAL_ZERO, OVER_CAPACITY = 20, 21, 22
SUSPECT_SPIKE, SUSPECT_ZERO_RUN, SUSPECT_STUCK = 10, 11, 12


class Limits(NamedTuple):
    """`ValidationSettings` in intervals and Wh, as the compiled loops take them."""

    tolerated_share: float
    tolerated_least: int
    least_days: int
    spike_factor: float
    spike_floor_wh: float
    spike_longest: int
    spike_neighbour_share: float
    spike_window_days: int
    capacity_factor: float
    run_factor: float
    zero_shortest: int
    zero_habit_share: float
    vacant_from: int
    stuck_shortest: int
    stuck_least_steps: float
    gap_short: int
    negative_allowed: bool


class Meter(NamedTuple):
    """What one pass over a meter's series tells about it."""

    present: int
    measured_days: int
    zeros: int
    least: float
    step: float


class Events(NamedTuple):
    """Room for every event that one meter could have, and how many it has in `filled[0]`."""

    numbers: Int64
    values: Float64
    filled: Int64


@njit(nogil=True, cache=True)
def room_for_events(intervals: int) -> Events:
    """Buffers no meter can fill: no interval begins an event of more than four kinds."""
    most = 4 * intervals + 8
    return Events(np.empty((most, 3), np.int64), np.empty((most, 2), np.float64), np.zeros(1, np.int64))


@njit(nogil=True, cache=True)
def _append(events: Events, kind: int, first: int, last: int, value: float, reference: float) -> None:
    """Add one event."""
    at = events.filled[0]
    events.numbers[at, 0], events.numbers[at, 1], events.numbers[at, 2] = kind, first, last
    events.values[at, 0], events.values[at, 1] = value, reference
    events.filled[0] = at + 1


@njit(nogil=True, cache=True)
def _summarise(series: Float32, day_start: Int64, top: Float32) -> Meter:
    """Greatest value of each day (NaN without any), and the meter's counts, minimum and counting step."""
    present, measured, zeros, step, least = 0, 0, 0, 0, np.inf
    for d in range(len(top)):
        greatest = np.nan
        for i in range(day_start[d], day_start[d + 1]):
            x = series[i]
            if x != x:
                continue
            present += 1
            zeros += x == 0
            least = min(least, x)
            if not greatest >= x:
                greatest = x
            if step != 1:
                a, b = step, int(abs(round(x)))
                while b:
                    a, b = b, a % b
                step = a
        top[d] = greatest
        measured += greatest == greatest
    return Meter(present, measured, zeros, least, float(max(step, 1)))


@njit(nogil=True, cache=True)
def _repeated_peak(top: Float32, measured: int, tolerated: int) -> float:
    """The daily peak that the meter reached on more than `tolerated` days; 0 if it never did."""
    kept = np.empty(measured, np.float32)
    count = 0
    for d in range(len(top)):
        if top[d] == top[d]:
            kept[count] = top[d]
            count += 1
    kept.sort()
    return max(kept[measured - 1 - tolerated], 0.0) if measured > tolerated else 0.0


@njit(nogil=True, cache=True)
def _peak_nearby(top: Float32, day: int, window: int) -> float:
    """Third greatest daily peak within `window` days: what the meter does these weeks, two bad days
    forgiven.
    """
    first, second, third = 0.0, 0.0, 0.0
    for d in range(max(day - window, 0), min(day + window + 1, len(top))):
        x = top[d]
        if x > first:
            first, second, third = x, first, second
        elif x > second:
            second, third = x, second
        elif x > third:
            third = x
    return third


@njit(nogil=True, cache=True)
def _run_end(series: Float32, i: int, zero: bool, least: float) -> int:
    """Where the run of equal values that begins at i ends; i itself if no run of this kind begins there."""
    x = series[i]
    if (zero and x != 0) or (not zero and not x >= least):
        return i
    j = i + 1
    while j < len(series) and series[j] == x:
        j += 1
    return j


@njit(nogil=True, cache=True)
def _habitual_run(series: Float32, zero: bool, least: float, tolerated: int) -> int:
    """The run length that the meter reached more than `tolerated` times; 0 if it never did."""
    longest = np.zeros(tolerated + 1, np.int64)
    i = 0
    while i < len(series):
        j = _run_end(series, i, zero, least)
        if j - i > longest[0] and (zero or j - i > 1):
            k = 0
            while k < tolerated and longest[k + 1] < j - i:
                longest[k] = longest[k + 1]
                k += 1
            longest[k] = j - i
        i = max(j, i + 1)
    return int(longest[0])


@njit(nogil=True, cache=True)
def _mark(codes: UInt8, first: int, last: int, code: int) -> None:
    """Give a code to values that carry none yet."""
    for i in range(first, last):
        if codes[i] == 0:
            codes[i] = code


@njit(nogil=True, cache=True)
def _find_spikes(
    series: Float32,
    day_start: Int64,
    top: Float32,
    codes: UInt8,
    peak: float,
    limits: Limits,
    events: Events,
) -> None:
    """Short isolated runs far above every peak that the meter repeats."""
    threshold = max(limits.spike_factor * peak, limits.spike_floor_wh)
    for d in range(len(top)):
        if not top[d] > threshold:
            continue
        here = max(threshold, limits.spike_factor * _peak_nearby(top, d, limits.spike_window_days))
        i = day_start[d]
        while i < day_start[d + 1]:
            j, least, greatest = i, np.inf, 0.0
            while j < len(series) and series[j] > here:
                least, greatest = min(least, series[j]), max(greatest, series[j])
                j += 1
            share = limits.spike_neighbour_share * least
            calm_before = i == 0 or not series[i - 1] > share
            calm_after = j == len(series) or not series[j] > share
            if j > i and j - i <= limits.spike_longest and calm_before and calm_after:
                _mark(codes, i, j, SUSPECT_SPIKE)
                _append(events, SPIKE, i, j - 1, greatest, here)
            i = max(j, i + 1)


@njit(nogil=True, cache=True)
def _find_over_capacity(
    series: Float32,
    day_start: Int64,
    top: Float32,
    codes: UInt8,
    ceiling: float,
    tolerated: int,
    events: Events,
) -> None:
    """Values above what the connection can carry; on more than `tolerated` days it is the capacity that is
    wrong.
    """
    days = 0
    for d in range(len(top)):
        days += top[d] > ceiling
    if days > tolerated:
        _append(events, OVER_CAPACITY, 0, len(series) - 1, float(days), ceiling)
        return
    for d in range(len(top)):
        if top[d] > ceiling:
            for i in range(day_start[d], day_start[d + 1]):
                if series[i] > ceiling and codes[i] != SUSPECT_SPIKE:
                    _mark(codes, i, i + 1, SUSPECT_SPIKE)
                    _append(events, SPIKE, i, i, series[i], ceiling)


@njit(nogil=True, cache=True)
def _find_runs(
    series: Float32,
    codes: UInt8,
    zero: bool,
    least: float,
    shortest: int,
    vacant_from: int,
    events: Events,
) -> None:
    """Runs of one value of `shortest` intervals or more; zeros of `vacant_from` or more mean an empty
    home.
    """
    kind, code = (ZERO_RUN, SUSPECT_ZERO_RUN) if zero else (STUCK, SUSPECT_STUCK)
    i = 0
    while i < len(series):
        j = _run_end(series, i, zero, least)
        if j - i >= shortest:
            if zero and j - i >= vacant_from:
                _append(events, VACANT, i, j - 1, 0.0, float(vacant_from))
            else:
                _mark(codes, i, j, code)
                _append(events, kind, i, j - 1, series[i], float(shortest))
        i = max(j, i + 1)


@njit(nogil=True, cache=True)
def _find_negatives(series: Float32, codes: UInt8, events: Events) -> None:
    """Runs of negative values on a channel that cannot be negative."""
    i = 0
    while i < len(series):
        j, least = i, 0.0
        while j < len(series) and series[j] < 0:
            least = min(least, series[j])
            j += 1
        if j > i:
            _mark(codes, i, j, SUSPECT_SPIKE)
            _append(events, NEGATIVE, i, j - 1, least, 0.0)
        i = max(j, i + 1)


@njit(nogil=True, cache=True)
def _find_gaps(series: Float32, day_start: Int64, limits: Limits, events: Events) -> None:
    """Runs of missing intervals by class."""
    i, d = 0, 0
    while i < len(series):
        j = i
        while j < len(series) and series[j] != series[j]:
            j += 1
        if j > i:
            while day_start[d] < i:
                d += 1
            whole_day = d + 1 < len(day_start) and day_start[d + 1] <= j
            if i == 0 and j == len(series):
                kind = NO_DATA
            elif i == 0 and whole_day:
                kind = LATE_START
            elif j == len(series) and whole_day:
                kind = EARLY_END
            elif whole_day:
                kind = GAP_DAYS
            else:
                kind = GAP_SHORT if j - i <= limits.gap_short else GAP_LONG
            _append(events, kind, i, j - 1, np.nan, np.nan)
        i = max(j, i + 1)


@njit(nogil=True, cache=True)
def validate_meter(
    series: Float32,
    day_start: Int64,
    codes: UInt8,
    ceiling: float,
    limits: Limits,
    events: Events,
) -> None:
    """Every detector on one meter: fills `codes` where they are 0 and adds its events.

    Args:
        series: float32[n], Wh per interval, NaN missing.
        day_start: int64[days + 1].
        codes: uint8[n], 255 where missing, the source's own code elsewhere.
        ceiling: Wh per interval that the connection cannot pass; NaN unknown.
        limits: settings in intervals and Wh.
        events: from `room_for_events`.
    """
    _find_gaps(series, day_start, limits, events)
    top = np.empty(len(day_start) - 1, np.float32)
    meter = _summarise(series, day_start, top)
    if meter.present == 0:
        return None
    tolerated = max(limits.tolerated_least, int(np.ceil(limits.tolerated_share * meter.measured_days)))
    if ceiling > 0:
        _find_over_capacity(series, day_start, top, codes, ceiling, tolerated, events)
    if meter.least < 0 and not limits.negative_allowed:
        _find_negatives(series, codes, events)
    if meter.measured_days < limits.least_days:
        return None
    peak = _repeated_peak(top, meter.measured_days, tolerated)
    if peak > 0:
        _find_spikes(series, day_start, top, codes, peak, limits, events)
    least = limits.stuck_least_steps * meter.step
    shortest = int(limits.run_factor * _habitual_run(series, False, least, tolerated)) + 1
    _find_runs(series, codes, False, least, max(shortest, limits.stuck_shortest), 0, events)
    share = meter.zeros / meter.present
    if share >= limits.zero_habit_share:
        _append(events, HABITUAL_ZERO, 0, len(series) - 1, share, limits.zero_habit_share)
        return None
    shortest = int(limits.run_factor * _habitual_run(series, True, 0.0, tolerated)) + 1
    return _find_runs(
        series, codes, True, 0.0, max(shortest, limits.zero_shortest), limits.vacant_from, events
    )


@njit(nogil=True, cache=True)
def validate_meters(
    cube: Float32, slots: Int32, ceilings: Float64, limits: Limits, codes: UInt8
) -> tuple[Int64, Float64, Int64]:
    """Run `validate_meter` on every meter of a cube [meters, days, width]; `codes` is filled in place.

    Returns:
        int64[e, 3] (kind, first, last as places in the series), float64[e, 2] (value, reference) and
        int64[meters + 1], where each meter's events begin.
    """
    day_start = np.zeros(len(slots) + 1, np.int64)
    day_start[1:] = np.cumsum(slots.astype(np.int64))
    series, own = np.empty(day_start[-1], np.float32), np.empty(day_start[-1], np.uint8)
    events = room_for_events(len(series))
    numbers, values = np.empty((64, 3), np.int64), np.empty((64, 2), np.float64)
    begins = np.zeros(cube.shape[0] + 1, np.int64)
    for m in range(cube.shape[0]):
        for d in range(len(slots)):
            start = day_start[d]
            for p in range(slots[d]):
                x = cube[m, d, p]
                series[start + p] = x
                own[start + p] = codes[m, d, p] if x == x else MISSING_CODE
        events.filled[0] = 0
        validate_meter(series, day_start, own, ceilings[m], limits, events)
        for d in range(len(slots)):
            start = day_start[d]
            for p in range(cube.shape[2]):
                codes[m, d, p] = own[start + p] if p < slots[d] else MISSING_CODE
        begins[m + 1] = begins[m] + events.filled[0]
        while begins[m + 1] > len(numbers):
            numbers, values = np.concatenate((numbers, numbers)), np.concatenate((values, values))
        numbers[begins[m] : begins[m + 1]] = events.numbers[: events.filled[0]]
        values[begins[m] : begins[m + 1]] = events.values[: events.filled[0]]
    return numbers[: begins[-1]], values[: begins[-1]], begins
