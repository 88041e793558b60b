"""Validation when readings go on changing: every edit its own revision, no finding that no longer holds."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridloop.data.quality.history import meter_blocks
from gridloop.data.quality.readings import validate_readings
from gridloop.domain.reading import Channel, ReadingQuality
from gridloop.domain.table import Stage
from gridloop.engine.lake import Lake
from gridloop.engine.readings import reading_units
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import day_vector, reading_rows, utc

FIRST = date(2024, 1, 1)
BROKEN = FIRST + timedelta(days=30)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=1))


@pytest.fixture
def days() -> list[list[Any]]:
    """Sixty days of a home that uses 100 to 900 Wh an hour."""
    return np.random.default_rng(1).integers(100, 900, (60, 24)).tolist()


def _deliver_all(lake: Lake, days: list[list[Any]]) -> None:
    rows = [day_vector("m-1", FIRST + timedelta(days=d), wh) for d, wh in enumerate(days)]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])


def _deliver_again(lake: Lake, wh: list[Any], hour: int) -> None:
    row = day_vector("m-1", BROKEN, wh, available_at=utc(2024, 2, 2, hour))
    lake.writer(Stage.DATA).append_readings([reading_rows([row])])


def test_an_edit_that_is_edited_again_and_again_is_a_new_revision_each_time(
    lake: Lake, days: list[list[Any]]
) -> None:
    whole = days[30].copy()
    days[30][5] = None
    _deliver_all(lake, days)
    validate_readings(lake.view(), lake.writer(Stage.DATA))
    for hour, hole in enumerate((6, 7, 8, 9)):
        _deliver_again(lake, [None if place == hole else wh for place, wh in enumerate(whole)], hour)
        validate_readings(lake.view(), lake.writer(Stage.DATA))

    stored = lake.view().arrow("reading", history=True).to_pylist()
    keys = Counter((row["day"], row["available_at"], row["revision"]) for row in stored)
    assert max(keys.values()) == 1
    assert sorted(row["revision"] for row in stored if row["revision"]) == [1, 2, 3, 4, 5]
    (cube,) = (u.cube() for u in reading_units(lake.view(), Channel.IMPORT_WH) if u.month.month == 1)
    assert cube.quality is not None
    codes = cube.quality[0, 30, :24].tolist()
    assert [place for place, code in enumerate(codes) if code == ReadingQuality.ESTIMATED_LINEAR] == [9]


def test_the_last_finding_goes_when_the_data_was_mended(lake: Lake, days: list[list[Any]]) -> None:
    whole = days[30].copy()
    days[30][5] = None
    _deliver_all(lake, days)
    validate_readings(lake.view(), lake.writer(Stage.DATA))
    assert lake.view().arrow("quality_finding").column("rule").to_pylist() == ["reading.gap_short"]

    _deliver_again(lake, whole, 0)
    validate_readings(lake.view(), lake.writer(Stage.DATA))

    assert lake.view().arrow("quality_finding").num_rows == 0


def test_before_the_first_reading_was_known_there_is_nothing_to_judge(
    lake: Lake, days: list[list[Any]]
) -> None:
    _deliver_all(lake, days)

    assert list(meter_blocks(lake.view().at(utc(2020, 1, 1)), Channel.IMPORT_WH)) == []


def test_when_the_last_reading_was_erased_no_completeness_is_left(lake: Lake, days: list[list[Any]]) -> None:
    _deliver_all(lake, days)
    validate_readings(lake.view(), lake.writer(Stage.DATA))
    assert lake.view().count("completeness") == 60
    lake.writer(Stage.DATA).delete("reading", {"meter_id": ["m-1"]})

    validate_readings(lake.view(), lake.writer(Stage.DATA))

    assert lake.view().count("completeness") == 0


def test_edits_of_a_bucket_lie_in_one_file_a_month_however_many_blocks_it_has(
    lake: Lake, days: list[list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridloop.data.quality.history.BLOCK_VALUES", 2 * len(days) * 100)
    days[5][3] = days[40][3] = None
    rows = [
        day_vector(f"m-{m}", FIRST + timedelta(days=d), wh) for m in range(6) for d, wh in enumerate(days)
    ]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])

    report = validate_readings(lake.view(), lake.writer(Stage.DATA))

    assert report.counts["edited_days"] == 12
    assert len(lake.view().files("reading")) == 4
