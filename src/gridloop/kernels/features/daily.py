"""What the daily totals of a state say: means by group, correlation, degree-day sums, holidays and growth."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.kernels.compiled import Float64s, Int8s, Int16s, Int32s, inner
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
_D_SEASON_DAYS, _D_SEASON_SUM = int(Daily.SEASON_DAYS), int(Daily.SEASON_SUM)
_D_KIND_DAYS, _D_KIND_SUM = int(Daily.KIND_DAYS), int(Daily.KIND_SUM)
_D_HOLIDAYS, _D_FIRST, _D_LAST = int(Daily.HOLIDAYS), int(Daily.FIRST_DAYS), int(Daily.LAST_DAYS)
_D_YEAR, _D_LAG_1, _D_LAG_7 = int(Daily.YEAR_PAIRS), int(Daily.LAG_1), int(Daily.LAG_7)
_D_FIT, _D_HEATING, _D_COOLING = int(Daily.FIT_DAYS), int(Daily.HEATING_DAYS), int(Daily.COOLING_DAYS)


def daily_statistics(state: MonthState) -> NDArray[np.float64]:
    """float64[meters, COLUMNS], see `Daily`."""
    calendar = state.calendar
    kind = np.where(calendar.holiday, HOLIDAY, np.where(calendar.weekend, WEEKEND, WORKDAY))
    out = np.zeros((state.meters, COLUMNS))
    _daily_statistics(
        np.ascontiguousarray(state.daily_wh),
        np.ascontiguousarray(state.daily_present),
        calendar.slots,
        calendar.season,
        kind.astype(np.int8),
        calendar.heating_degree_days,
        calendar.cooling_degree_days,
        (GROWTH_DAYS, YEAR_LAG_DAYS, HOLIDAY_REACH_DAYS, HOLIDAY_NEIGHBOURS),
        np.empty(calendar.days),
        out,
    )
    return out


@njit(nogil=True, cache=True)
def _daily_statistics(
    wh: Float64s,
    present: Int16s,
    slots: Int32s,
    season: Int8s,
    kind: Int8s,
    heating: Float64s,
    cooling: Float64s,
    rules: tuple[int, int, int, int],
    totals: Float64s,
    out: Float64s,
) -> None:
    growth_days, year_lag, reach, neighbours = rules
    for meter in range(wh.shape[0]):
        stats = out[meter]
        _groups(wh[meter], present[meter], slots, season, kind, totals, stats)
        if stats[_D_DAYS] == 0:
            continue
        mean = stats[_D_SUM] / stats[_D_DAYS]
        _growth(totals, growth_days, year_lag, stats)
        _holidays(totals, kind, reach, neighbours, stats)
        for day in range(totals.size):
            totals[day] -= mean
        _lagged(totals, 1, stats, _D_LAG_1)
        _lagged(totals, 7, stats, _D_LAG_7)
        _degrees(totals, heating, cooling, stats)


@inner
def _groups(
    wh: Float64s,
    present: Int16s,
    slots: Int32s,
    season: Int8s,
    kind: Int8s,
    totals: Float64s,
    stats: Float64s,
) -> None:
    """Totals of usable days (NaN for others), and their sums by season and kind of day."""
    days, total, read = 0, 0.0, 0
    for day in range(wh.size):
        read += present[day]
        if present[day] == 0 or 2 * present[day] < slots[day]:
            totals[day] = np.nan
            continue
        energy = wh[day]
        if present[day] < slots[day]:
            energy *= slots[day] / present[day]
        totals[day] = energy
        days += 1
        total += energy
        stats[_D_SEASON_DAYS + season[day]] += 1
        stats[_D_SEASON_SUM + season[day]] += energy
        stats[_D_KIND_DAYS + kind[day]] += 1
        stats[_D_KIND_SUM + kind[day]] += energy
    stats[_D_DAYS], stats[_D_SUM], stats[_D_PRESENT] = days, total, read


@inner
def _growth(totals: Float64s, growth_days: int, year_lag: int, stats: Float64s) -> None:
    days = totals.size
    for day in range(min(growth_days, days)):
        if not np.isnan(totals[day]):
            stats[_D_FIRST] += 1
            stats[_D_FIRST + 1] += totals[day]
        if not np.isnan(totals[days - 1 - day]):
            stats[_D_LAST] += 1
            stats[_D_LAST + 1] += totals[days - 1 - day]
    for day in range(max(year_lag, days - year_lag), days):
        now, before = totals[day], totals[day - year_lag]
        if not (np.isnan(now) or np.isnan(before)):
            stats[_D_YEAR] += 1
            stats[_D_YEAR + 1] += now
            stats[_D_YEAR + 2] += before


@inner
def _holidays(totals: Float64s, kind: Int8s, reach: int, neighbours: int, stats: Float64s) -> None:
    for day in range(totals.size):
        if kind[day] != HOLIDAY or np.isnan(totals[day]):
            continue
        ordinary, count = 0.0, 0
        for other in range(max(0, day - reach), min(totals.size, day + reach + 1)):
            if kind[other] != HOLIDAY and not np.isnan(totals[other]):
                ordinary += totals[other]
                count += 1
        if count >= neighbours:
            stats[_D_HOLIDAYS] += 1
            stats[_D_HOLIDAYS + 1] += totals[day]
            stats[_D_HOLIDAYS + 2] += ordinary / count


@inner
def _lagged(totals: Float64s, lag: int, stats: Float64s, column: int) -> None:
    pairs, sum_x, sum_y, sum_xx, sum_yy, sum_xy = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for day in range(totals.size - lag):
        x, y = totals[day], totals[day + lag]
        if np.isnan(x) or np.isnan(y):
            continue
        pairs += 1
        sum_x += x
        sum_y += y
        sum_xx += x * x
        sum_yy += y * y
        sum_xy += x * y
    stats[column], stats[column + 1], stats[column + 2] = pairs, sum_x, sum_y
    stats[column + 3], stats[column + 4], stats[column + 5] = sum_xx, sum_yy, sum_xy


@inner
def _degrees(totals: Float64s, heating: Float64s, cooling: Float64s, stats: Float64s) -> None:
    squares, days, sum_y, sum_yy, sum_h, sum_c = 0.0, 0, 0.0, 0.0, 0.0, 0.0
    sum_hh, sum_cc, sum_hc, sum_hy, sum_cy = 0.0, 0.0, 0.0, 0.0, 0.0
    heating_days, cooling_days = 0, 0
    for day in range(totals.size):
        y, h, c = totals[day], heating[day], cooling[day]
        if np.isnan(y):
            continue
        squares += y * y
        if np.isnan(h):
            continue
        days += 1
        heating_days += h > 0
        cooling_days += c > 0
        sum_y, sum_yy = sum_y + y, sum_yy + y * y
        sum_h, sum_hh, sum_hy = sum_h + h, sum_hh + h * h, sum_hy + h * y
        sum_c, sum_cc, sum_cy = sum_c + c, sum_cc + c * c, sum_cy + c * y
        sum_hc += h * c
    stats[_D_SQUARES] = squares
    stats[_D_FIT], stats[_D_FIT + 1], stats[_D_FIT + 2] = days, sum_y, sum_yy
    stats[_D_FIT + 3], stats[_D_FIT + 4], stats[_D_FIT + 5] = sum_h, sum_c, sum_hh
    stats[_D_FIT + 6], stats[_D_FIT + 7], stats[_D_FIT + 8] = sum_cc, sum_hc, sum_hy
    stats[_D_FIT + 9] = sum_cy
    stats[_D_HEATING], stats[_D_COOLING] = heating_days, cooling_days
