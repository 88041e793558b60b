"""What the daily totals of a state say: means by group, correlation, degree-day sums, holidays and growth."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.kernels.calendar import DayCalendar
from gridloop.kernels.compiled import Float64s, Int16s, Int32s, Int64s, inner, nan_free, nan_kept
from gridloop.kernels.features.layout import MonthState
from gridloop.kernels.features.rules import (
    GROWTH_DAYS,
    HOLIDAY_NEIGHBOURS,
    HOLIDAY_REACH_DAYS,
    YEAR_LAG_DAYS,
)

WORKDAY, WEEKEND, HOLIDAY = 0, 1, 2


class Daily(IntEnum):
    """Columns of the daily statistics of a meter; E in Wh, sums about the mean where marked so."""

    DAYS = 0
    SUM = 1
    PRESENT = 2
    SQUARES = 3  # Σ (E − mean)²
    SEASON_DAYS = 4  # 4 columns
    SEASON_SUM = 8  # 4 columns
    KIND_DAYS = 12  # 3 columns: workday, weekend, holiday
    KIND_SUM = 15  # 3 columns
    HOLIDAYS = 18  # holidays with enough ordinary days around them
    HOLIDAY_SUM = 19
    HOLIDAY_ORDINARY = 20  # Σ of the means of the ordinary days around them
    FIRST_DAYS = 21
    FIRST_SUM = 22
    LAST_DAYS = 23
    LAST_SUM = 24
    YEAR_PAIRS = 25
    YEAR_SUM = 26
    YEAR_BEFORE = 27
    LAG_1 = 28  # 6 columns: pairs, Σx, Σy, Σx², Σy², Σxy about the mean
    LAG_7 = 34
    FIT_DAYS = 40
    FIT_Y = 41  # Σ (E − mean) over days with a temperature
    FIT_YY = 42
    FIT_H = 43
    FIT_C = 44
    FIT_HH = 45
    FIT_CC = 46
    FIT_HC = 47
    FIT_HY = 48
    FIT_CY = 49
    HEATING_DAYS = 50
    COOLING_DAYS = 51


COLUMNS = int(Daily.COOLING_DAYS) + 1
_D_DAYS, _D_SUM, _D_PRESENT, _D_SQUARES = (
    int(Daily.DAYS),
    int(Daily.SUM),
    int(Daily.PRESENT),
    int(Daily.SQUARES),
)
_D_HOLIDAYS, _D_FIRST, _D_LAST = int(Daily.HOLIDAYS), int(Daily.FIRST_DAYS), int(Daily.LAST_DAYS)
_D_YEAR, _D_LAG_1, _D_LAG_7 = int(Daily.YEAR_PAIRS), int(Daily.LAG_1), int(Daily.LAG_7)
_D_YY = int(Daily.FIT_YY)

# What a calendar says of each day, as rows of weights: a sum by season, kind or temperature is a product with a row.
# Each row goes to one column when it weighs the usable days, to another when it weighs their energy.
_KNOWN, _HEATING, _COOLING, _ORDINARY = 7, 8, 9, 15
_ROWS_OF_TOTALS = 7
_TO_DAYS = np.array(
    [
        *range(Daily.SEASON_DAYS, Daily.SEASON_DAYS + 4),
        *range(Daily.KIND_DAYS, Daily.KIND_DAYS + 3),
        *(Daily.FIT_DAYS, Daily.FIT_H, Daily.FIT_C, Daily.FIT_HH, Daily.FIT_CC, Daily.FIT_HC),
        *(Daily.HEATING_DAYS, Daily.COOLING_DAYS),
    ]
)
_TO_TOTALS = np.array(
    [*range(Daily.SEASON_SUM, Daily.SEASON_SUM + 4), *range(Daily.KIND_SUM, Daily.KIND_SUM + 3)]
)
_TO_FIT = np.array([Daily.FIT_Y, Daily.FIT_HY, Daily.FIT_CY])


def daily_statistics(state: MonthState) -> NDArray[np.float64]:
    """float64[meters, COLUMNS], see `Daily`; columns lie one after the other in memory."""
    calendar = state.calendar
    weights = _weights(calendar)
    out = np.zeros((COLUMNS, state.meters))
    _daily_statistics(
        np.ascontiguousarray(state.daily_wh),
        np.ascontiguousarray(state.daily_present),
        calendar.slots,
        weights,
        weights.sum(axis=1),
        np.flatnonzero(calendar.holiday),
        (GROWTH_DAYS, YEAR_LAG_DAYS, HOLIDAY_REACH_DAYS, HOLIDAY_NEIGHBOURS),
        out,
    )
    return out.T


def _weights(calendar: DayCalendar) -> NDArray[np.float64]:
    """float64[16, days]: four seasons, three kinds of day, known temperature, h, c, h², c², hc, h > 0, c > 0, no
    holiday; h and c are degree-days, 0 where unknown.
    """
    kind = np.where(calendar.holiday, HOLIDAY, np.where(calendar.weekend, WEEKEND, WORKDAY))
    known = ~np.isnan(calendar.heating_degree_days)
    h = np.where(known, calendar.heating_degree_days, 0.0)
    c = np.where(known, calendar.cooling_degree_days, 0.0)
    rows = [
        *(calendar.season == season for season in range(4)),
        *(kind == each for each in (WORKDAY, WEEKEND, HOLIDAY)),
        *(known, h, c, h * h, c * c, h * c, h > 0, c > 0, ~calendar.holiday),
    ]
    return np.array(rows, dtype=np.float64)


@njit(nogil=True, cache=True)
def _daily_statistics(
    wh: Float64s,
    present: Int16s,
    slots: Int32s,
    weights: Float64s,
    every_day: Float64s,
    holidays: Int64s,
    rules: tuple[int, int, int, int],
    out: Float64s,
) -> None:
    growth_days, year_lag, reach, neighbours = rules
    days = slots.size
    used, totals, stats = np.empty(days), np.empty(days), np.empty(COLUMNS)
    for meter in range(wh.shape[0]):
        stats[:] = 0
        stats[_D_PRESENT] = _usable_days(wh[meter], present[meter], slots, used, totals)
        count, total = _sum(used), _sum(totals)
        stats[_D_DAYS], stats[_D_SUM] = count, total
        if count > 0:
            for row in range(_TO_DAYS.size):
                stats[_TO_DAYS[row]] = every_day[row] if count == days else _weighted(weights, row, used)
            for row in range(_TO_TOTALS.size):
                stats[_TO_TOTALS[row]] = _weighted(weights, row, totals)
            _growth(used, totals, growth_days, year_lag, stats)
            _holidays(used, totals, weights[_ORDINARY], holidays, reach, neighbours, stats)
            _about_the_mean(used, totals, total / count)
            stats[_D_SQUARES] = _dot(totals, totals)
            _lagged(used, totals, 1, stats, _D_LAG_1)
            _lagged(used, totals, 7, stats, _D_LAG_7)
            for row in range(_TO_FIT.size):
                stats[_TO_FIT[row]] = _weighted(weights, _KNOWN + row, totals)
            stats[_D_YY] = _squares(weights[_KNOWN], totals)
        for column in range(COLUMNS):
            out[column, meter] = stats[column]


@nan_kept
def _usable_days(wh: Float64s, present: Int16s, slots: Int32s, used: Float64s, totals: Float64s) -> float:
    """Mark the usable days by 1 and scale their energy to the whole day; 0 and 0 for others. Answers intervals read."""
    read = 0.0
    for day in range(wh.size):
        here, whole = np.int32(present[day]), slots[day]
        use = here > 0 and 2 * here >= whole
        used[day] = 1.0 if use else 0.0
        totals[day] = wh[day] * (whole / max(here, 1)) if use else 0.0
        read += float(here)
    return read


@nan_free
def _sum(values: Float64s) -> float:
    total = 0.0
    for day in range(values.size):
        total += values[day]
    return total


@nan_free
def _dot(one: Float64s, other: Float64s) -> float:
    total = 0.0
    for day in range(one.size):
        total += one[day] * other[day]
    return total


@nan_free
def _weighted(weights: Float64s, row: int, values: Float64s) -> float:
    total = 0.0
    for day in range(values.size):
        total += weights[row, day] * values[day]
    return total


@nan_free
def _squares(weight: Float64s, values: Float64s) -> float:
    total = 0.0
    for day in range(values.size):
        total += weight[day] * values[day] * values[day]
    return total


@nan_free
def _about_the_mean(used: Float64s, totals: Float64s, mean: float) -> None:
    for day in range(totals.size):
        totals[day] -= used[day] * mean


@inner
def _growth(used: Float64s, totals: Float64s, growth_days: int, year_lag: int, stats: Float64s) -> None:
    days = totals.size
    period = min(growth_days, days)
    stats[_D_FIRST], stats[_D_FIRST + 1] = _sum(used[:period]), _sum(totals[:period])
    stats[_D_LAST], stats[_D_LAST + 1] = _sum(used[days - period :]), _sum(totals[days - period :])
    start = max(year_lag, days - year_lag)
    if start < days:
        now, before = slice(start, days), slice(start - year_lag, days - year_lag)
        stats[_D_YEAR] = _dot(used[now], used[before])
        stats[_D_YEAR + 1] = _dot(totals[now], used[before])
        stats[_D_YEAR + 2] = _dot(totals[before], used[now])


@inner
def _holidays(
    used: Float64s,
    totals: Float64s,
    ordinary: Float64s,
    holidays: Int64s,
    reach: int,
    neighbours: int,
    stats: Float64s,
) -> None:
    for day in holidays:
        if used[day] > 0:
            around = slice(max(0, day - reach), min(totals.size, day + reach + 1))
            count = _dot(used[around], ordinary[around])
            if count >= neighbours:
                stats[_D_HOLIDAYS] += 1
                stats[_D_HOLIDAYS + 1] += totals[day]
                stats[_D_HOLIDAYS + 2] += _dot(totals[around], ordinary[around]) / count


@nan_free
def _lagged(used: Float64s, totals: Float64s, lag: int, stats: Float64s, column: int) -> None:
    """Sums of the pairs of usable days `lag` apart; what is not used is 0 in `totals`."""
    pairs, sum_x, sum_y, sum_xx, sum_yy, sum_xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for day in range(totals.size - lag):
        x, y = totals[day] * used[day + lag], totals[day + lag] * used[day]
        pairs += used[day] * used[day + lag]
        sum_x += x
        sum_y += y
        sum_xx += x * x
        sum_yy += y * y
        sum_xy += x * y
    stats[column], stats[column + 1], stats[column + 2] = pairs, sum_x, sum_y
    stats[column + 3], stats[column + 4], stats[column + 5] = sum_xx, sum_yy, sum_xy
