"""Decoding day-vectors when one file holds several channels, zones and interval lengths, gaps and revisions."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from gridloop.domain.reading import Channel
from gridloop.domain.table import Stage
from gridloop.engine.lake import Lake
from gridloop.engine.readings import reading_span, reading_units
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import day_vector, reading_rows, utc

DAY = date(2025, 1, 31)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=1))


def test_every_channel_zone_and_length_of_one_file_is_a_unit_of_its_own(lake: Lake) -> None:
    rows = [
        day_vector("m-1", DAY, [1] * 24),
        day_vector("m-1", DAY, [2] * 24, channel="export_wh"),
        day_vector("m-2", DAY, [3] * 48, interval_minutes=30),
        day_vector("m-3", DAY, [4] * 24, zone="Europe/London"),
        day_vector("m-4", date(2025, 1, 1), [None] * 24, quality=[None] * 24),
        day_vector("m-5", DAY, [5] * 24, quality=[None, 1, *[0] * 22]),
    ]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])
    assert len(lake.view().files("reading")) == 1

    found = {}
    for channel in (Channel.IMPORT_WH, Channel.EXPORT_WH):
        for unit in reading_units(lake.view(), channel):
            cube = unit.cube()
            assert unit.meters() == cube.meters
            sums = np.nansum(cube.wh, axis=(1, 2))
            found[channel.value, unit.zone, unit.interval_minutes] = dict(
                zip(cube.meters, sums.tolist(), strict=True)
            )

    assert found == {
        ("import_wh", "Asia/Shanghai", 60): {"m-1": 24.0, "m-4": 0.0, "m-5": 120.0},
        ("import_wh", "Asia/Shanghai", 30): {"m-2": 144.0},
        ("import_wh", "Europe/London", 60): {"m-3": 96.0},
        ("export_wh", "Asia/Shanghai", 60): {"m-1": 48.0},
    }


def test_a_cube_says_which_revision_of_a_day_it_shows(lake: Lake) -> None:
    at = utc(2025, 2, 2)
    rows = [day_vector("m-1", DAY, [n] * 24, available_at=at, revision=n) for n in (0, 2, 1)]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])
    (unit,) = reading_units(lake.view(), Channel.IMPORT_WH)

    latest, delivered = unit.cube(), unit.cube(delivered=True)

    assert (latest.revision[0, 30], latest.wh[0, 30, 0]) == (2, 2.0)
    assert (delivered.revision[0, 30], delivered.wh[0, 30, 0]) == (0, 0.0)
    assert (latest.revision[0, :30] == -1).all()


def test_a_span_is_unknown_before_the_first_reading_was(lake: Lake) -> None:
    lake.writer(Stage.DATA).append_readings([reading_rows([day_vector("m-1", DAY, [1] * 24)])])
    (unit,) = reading_units(lake.view(), Channel.IMPORT_WH)

    assert reading_span(lake.view(), unit) == (DAY, DAY)
    assert reading_span(lake.view().at(utc(2025, 1, 1)), unit) is None
