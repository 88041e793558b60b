"""Hourly weather of a continental monsoon county: cold dry winters, hot wet summers, heat waves and cold spells.

Temperature is a yearly cosine, a daily cosine that clouds flatten, an AR(1) anomaly by day and hour,
and planted spells. Irradiance is the
clear-sky model of Haurwitz (1945), 1098 · cos z · exp(−0.057 / cos z) W/m², under the cloud factor of
Kasten and Czeplak (1980),
1 − 0.75 · c^3.4. The anomaly at a date depends on the seed and the date (memory of 120 days), not on
the window asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.seeds import Stream

LATITUDE_DEG = 33.0
_MEMORY_DAYS = 120

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weather:
    """Arrays [days, 24], hour beginning at the local wall-clock hour.

    Attributes:
        temperature_c: air temperature, °C.
        humidity_percent: relative humidity, 5–100.
        wind_m_s: wind speed, m/s.
        irradiance_w_m2: global horizontal irradiance, W/m².
        dryness: [days] 0–1, how long ago it last rained hard.
        forecast_c: day-ahead forecast of the temperature, °C.
    """

    temperature_c: Floats
    humidity_percent: Floats
    wind_m_s: Floats
    irradiance_w_m2: Floats
    dryness: Floats
    forecast_c: Floats


def weather(seed: int, start: date, end: date) -> Weather:
    """The weather from `start` to `end`, both included."""
    first = start - timedelta(days=_MEMORY_DAYS)
    days = (end - first).days + 1
    ordinal = np.arange(first.toordinal(), first.toordinal() + days)
    day_of_year = np.array([date.fromordinal(int(o)).timetuple().tm_yday for o in ordinal], dtype=np.float64)
    cloud = _cloud(seed, ordinal, day_of_year)
    temperature = _temperature(seed, ordinal, day_of_year, cloud)
    hours = np.arange(24)
    irradiance = _irradiance(
        day_of_year, cloud, Stream(seed, "weather/haze").uniform(ordinal[:, None], hours)
    )
    wet = cloud + 0.15 * Stream(seed, "weather/rain").normal(ordinal) > 0.8
    gust = Stream(seed, "weather/wind").normal(ordinal[:, None], hours)
    daily_wind = _ar(Stream(seed, "weather/breeze").normal(ordinal), 0.5)
    wind = np.exp(0.75 + 0.35 * daily_wind[:, None] + 0.25 * gust) * (0.8 + 0.4 * (hours > 9) * (hours < 18))
    miss = _ar(Stream(seed, "weather/forecast").normal(ordinal), 0.3)
    forecast = (
        temperature + 1.1 * miss[:, None] + 0.5 * Stream(seed, "weather/blur").normal(ordinal[:, None], hours)
    )
    keep = slice(_MEMORY_DAYS, None)
    return Weather(
        temperature_c=np.round(temperature, 1)[keep],
        humidity_percent=np.round(_humidity(seed, ordinal, day_of_year, cloud, temperature), 0)[keep],
        wind_m_s=np.round(wind, 1)[keep],
        irradiance_w_m2=np.round(irradiance, 0)[keep],
        dryness=_dryness(wet)[keep],
        forecast_c=np.round(forecast, 1)[keep],
    )


def by_slot(hourly: Floats, slots: int) -> Floats:
    """Values [days, 24] at the hour's beginning → [days, slots], linear between hours, held after the last one."""
    flat = hourly.ravel()
    at = np.arange(hourly.shape[0] * slots) * (24.0 / slots)
    return np.interp(at, np.arange(flat.size), flat).reshape(hourly.shape[0], slots)


def smoothed(values: Floats, hours: float) -> Floats:
    """Exponential mean over the past with that time constant, of values [days, slots] in time order: what a
    building feels.
    """
    slots = values.shape[1]
    keep = float(np.exp(-24.0 / slots / hours))
    flat = values.ravel()
    result = np.empty_like(flat)
    level = float(flat[:slots].mean())
    for index, value in enumerate(flat):
        level = keep * level + (1.0 - keep) * float(value)
        result[index] = level
    return result.reshape(values.shape)


def _ar(shocks: Floats, keep: float) -> Floats:
    """A stationary AR(1) path with unit variance from standard normal shocks."""
    path = np.empty_like(shocks)
    level = 0.0
    scale = float(np.sqrt(1.0 - keep * keep))
    for index, shock in enumerate(shocks):
        level = keep * level + scale * float(shock)
        path[index] = level
    return path


def _cloud(seed: int, ordinal: NDArray[np.int64], day_of_year: Floats) -> Floats:
    """Mean cloud cover of each day, 0–1; the monsoon (June, July) is cloudier."""
    path = _ar(Stream(seed, "weather/cloud").normal(ordinal), 0.55)
    monsoon = 0.9 * np.exp(-(((day_of_year - 182.0) / 28.0) ** 2))
    result: Floats = 1.0 / (1.0 + np.exp(-(1.25 * path + monsoon - 0.25)))
    return result


def _temperature(seed: int, ordinal: NDArray[np.int64], day_of_year: Floats, cloud: Floats) -> Floats:
    season = 15.0 - 13.5 * np.cos(2.0 * np.pi * (day_of_year - 22.0) / 365.25)
    anomaly = 2.6 * _ar(Stream(seed, "weather/anomaly").normal(ordinal), 0.78)
    hours = np.arange(24)
    swing = (6.2 - 3.8 * cloud)[:, None] * np.cos(2.0 * np.pi * (hours - 15.0) / 24.0)
    shocks = Stream(seed, "weather/hour").normal(ordinal[:, None], hours)
    hourly = 0.5 * _ar(shocks.ravel(), 0.8).reshape(shocks.shape)
    result: Floats = (season + anomaly + _spells(seed, ordinal))[:, None] + swing + hourly
    return result


def _spells(seed: int, ordinal: NDArray[np.int64]) -> Floats:
    """°C added by heat waves (late June to August) and cold spells (November to March)."""
    total = np.zeros(len(ordinal))
    stream = Stream(seed, "weather/spell")
    for year in range(
        date.fromordinal(int(ordinal[0])).year - 1, date.fromordinal(int(ordinal[-1])).year + 1
    ):
        for index in range(7):
            hot = index < 3
            first = date(year, 6, 22) if hot else date(year, 11, 12)
            u = [float(stream.uniform(year, index, part)[0]) for part in range(3)]
            centre = first.toordinal() + u[0] * (68 if hot else 115)
            half = 2.0 + 3.0 * u[1]
            peak = 3.0 + 3.0 * u[2] if hot else -4.5 - 5.0 * u[2]
            total += peak * np.exp(-(((ordinal - centre) / half) ** 4))
    return total


def sun_height(day_of_year: Floats, hours: Floats) -> Floats:
    """Cosine of the sun's zenith angle [days, hours] at the county's latitude; below zero at night (Cooper
    1969 declination).
    """
    declination = np.radians(23.45) * np.sin(2.0 * np.pi * (284.0 + day_of_year) / 365.0)
    angle = np.radians(15.0 * (np.asarray(hours) - 12.0))
    latitude = np.radians(LATITUDE_DEG)
    upright = np.sin(latitude) * np.sin(declination)
    across = np.cos(latitude) * np.cos(declination)
    result: Floats = upright[:, None] + across[:, None] * np.cos(angle)
    return result


def _irradiance(day_of_year: Floats, cloud: Floats, haze: Floats) -> Floats:
    height = np.maximum(sun_height(day_of_year, np.arange(24.0)), 0.0)
    clear = np.where(height > 0.0, 1098.0 * height * np.exp(-0.057 / np.maximum(height, 1e-3)), 0.0)
    cover = np.clip(cloud[:, None] + 0.35 * (haze - 0.5), 0.0, 1.0)
    result: Floats = clear * (1.0 - 0.75 * cover**3.4)
    return result


def _humidity(
    seed: int, ordinal: NDArray[np.int64], day_of_year: Floats, cloud: Floats, temperature: Floats
) -> Floats:
    season = 62.0 - 13.0 * np.cos(2.0 * np.pi * (day_of_year - 15.0) / 365.25)
    deviation = temperature - temperature.mean(axis=1, keepdims=True)
    noise = 3.0 * Stream(seed, "weather/damp").normal(ordinal[:, None], np.arange(24))
    level = (season + 28.0 * (cloud - 0.5))[:, None] - 3.0 * deviation + noise
    return np.asarray(np.clip(level, 8.0, 100.0), dtype=np.float64)


def _dryness(wet: NDArray[np.bool_]) -> Floats:
    result = np.empty(len(wet))
    level = 0.5
    for index, rain in enumerate(wet):
        level = 0.15 if rain else level + 0.12 * (1.0 - level)
        result[index] = level
    return result
