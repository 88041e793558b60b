"""The formulas of the catalogue over all meters at once, each with the conditions under which it has no value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridloop.kernels.calendar import Season
from gridloop.kernels.features.daily import WEEKEND, WORKDAY, Daily
from gridloop.kernels.features.layout import Count, Edge, MonthState, Run, Sum
from gridloop.kernels.features.reason import Reason
from gridloop.kernels.features.rules import (
    COLLINEAR,
    COMPLETE_DAYS,
    CONSTANT_VARIANCE,
    DAILY_PAIRS,
    DEGREE_DAYS,
    FIT_DAYS,
    GROUP_DAYS,
    GROWTH_DAYS,
    GROWTH_SEASON_GAP_DAYS,
    GROWTH_USABLE_DAYS,
    GROWTH_WINDOW_DAYS,
    HOURLY_PAIRS,
    NIGHTS,
    WEEKEND_DAYS,
    WORKDAYS,
    YEAR_PAIRS,
)

Floats = NDArray[np.float64]
Condition = tuple[Any, Reason]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the formulas share; arrays by meter.

    Attributes:
        state, daily: the state and its daily statistics.
        days: usable days. present: intervals with a value. coverage: their share of `expected`, the window's intervals.
        total: Σ v, Wh. evening_wh: the part of it in the evening.
        kilowatt: kW of one Wh per interval.
        period_intervals: int[4], intervals of each time-of-use period in the window.
        night_quantile: Wh, of `night_values` values. night_slots: night intervals of a day.
    """

    state: MonthState
    daily: Floats
    days: Floats
    present: Floats
    coverage: Floats
    expected: int
    total: Floats
    kilowatt: float
    period_intervals: NDArray[np.int64]
    evening_wh: Floats
    night_quantile: Floats
    night_values: NDArray[np.int64]
    night_slots: int

    def sums(self, column: Sum) -> Floats:
        """Column of the state's sums."""
        return self.state.sums[:, column]

    def counts(self, column: Count) -> Floats:
        """Column of the state's counts."""
        return self.state.counts[:, column].astype(np.float64)

    def edge(self, column: Edge) -> Floats:
        """Column of the state's edges."""
        return self.state.edges[:, column].astype(np.float64)

    def hours(self, column: Run) -> Floats:
        """Column of the state's runs, in hours."""
        return self.state.runs[:, column].astype(np.float64) * (self.state.calendar.interval_minutes / 60)

    def day(self, column: int) -> Floats:
        """Column of the daily statistics."""
        return self.daily[:, column]


@dataclass(frozen=True, slots=True)
class Formula:
    """Values float64[meters] (a vector: float64[meters, slots]) and what forbids them, in order of precedence."""

    value: Floats
    conditions: tuple[Condition, ...] = ()


def every_formula(evidence: Evidence) -> Mapping[str, Formula]:
    """The formula of every feature of the catalogue by name."""
    parts = (
        _volume,
        _load,
        _time_of_use,
        _night,
        _day_groups,
        _dynamics,
        _temperature,
        _completeness,
        _growth,
        _profile,
    )
    formulas: dict[str, Formula] = {}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for part in parts:
            formulas.update(part(evidence))
    return formulas


def _volume(e: Evidence) -> dict[str, Formula]:
    calendar = e.state.calendar
    return {
        "total_energy": Formula(e.total),
        "daily_mean": Formula(e.day(Daily.SUM) / e.days, ((e.days < 1, Reason.TOO_FEW_DAYS),)),
        "peak_power": Formula(e.edge(Edge.PEAK) * e.kilowatt),
        "peak_day": Formula(e.state.peak_day.astype(np.float64)),
        "peak_minute": Formula(e.state.peak_slot.astype(np.float64) * calendar.interval_minutes),
        "maximum_demand": Formula(
            e.edge(Edge.HOUR) / 1000, ((np.isnan(e.edge(Edge.HOUR)), Reason.LOW_COVERAGE),)
        ),
    }


def _load(e: Evidence) -> dict[str, Formula]:
    peak, complete, loaded = e.edge(Edge.PEAK), e.counts(Count.COMPLETE_DAYS), e.counts(Count.LOADED_DAYS)
    no_load = (e.total <= 0) | (peak <= 0)
    too_few = (complete < COMPLETE_DAYS, Reason.TOO_FEW_DAYS)
    unloaded = (loaded < COMPLETE_DAYS, Reason.ZERO_ENERGY)
    return {
        "load_factor": Formula(e.total / e.present / peak, ((no_load, Reason.ZERO_ENERGY),)),
        "daily_load_factor": Formula(e.sums(Sum.DAY_LOAD_FACTOR) / loaded, (too_few, unloaded)),
        "daily_peak_valley_rate": Formula(e.sums(Sum.DAY_VALLEY_RATE) / loaded, (too_few, unloaded)),
        "mean_daily_peak": Formula(e.sums(Sum.DAY_PEAK) / complete * e.kilowatt, (too_few,)),
    }


def _time_of_use(e: Evidence) -> dict[str, Formula]:
    no_energy = (e.total <= 0, Reason.ZERO_ENERGY)
    periods = {"valley": Sum.VALLEY, "flat": Sum.FLAT, "peak": Sum.PEAK, "critical": Sum.CRITICAL}
    shares = {"evening_share": Formula(e.evening_wh / e.total, (no_energy,))}
    for name, column in periods.items():
        absent = np.full(e.days.size, e.period_intervals[column - Sum.VALLEY] == 0)
        conditions = ((absent, Reason.NO_SUCH_PERIOD), no_energy)
        shares[f"{name}_share"] = Formula(e.sums(column) / e.total, conditions)
    return shares


def _night(e: Evidence) -> dict[str, Formula]:
    too_few = (e.night_values < NIGHTS * e.night_slots, Reason.TOO_FEW_NIGHTS)
    share = e.night_quantile * e.present / e.total
    return {
        "night_base_load": Formula(e.night_quantile * e.kilowatt, (too_few,)),
        "base_load_share": Formula(share, (too_few, (e.total <= 0, Reason.ZERO_ENERGY))),
    }


def _day_groups(e: Evidence) -> dict[str, Formula]:
    season_days = e.daily[:, Daily.SEASON_DAYS : Daily.SEASON_DAYS + 4]
    season_sum = e.daily[:, Daily.SEASON_SUM : Daily.SEASON_SUM + 4]
    mild = [int(Season.SPRING), int(Season.AUTUMN)]
    mild_days = season_days[:, mild].sum(axis=1)
    mild_mean = season_sum[:, mild].sum(axis=1) / mild_days
    formulas = {}
    for name, season, code in (
        ("summer_ratio", Season.SUMMER, Reason.NO_SUMMER_DAYS),
        ("winter_ratio", Season.WINTER, Reason.NO_WINTER_DAYS),
    ):
        days = season_days[:, season]
        conditions = (
            (days < GROUP_DAYS, code),
            (mild_days < GROUP_DAYS, Reason.NO_MILD_DAYS),
            (mild_mean <= 0, Reason.ZERO_ENERGY),
        )
        formulas[name] = Formula(season_sum[:, season] / days / mild_mean, conditions)
    weekends, workdays = e.day(Daily.KIND_DAYS + WEEKEND), e.day(Daily.KIND_DAYS + WORKDAY)
    workday_mean = e.day(Daily.KIND_SUM + WORKDAY) / workdays
    formulas["weekend_ratio"] = Formula(
        e.day(Daily.KIND_SUM + WEEKEND) / weekends / workday_mean,
        (
            (weekends < WEEKEND_DAYS, Reason.NO_WEEKEND_DAYS),
            (workdays < WORKDAYS, Reason.NO_WORKDAYS),
            (workday_mean <= 0, Reason.ZERO_ENERGY),
        ),
    )
    ordinary = e.day(Daily.HOLIDAY_ORDINARY)
    formulas["holiday_ratio"] = Formula(
        e.day(Daily.HOLIDAY_SUM) / ordinary,
        ((e.day(Daily.HOLIDAYS) < 1, Reason.NO_HOLIDAYS), (ordinary <= 0, Reason.ZERO_ENERGY)),
    )
    return formulas


def _between(low: float, values: Floats, high: float) -> Floats:
    """What `np.clip` does, at a third of its fixed cost."""
    return np.minimum(np.maximum(values, low), high)


def _correlation(
    pairs: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats
) -> tuple[Floats, Floats, Floats]:
    """Pearson's r from sums, and the two variances; sums should be about a value near the means."""
    var_x, var_y = xx / pairs - (x / pairs) ** 2, yy / pairs - (y / pairs) ** 2
    covariance = xy / pairs - (x / pairs) * (y / pairs)
    r = covariance / np.sqrt(np.maximum(var_x, 0) * np.maximum(var_y, 0))
    return _between(-1, r, 1), var_x, var_y


def _dynamics(e: Evidence) -> dict[str, Formula]:
    mean = e.total / e.present
    interval_variance = np.maximum(e.sums(Sum.SQUARES) / e.present - mean**2, 0)
    daily_mean = e.day(Daily.SUM) / e.days
    daily_variance = e.day(Daily.SQUARES) / e.days
    floor = CONSTANT_VARIANCE * daily_mean**2
    no_step = (e.counts(Count.RAMP) < 1, Reason.LOW_COVERAGE)
    formulas = {
        "interval_variation": Formula(
            np.sqrt(interval_variance) / mean, ((e.total <= 0, Reason.ZERO_ENERGY),)
        ),
        "daily_variation": Formula(
            np.sqrt(daily_variance) / daily_mean, ((daily_mean <= 0, Reason.ZERO_ENERGY),)
        ),
        "mean_ramp": Formula(e.sums(Sum.RAMP) / e.counts(Count.RAMP) * e.kilowatt, (no_step,)),
        "maximum_ramp": Formula(e.edge(Edge.RAMP) * e.kilowatt, (no_step,)),
    }
    for lag, column in ((1, Daily.LAG_1), (7, Daily.LAG_7)):
        pairs, *sums = (e.day(column + i) for i in range(6))
        r, var_x, var_y = _correlation(pairs, *sums)
        constant = (var_x <= floor) | (var_y <= floor)
        formulas[f"daily_autocorrelation_{lag}"] = Formula(
            r, ((pairs < DAILY_PAIRS, Reason.TOO_FEW_DAYS), (constant, Reason.CONSTANT))
        )
    pairs = e.counts(Count.HOUR_PAIRS)
    x, y = e.sums(Sum.HOUR_X), e.sums(Sum.HOUR_Y)
    r, var_x, var_y = _correlation(pairs, x, y, e.sums(Sum.HOUR_XX), e.sums(Sum.HOUR_YY), e.sums(Sum.HOUR_XY))
    constant = (var_x <= CONSTANT_VARIANCE * (x / pairs) ** 2) | (
        var_y <= CONSTANT_VARIANCE * (y / pairs) ** 2
    )
    formulas["hourly_autocorrelation_24"] = Formula(
        r, ((pairs < HOURLY_PAIRS, Reason.TOO_FEW_DAYS), (constant, Reason.CONSTANT))
    )
    return formulas


def _temperature(e: Evidence) -> dict[str, Formula]:
    n = e.day(Daily.FIT_DAYS)
    y, h, c = e.day(Daily.FIT_Y) / n, e.day(Daily.FIT_H) / n, e.day(Daily.FIT_C) / n
    yy, hh, cc = (
        e.day(col) / n - m**2 for col, m in ((Daily.FIT_YY, y), (Daily.FIT_HH, h), (Daily.FIT_CC, c))
    )
    hc = e.day(Daily.FIT_HC) / n - h * c
    hy, cy = e.day(Daily.FIT_HY) / n - h * y, e.day(Daily.FIT_CY) / n - c * y
    heats, cools = e.day(Daily.HEATING_DAYS) >= DEGREE_DAYS, e.day(Daily.COOLING_DAYS) >= DEGREE_DAYS
    # A series of degrees that is left out, or that does not vary, must not enter the other's slope.
    both = heats & cools
    determinant = hh * cc - hc**2
    heating = np.where(both, (hy * cc - cy * hc) / determinant, hy / hh)
    cooling = np.where(both, (cy * hh - hy * hc) / determinant, cy / cc)
    explained = np.where(heats, heating * hy, 0) + np.where(cools, cooling * cy, 0)
    flat = (heats & (hh <= CONSTANT_VARIANCE)) | (cools & (cc <= CONSTANT_VARIANCE))
    alike = (both & (determinant <= COLLINEAR * hh * cc)) | flat
    common: tuple[Condition, ...] = ((n < FIT_DAYS, Reason.NO_TEMPERATURE),)
    collinear: Condition = (alike, Reason.COLLINEAR_TEMPERATURE)
    floor = CONSTANT_VARIANCE * (e.day(Daily.SUM) / e.days) ** 2
    neither: Condition = (~heats & ~cools, Reason.NO_HEATING_DAYS)
    return {
        "heating_slope": Formula(heating, (*common, (~heats, Reason.NO_HEATING_DAYS), collinear)),
        "cooling_slope": Formula(cooling, (*common, (~cools, Reason.NO_COOLING_DAYS), collinear)),
        "temperature_fit": Formula(
            _between(0, explained / yy, 1), (*common, neither, collinear, (yy <= floor, Reason.CONSTANT))
        ),
    }


def _completeness(e: Evidence) -> dict[str, Formula]:
    negative = e.sums(Sum.NEGATIVE)
    absolute = e.total - 2 * negative
    return {
        "missing_share": Formula(1 - e.coverage),
        "longest_missing": Formula(e.hours(Run.MISSING_LONGEST)),
        "zero_share": Formula(e.counts(Count.ZERO) / e.present),
        "longest_zero": Formula(e.hours(Run.ZERO_LONGEST)),
        "export_share": Formula((0.0 - negative) / absolute, ((absolute <= 0, Reason.ZERO_ENERGY),)),
    }


def _growth(e: Evidence) -> dict[str, Formula]:
    window = e.state.calendar.days
    # Distance of the middles of the first and the last period, around the circle of the year.
    apart = (window - GROWTH_DAYS) % 365.25
    season_gap = min(apart, 365.25 - apart)
    first_days, last_days = e.day(Daily.FIRST_DAYS), e.day(Daily.LAST_DAYS)
    first, last = e.day(Daily.FIRST_SUM) / first_days, e.day(Daily.LAST_SUM) / last_days
    same = np.ones(e.days.size, dtype=bool)
    few = (first_days < GROWTH_USABLE_DAYS) | (last_days < GROWTH_USABLE_DAYS)
    before = e.day(Daily.YEAR_BEFORE)
    return {
        "growth_within_window": Formula(
            last / first - 1,
            (
                (same & (window < GROWTH_WINDOW_DAYS), Reason.TOO_FEW_DAYS),
                (same & (season_gap > GROWTH_SEASON_GAP_DAYS), Reason.NO_COMPARABLE_PERIOD),
                (few, Reason.TOO_FEW_DAYS),
                (first <= 0, Reason.ZERO_ENERGY),
            ),
        ),
        "growth_year_on_year": Formula(
            e.day(Daily.YEAR_SUM) / before - 1,
            (
                (e.day(Daily.YEAR_PAIRS) < YEAR_PAIRS, Reason.LESS_THAN_TWO_YEARS),
                (before <= 0, Reason.ZERO_ENERGY),
            ),
        ),
    }


def _profile(e: Evidence) -> dict[str, Formula]:
    counts = e.state.profile_count
    mean = e.state.profile_wh / counts
    incomplete = ((counts == 0).any(axis=1), Reason.INCOMPLETE_PROFILE)
    lowest, highest, day = mean.min(axis=1), mean.max(axis=1), mean.sum(axis=1)
    return {
        "peak_to_valley_ratio": Formula(highest / lowest, (incomplete, (lowest <= 0, Reason.ZERO_ENERGY))),
        "mean_profile": Formula(mean * e.kilowatt, (incomplete,)),
        "shape": Formula(mean / day[:, None], (incomplete, (day <= 0, Reason.ZERO_ENERGY))),
    }
