"""Temperatures are put on the wall clock of the zone, stations averaged, gaps left unknown."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gridloop.domain.table import Stage
from gridloop.engine.lake import Lake
from gridloop.engine.workspace import Workspace
from gridloop.insight.features.surroundings import bridged, surroundings
from gridloop.testing.readings import utc


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=1))


def _weather(lake: Lake, *rows: tuple[str, int, int, float, str]) -> None:
    """Rows of (station, hour of 1 March 2025 UTC, minute, °C, kind)."""
    stamp = pa.timestamp("us", tz="UTC")
    table = {
        "station_id": [r[0] for r in rows],
        "time": pa.array([utc(2025, 3, 1, r[1], r[2]) for r in rows], stamp),
        "temperature_c": [r[3] for r in rows],
        "kind": [r[4] for r in rows],
        "available_at": pa.array([utc(2025, 3, 1, r[1], r[2]) for r in rows], stamp),
    }
    lake.writer(Stage.DATA).append("weather", pa.table(table))


def test_an_hour_is_the_mean_of_all_stations_on_the_zones_clock(lake: Lake) -> None:
    _weather(
        lake,
        ("north", 4, 0, 10.0, "observed"),
        ("south", 4, 20, 14.0, "observed"),
        ("south", 4, 50, 12.0, "observed"),
        ("north", 5, 0, 99.0, "forecast"),
        ("north", 16, 0, 3.0, "observed"),
    )

    around = surroundings(lake.view(), "Asia/Shanghai")

    assert around.first_hour == date(2025, 3, 1).toordinal()
    assert around.temperature_c[0, 12] == 12.0
    assert math.isnan(around.temperature_c[0, 13])
    assert around.temperature_c[1, 0] == 3.0


def test_the_calendar_knows_the_temperature_of_days_that_were_observed(lake: Lake) -> None:
    _weather(lake, *(("north", hour, 0, 10.0, "observed") for hour in range(24) if hour not in (2, 3, 4)))

    calendar = surroundings(lake.view(), "Asia/Shanghai").calendar(date(2025, 2, 28), 4, "Asia/Shanghai", 15)

    assert [math.isnan(t) for t in calendar.temperature_c] == [True, True, True, True]
    _weather(lake, *(("south", hour, 0, 4.0, "observed") for hour in range(24)))
    after = surroundings(lake.view(), "UTC").calendar(date(2025, 2, 28), 3, "UTC", 15)
    assert after.temperature_c[1] == pytest.approx((21 * 7 + 3 * 4) / 24)
    assert [math.isnan(t) for t in after.temperature_c] == [True, False, True]


def test_gaps_of_up_to_six_hours_are_bridged_and_longer_ones_are_not() -> None:
    series = np.array([np.nan, 1.0, np.nan, np.nan, 4.0, *[np.nan] * 7, 12.0, np.nan])

    filled = bridged(series, 6)

    assert filled[1:5].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.isnan(filled[[0, *range(5, 12), 13]]).all()
    assert bridged(series, 7)[5:12].tolist() == [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]


def test_without_weather_and_calendar_nothing_is_assumed(lake: Lake) -> None:
    around = surroundings(lake.view(), "Asia/Shanghai")

    assert (around.holidays, around.adjusted_workdays, around.first_hour) == (frozenset(), frozenset(), 0)
    assert around.temperature_c.shape == (0, 24)
