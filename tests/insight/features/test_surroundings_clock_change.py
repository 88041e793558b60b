"""Temperatures on days on which the clocks change stay on the wall clock."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from gridloop.domain.table import Stage
from gridloop.engine.lake import Lake
from gridloop.engine.workspace import Workspace
from gridloop.insight.features.surroundings import surroundings
from gridloop.testing.readings import utc


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2013, 3, 31), [0, 0.5, 1, 2, 22]),  # 01:00 does not exist: bridged
        (date(2013, 10, 27), [-1, 0.5, 2, 3, 23]),  # 01:00 comes twice, at 0 and 1 h UTC: their mean
    ],
)
def test_an_hour_of_a_clock_change_day_is_the_one_on_the_wall(
    tmp_path: Path, day: date, expected: list[float]
) -> None:
    """The temperature is the hour of the day in UTC, -1 in the last hour of the day before."""
    start = utc(day.year, day.month, day.day) - timedelta(hours=1)
    stamps = pa.array([start + timedelta(hours=h) for h in range(26)], pa.timestamp("us", tz="UTC"))
    lake = Lake(Workspace.create(tmp_path / "w", zone="Europe/London", currency="GBP", buckets=1))
    rows = {"station_id": ["kew"] * 26, "time": stamps, "kind": ["observed"] * 26, "available_at": stamps}
    rows["temperature_c"] = [float(h - 1) for h in range(26)]
    lake.writer(Stage.DATA).append("weather", pa.table(rows))

    around = surroundings(lake.view(), "Europe/London")

    hours = around.temperature_c[day.toordinal() - around.first_hour]
    assert hours[[0, 1, 2, 3, 23]].tolist() == expected
