from __future__ import annotations

from datetime import date

import numpy as np

from gridloop.twin.weather import by_slot, smoothed, weather


def test_the_climate_is_a_continental_monsoon() -> None:
    year = weather(1, date(2025, 1, 1), date(2025, 12, 31))
    january, july = year.temperature_c[:31], year.temperature_c[181:212]
    assert -8.0 < january.mean() < 8.0
    assert 25.0 < july.mean() < 33.0
    assert year.temperature_c[:, 15].mean() > year.temperature_c[:, 4].mean() + 4.0
    assert (year.irradiance_w_m2[:, [0, 1, 2, 22, 23]] == 0.0).all()
    assert 800.0 < year.irradiance_w_m2.max() < 1100.0
    assert year.humidity_percent.min() >= 8.0 and year.humidity_percent.max() <= 100.0
    assert (year.wind_m_s > 0.0).all()


def test_temperature_remembers_yesterday() -> None:
    year = weather(1, date(2025, 1, 1), date(2025, 12, 31)).temperature_c.mean(axis=1)
    slow = np.convolve(year, np.ones(31) / 31, mode="valid")
    rest = year[15:-15] - slow
    assert 0.4 < np.corrcoef(rest[1:], rest[:-1])[0, 1] < 0.95


def test_a_date_has_the_same_weather_in_every_window() -> None:
    long = weather(4, date(2024, 3, 1), date(2024, 8, 31))
    short = weather(4, date(2024, 8, 1), date(2024, 8, 31))
    assert (long.temperature_c[-31:] == short.temperature_c).all()
    assert (long.irradiance_w_m2[-31:] == short.irradiance_w_m2).all()


def test_a_forecast_misses_by_about_a_degree() -> None:
    year = weather(2, date(2025, 1, 1), date(2025, 12, 31))
    assert 0.5 < np.abs(year.forecast_c - year.temperature_c).mean() < 2.0


def test_hours_become_quarters_by_straight_lines() -> None:
    hourly = np.arange(48.0).reshape(2, 24)
    assert by_slot(hourly, 96)[0, :5].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert by_slot(hourly, 96)[1, -1] == 47.0


def test_a_building_follows_slowly() -> None:
    step = np.concatenate([np.zeros((1, 96)), np.full((1, 96), 10.0)])
    felt = smoothed(step, 6.0)
    assert felt[1, 23] < 10.0 * (1 - np.exp(-1.0)) + 0.1  # after one time constant
    assert felt[1, 95] > 9.7
