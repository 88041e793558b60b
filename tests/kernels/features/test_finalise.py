"""Values a person can verify, and a reason wherever the data cannot carry a value."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from gridloop.kernels.calendar import Band, DayCalendar, Period, Season, day_calendar
from gridloop.kernels.cube import empty_cube
from gridloop.kernels.features.catalogue import FEATURES
from gridloop.kernels.features.finalise import FeatureSettings, FeatureTable, features
from gridloop.kernels.features.reason import Reason
from gridloop.kernels.features.state import month_state


def hourly(days: int, first: date = date(2023, 1, 1), **facts: object) -> tuple[DayCalendar, np.ndarray]:
    """Hours in Shanghai, where no clock changes: 100 Wh each, 300 Wh from 18 to 22 o'clock."""
    calendar = day_calendar(first, days, "Asia/Shanghai", 60, **facts)  # type: ignore[arg-type]
    cube = np.full((1, days, 25), 100, dtype=np.float32)
    cube[:, :, 18:22] = 300
    return calendar, cube


def table_of(calendar: DayCalendar, cube: np.ndarray) -> FeatureTable:
    return features(month_state(np.ascontiguousarray(cube, dtype=np.float32), calendar))


def value(table: FeatureTable, name: str) -> float:
    return float(table.column(name)[0])


def test_a_regular_fortnight_has_the_values_one_writes_down() -> None:
    table = table_of(*hourly(14))
    # 20 h × 100 Wh + 4 h × 300 Wh = 3,200 Wh a day.
    expected = {
        "total_energy": 44_800,
        "daily_mean": 3_200,
        "peak_power": 0.3,
        "peak_day": date(2023, 1, 1).toordinal(),
        "peak_minute": 18 * 60,
        "maximum_demand": 0.3,
        "load_factor": 3200 / 24 / 300,
        "daily_load_factor": 3200 / 24 / 300,
        "daily_peak_valley_rate": 2 / 3,
        "peak_to_valley_ratio": 3,
        "evening_share": 1200 / 3200,
        "peak_share": 1500 / 3200,
        "valley_share": 800 / 3200,
        "night_base_load": 0.1,
        "base_load_share": 24 / 32,
        "maximum_ramp": 0.2,
        "missing_share": 0,
        "daily_variation": 0,
        "export_share": 0,
    }
    for name, number in expected.items():
        assert value(table, name) == pytest.approx(number), name
    assert table.shape[0].sum() == pytest.approx(1)
    assert table.shape[0, 18] == pytest.approx(300 / 3200)
    assert (table.days_used[0], table.coverage[0]) == (14, 1.0)


def test_a_winter_of_92_days_shows_neither_season_nor_growth_nor_cooling() -> None:
    temperature = np.full(92, 3.0) + np.arange(92) % 5
    table = table_of(*hourly(92, date(2023, 11, 1), temperature=temperature))
    reasons = {
        name: table.why(0, name)
        for name in ("summer_ratio", "winter_ratio", "cooling_slope", "heating_slope")
    }
    assert reasons == {
        "summer_ratio": Reason.TOO_FEW_DAYS,
        "winter_ratio": Reason.TOO_FEW_DAYS,
        "cooling_slope": Reason.NO_COOLING_DAYS,
        "heating_slope": Reason.COMPUTED,
    }
    assert table.why(0, "growth_within_window") is Reason.TOO_FEW_DAYS
    assert table.why(0, "growth_year_on_year") is Reason.LESS_THAN_TWO_YEARS
    assert table.why(0, "holiday_ratio") is Reason.NO_HOLIDAYS
    assert table.why(0, "critical_share") is Reason.NO_SUCH_PERIOD


def test_seasons_weekends_and_holidays_are_the_factors_that_were_put_in() -> None:
    may_days = {date(2023, 5, 1) + timedelta(days=d) for d in range(5)}
    calendar, cube = hourly(365, holidays=may_days)
    factor = np.ones(365)
    factor[calendar.season == Season.SUMMER] = 2
    factor[calendar.season == Season.WINTER] = 1.5
    factor[calendar.holiday] *= 0.4
    table = table_of(calendar, cube * factor[:, None])
    # The five holidays lie in spring and weigh 0.4 in what the seasons are compared with.
    mild = np.isin(calendar.season, (Season.SPRING, Season.AUTUMN))
    assert value(table, "summer_ratio") == pytest.approx(2 / factor[mild].mean())
    assert value(table, "winter_ratio") == pytest.approx(1.5 / factor[mild].mean())
    assert value(table, "holiday_ratio") == pytest.approx(0.4)
    week = table_of(calendar, cube * np.where(calendar.weekend, 1.3, 1)[:, None])
    assert value(week, "weekend_ratio") == pytest.approx(1.3)


def test_slopes_recover_the_degrees_that_were_put_in() -> None:
    temperature = 14 - 16 * np.cos(np.arange(365) / 365 * 2 * np.pi)
    calendar, cube = hourly(365, temperature=temperature)
    extra = 240 * np.maximum(16 - temperature, 0) + 480 * np.maximum(temperature - 22, 0)
    table = table_of(calendar, cube + (extra / 24)[None, :, None])
    assert value(table, "heating_slope") == pytest.approx(240, rel=1e-4)
    assert value(table, "cooling_slope") == pytest.approx(480, rel=1e-4)
    assert value(table, "temperature_fit") == pytest.approx(1, abs=1e-6)


def test_growth_compares_equal_times_of_the_year_only() -> None:
    calendar, cube = hourly(730)
    cube[:, 365:] *= 1.1
    table = table_of(calendar, cube)
    assert value(table, "growth_within_window") == pytest.approx(0.1)
    # Of the last 364 days all but one have their partner in the first year.
    assert value(table, "growth_year_on_year") == pytest.approx(0.1, abs=0.001)
    half_a_year_off = table_of(*hourly(550))
    assert half_a_year_off.why(0, "growth_within_window") is Reason.NO_COMPARABLE_PERIOD


def test_a_pattern_of_two_days_has_correlation_minus_one_at_one_day() -> None:
    calendar, cube = hourly(60)
    cube[:, ::2] *= 2
    table = table_of(calendar, cube)
    assert value(table, "daily_autocorrelation_1") == pytest.approx(-1)
    assert value(table, "daily_autocorrelation_7") == pytest.approx(-1)
    assert table_of(*hourly(60)).why(0, "daily_autocorrelation_1") is Reason.CONSTANT
    assert value(table_of(*hourly(60)), "hourly_autocorrelation_24") == pytest.approx(1)


def test_export_is_not_clipped_and_shares_of_no_consumption_are_not_invented() -> None:
    calendar, cube = hourly(30)
    cube[:, :, 10:15] = -500
    table = table_of(calendar, cube)
    # 15 h × 100 + 4 h × 300 − 5 h × 500 = 200 Wh a day, of 5,200 Wh that flow either way.
    assert value(table, "total_energy") == 30 * 200
    assert value(table, "export_share") == pytest.approx(2500 / 5200)
    exporter = table_of(calendar, -np.abs(cube))
    assert exporter.why(0, "load_factor") is Reason.ZERO_ENERGY
    assert exporter.why(0, "peak_share") is Reason.ZERO_ENERGY
    assert value(exporter, "export_share") == 1


def test_a_meter_without_any_value_says_so_and_only_counts_what_is_missing() -> None:
    calendar, _ = hourly(30)
    table = table_of(calendar, empty_cube(1, 30, 25))
    for spec in FEATURES:
        expected = Reason.COMPUTED if spec.name in ("missing_share", "longest_missing") else Reason.NO_DATA
        assert table.why(0, spec.name) is expected, spec.name
    assert (value(table, "missing_share"), value(table, "longest_missing")) == (1, 720)


def test_half_missing_days_are_scaled_and_emptier_ones_left_out() -> None:
    calendar, cube = hourly(30)
    cube[:] = 100
    cube[0, 0, 12:] = np.nan
    cube[0, 1, 11:] = np.nan
    table = table_of(calendar, cube)
    assert table.days_used[0] == 29
    assert value(table, "daily_mean") == 2400
    assert (
        table_of(calendar, np.where(np.arange(25) < 11, cube, np.nan)).why(0, "load_factor")
        is Reason.TOO_FEW_DAYS
    )


def test_a_25_hour_day_counts_its_repeated_hour_twice_in_the_profile_only_as_a_mean() -> None:
    calendar = day_calendar(date(2023, 10, 23), 14, "Europe/London", 60)
    cube = np.full((1, 14, 25), 100, dtype=np.float32)
    cube[:, 6, 1:3] = 250
    table = table_of(calendar, cube)
    # 01:00 was read 15 times: 13 × 100 and 2 × 250.
    assert table.profile[0, 1] == pytest.approx(0.12)
    assert value(table, "total_energy") == 13 * 2400 + 2300 + 500


def test_settings_move_the_evening_and_the_quantile() -> None:
    calendar, cube = hourly(14)
    cube[:, :, 3] = 900
    state = month_state(cube, calendar)
    table = features(state, FeatureSettings(night_quantile=1.0, evening_start_hour=17, evening_end_hour=19))
    assert value(table, "night_base_load") == pytest.approx(0.9, rel=0.008)
    assert value(table, "evening_share") == pytest.approx(400 / 4000)


def test_critical_periods_are_counted_when_the_schedule_has_them() -> None:
    schedule = dict.fromkeys(Season, (Band(18, 20, Period.CRITICAL),))
    table = table_of(*hourly(14, schedule=schedule))
    assert value(table, "critical_share") == pytest.approx(600 / 3200)
    assert table.why(0, "valley_share") is Reason.NO_SUCH_PERIOD


def test_a_value_is_nan_exactly_where_it_has_a_reason() -> None:
    calendar, cube = hourly(40)
    table = table_of(calendar, np.where(np.arange(25) % 7 == 0, np.nan, cube))
    scalar = np.array([not spec.vector for spec in FEATURES])
    np.testing.assert_array_equal(
        np.isnan(table.values[:, scalar]), table.reason[:, scalar] != Reason.COMPUTED
    )


def test_each_day_is_counted_by_the_schedule_of_its_season() -> None:
    schedule = {Season.SPRING: (Band(18, 22, Period.PEAK),), Season.SUMMER: (Band(0, 4, Period.PEAK),)}
    table = table_of(*hourly(14, date(2023, 5, 25), schedule=schedule))
    # Seven spring days with 1,200 Wh in the evening, seven summer days with 400 Wh after midnight, of 3,200 Wh a day.
    assert value(table, "peak_share") == pytest.approx((7 * 1200 + 7 * 400) / (14 * 3200))
    calendar, cube = hourly(14, date(2023, 5, 25), schedule=schedule)
    cube[0, 3, 18] = cube[0, 10, 2] = np.nan
    gaps = table_of(calendar, cube)
    assert value(gaps, "peak_share") == pytest.approx((7 * 1200 + 7 * 400 - 400) / (14 * 3200 - 400))
