"""Energy by time-of-use period, exact to the Wh, and gaps filled from a meter's own month.

A price map says for every interval of every day to which period it belongs. Consecutive intervals of one period are
summed as one run; a run of whole Wh is exact in float64, whatever the order of its sum. Method and limits:
docs/methods/tariff-bills.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.compiled import Float32s, Float64s, Int8s, Int16s, Int32s, Int64s, inner, nan_kept
from gridloop.kernels.cube import read_only, require_cube

BEYOND_DAY = -1
"""Code of positions after the last interval of a day."""
UNPRICED = -2
"""Code of intervals for which the tariff has no price."""


@dataclass(frozen=True, slots=True)
class EnergySums:
    """Energy by meter, month and period.

    Attributes:
        wh: int64[meters, months, periods], exact sums of the present values, Wh.
        missing: int32[meters, months, periods], intervals without a value.
    """

    wh: NDArray[np.int64]
    missing: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class GapFill:
    """What filling the gaps of a cube did, by row.

    Attributes:
        present: int32[meters, days], intervals that had a value before.
        filled: int32[meters], intervals filled.
        filled_wh: int64[meters], energy that was filled in.
        unfilled: int32[meters], intervals that nothing could fill.
        variance: float64[meters], variance of Σ weight · filled energy, in the square of weight · Wh.
    """

    present: NDArray[np.int32]
    filled: NDArray[np.int32]
    filled_wh: NDArray[np.int64]
    unfilled: NDArray[np.int32]
    variance: NDArray[np.float64]


def energy_by_period(
    cube: NDArray[np.float32], period: NDArray[np.int8], month: NDArray[np.int32], periods: int
) -> EnergySums:
    """Sum the energy of each meter by month and period; exact for whole Wh below 2²⁴ an interval.

    Args:
        cube: float32[meters, days, width], whole Wh, NaN missing.
        period: int8[days, width], code of each position from 0 up to but without `periods`; negative codes
            (`BEYOND_DAY`, `UNPRICED`) are not summed.
        month: int32[days], index of each day's month, from 0.
        periods: number of periods.

    Raises:
        SchemaMismatch: shapes or codes do not fit, or a value is no whole number of Wh.
    """
    require_cube(cube)
    fits = period.shape == cube.shape[1:] and month.shape == cube.shape[1:2]
    inside = fits and (not month.size or int(month.min()) >= 0)
    if not inside or (period.size and int(period.max()) >= periods):
        raise SchemaMismatch(
            "A price map has a period for each day and position of the cube, and a month for each day.",
            evidence={"cube": cube.shape, "period": period.shape, "month": month.shape, "periods": periods},
        )
    months = int(month.max()) + 1 if month.size else 0
    wh = np.zeros((cube.shape[0], months, periods), np.int64)
    missing = np.zeros(wh.shape, np.int32)
    bad = _sum_runs(cube, *_runs(period), read_only(month, np.int32), wh, missing)
    if bad >= 0:
        raise SchemaMismatch(
            "Energy is priced in whole Wh, and a meter's readings are not.",
            evidence={"row": bad},
            ways_out=("Round readings to whole Wh when they are read (docs/conventions.md §10).",),
        )
    return EnergySums(wh, missing)


def fill_gaps(
    cube: NDArray[np.float32],
    wall_slot: NDArray[np.int16],
    kind: NDArray[np.int8],
    begin: NDArray[np.int32],
    end: NDArray[np.int32],
    weight: NDArray[np.float64],
    least_donors: int,
) -> GapFill:
    """Fill missing intervals of a month, in place, by the meter's own mean at that time of day.

    The fill is the mean, rounded to whole Wh, of the values that the row has at the same wall-clock slot on days of
    the same kind in the cube; of both kinds where there are fewer than `least_donors`; else the gap stays open. The
    variance takes deviations from that mean, s²·(1 + 1/n), as wholly dependent within a run of days that have gaps,
    and as independent between such runs: an outage of a week may lie in a heat wave.

    Args:
        cube: float32[meters, days, width], the days of one month, filled in place.
        wall_slot: int16[days, width], wall-clock slot of each position, -1 beyond the day.
        kind: int8[days], 0 workday, 1 not.
        begin, end: int32[meters], days `begin <= d < end` that belong to the row; others are left alone.
        weight: float64[days, width], what an error of one Wh weighs (a difference of prices).
        least_donors: values that a mean needs, at least 2.

    Raises:
        SchemaMismatch: shapes do not fit.
    """
    require_cube(cube)
    meters, days, _ = cube.shape
    fits = wall_slot.shape == weight.shape == cube.shape[1:] and kind.shape == (days,)
    if not fits or begin.shape != (meters,) or end.shape != (meters,):
        raise SchemaMismatch(
            "Calendar, weights or windows do not fit the cube of readings.",
            evidence={"cube": cube.shape, "wall_slot": wall_slot.shape, "weight": weight.shape},
        )
    present = np.zeros((meters, days), np.int32)
    counts = np.zeros((meters, 2), np.int32)
    filled_wh, variance = np.zeros(meters, np.int64), np.zeros(meters)
    _fill(
        cube,
        read_only(wall_slot, np.int16),
        read_only(kind, np.int8),
        read_only(begin, np.int32),
        read_only(end, np.int32),
        read_only(weight, np.float64),
        max(int(least_donors), 2),
        present,
        counts,
        filled_wh,
        variance,
    )
    return GapFill(present, counts[:, 0].copy(), filled_wh, counts[:, 1].copy(), variance)


def _runs(period: NDArray[np.int8]) -> tuple[Int32s, Int32s, Int32s, Int32s]:
    """Start, stop and code of each run of equal codes, and the first run of each day, negative codes left out."""
    days, width = period.shape
    change = np.ones((days, width), np.bool_)
    change[:, 1:] = period[:, 1:] != period[:, :-1]
    day, start = np.nonzero(change)
    stop = np.append(start[1:], width)
    stop[stop == 0] = width
    code = period[day, start]
    priced = code >= 0
    first = np.searchsorted(day[priced], np.arange(days + 1))
    return (
        read_only(start[priced], np.int32),
        read_only(stop[priced], np.int32),
        read_only(code[priced], np.int32),
        read_only(first, np.int32),
    )


@nan_kept
def _total(values: Float32s) -> float:
    total = 0.0
    for i in range(values.size):
        total += np.float64(values[i])
    return total


@njit(nogil=True, cache=True)
def _sum_runs(
    cube: Float32s,
    start: Int32s,
    stop: Int32s,
    code: Int32s,
    first: Int32s,
    month: Int32s,
    wh: Int64s,
    missing: Int32s,
) -> int:
    """Fill the sums; the first row with a value that is no whole number, or -1."""
    for m in range(cube.shape[0]):
        for d in range(cube.shape[1]):
            row, k = cube[m, d], month[d]
            for r in range(first[d], first[d + 1]):
                part = row[start[r] : stop[r]]
                total = _total(part)
                if total - total != 0.0:  # a gap: NaN, or an infinite value
                    total = 0.0
                    for i in range(part.size):
                        x = np.float64(part[i])
                        if x - x == 0.0:
                            total += x
                        else:
                            missing[m, k, code[r]] += 1
                if total != np.rint(total):
                    return m
                wh[m, k, code[r]] += np.int64(total)
    return -1


@inner
def _count_gaps(row: Float32s, wall_slot: Int16s, begin: int, end: int, present: Int32s) -> int:
    """Count the values of each day; returns the intervals without one."""
    gaps = 0
    for d in range(begin, end):
        for i in range(wall_slot.shape[1]):
            if wall_slot[d, i] >= 0:
                if row[d, i] == row[d, i]:
                    present[d] += 1
                else:
                    gaps += 1
    return gaps


@inner
def _profile(row: Float32s, wall_slot: Int16s, kind: Int8s, begin: int, end: int, profile: Float64s) -> None:
    """Count, sum and sum of squares of the values by kind of day and wall-clock slot."""
    profile[:] = 0.0
    for d in range(begin, end):
        for i in range(wall_slot.shape[1]):
            x, slot = np.float64(row[d, i]), wall_slot[d, i]
            if slot >= 0 and x == x:
                profile[0, kind[d], slot] += 1
                profile[1, kind[d], slot] += x
                profile[2, kind[d], slot] += x * x


@inner
def _expected(profile: Float64s, kind: int, slot: int, least: int) -> tuple[float, float]:
    """Mean and standard deviation of a value around it; NaN where too few values tell."""
    count, total, squares = profile[0, kind, slot], profile[1, kind, slot], profile[2, kind, slot]
    if count < least:
        other = 1 - kind
        count += profile[0, other, slot]
        total += profile[1, other, slot]
        squares += profile[2, other, slot]
    if count < least:
        return np.nan, np.nan
    mean = total / count
    spread = max(squares - total * mean, 0.0) / (count - 1.0)
    return mean, np.sqrt(spread * (1.0 + 1.0 / count))


@njit(nogil=True, cache=True)
def _fill(
    cube: Float32s,
    wall_slot: Int16s,
    kind: Int8s,
    begin: Int32s,
    end: Int32s,
    weight: Float64s,
    least: int,
    present: Int32s,
    counts: Int32s,
    filled_wh: Int64s,
    variance: Float64s,
) -> None:
    """Every row in place; `counts` int32[meters, 2]: intervals filled, intervals that stay open."""
    meters, days, width = cube.shape
    profile = np.empty((3, 2, width))
    for m in range(meters):
        first, last = max(0, begin[m]), min(days, end[m])
        if _count_gaps(cube[m], wall_slot, first, last, present[m]) == 0:
            continue
        _profile(cube[m], wall_slot, kind, first, last, profile)
        deviation = 0.0
        for d in range(first, last):
            whole = True
            for i in range(width):
                if wall_slot[d, i] < 0 or cube[m, d, i] == cube[m, d, i]:
                    continue
                whole = False
                mean, error = _expected(profile, kind[d], wall_slot[d, i], least)
                if mean != mean:
                    counts[m, 1] += 1
                    continue
                cube[m, d, i] = np.float32(np.rint(mean))
                counts[m, 0] += 1
                filled_wh[m] += np.int64(np.rint(mean))
                deviation += abs(weight[d, i]) * error
            if whole:
                variance[m] += deviation * deviation
                deviation = 0.0
        variance[m] += deviation * deviation
