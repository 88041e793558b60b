"""Validation of readings from the user's side: what was delivered stays, what was estimated says so."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gridloop.data.quality.readings import validate_readings
from gridloop.domain.finding import Severity
from gridloop.domain.reading import Channel, ReadingQuality
from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.readings import reading_units
from gridloop.engine.schema import arrow_schema
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import day_vector, reading_rows, utc

FIRST = date(2024, 1, 1)
DAYS = 120


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=2))


def _home(meter: str, seed: int = 1, days: int = DAYS) -> list[dict[str, Any]]:
    """A home that uses 150 to 1,500 Wh an hour, never nothing, never twice the same day."""
    rng = np.random.default_rng(seed)
    shape = 300 + 900 * np.exp(-((np.arange(24) - 19) ** 2) / 8)
    loads = (shape * rng.uniform(0.5, 1.2, size=(days, 24))).astype(int)
    return [day_vector(meter, FIRST + timedelta(days=d), loads[d].tolist()) for d in range(days)]


def _deliver(lake: Lake, *rows: dict[str, Any]) -> None:
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])


def _validate(lake: Lake) -> Any:
    return validate_readings(lake.view(), lake.writer(Stage.DATA))


def _findings(lake: Lake) -> dict[str, dict[str, Any]]:
    return {row["rule"]: row for row in lake.view().arrow("quality_finding").to_pylist()}


def _day(lake: Lake, meter: str, day: date, **options: Any) -> tuple[list[float], list[int]]:
    """Values and codes that a reader sees for a meter and day."""
    for unit in reading_units(lake.view(), Channel.IMPORT_WH, **options):
        cube = unit.cube()
        if meter in cube.meters and (day.year, day.month) == (unit.month.year, unit.month.month):
            line, place = cube.wh[cube.meters.index(meter)], (day - unit.month).days
            codes = np.zeros_like(line) if cube.quality is None else cube.quality[cube.meters.index(meter)]
            return line[place, :24].tolist(), codes[place, :24].astype(int).tolist()
    raise AssertionError("no such day")


def test_a_short_gap_is_filled_by_a_line_flagged_and_only_known_later(lake: Lake) -> None:
    rows = _home("m-1")
    rows[50]["wh"][10], rows[50]["wh"][13] = 100, 400
    rows[50]["wh"][11:13] = [None, None]
    _deliver(lake, *rows)

    report = _validate(lake)

    day = FIRST + timedelta(days=50)
    values, codes = _day(lake, "m-1", day)
    assert values[10:14] == [100, 200, 300, 400]
    assert codes[10:14] == [0, ReadingQuality.ESTIMATED_LINEAR, ReadingQuality.ESTIMATED_LINEAR, 0]
    before, _ = _day(lake, "m-1", day, as_of=utc(2024, 3, 1))
    assert np.isnan(before[11:13]).all()
    assert report.counts["estimated"] == 2
    assert _findings(lake)["reading.gap_short"]["severity"] == "info"


def test_a_second_validation_changes_nothing(lake: Lake) -> None:
    rows = _home("m-1")
    rows[50]["wh"][11] = None
    rows[60]["wh"][5] = 90_000
    _deliver(lake, *rows)
    _validate(lake)
    before = lake.view().digests()

    report = _validate(lake)

    assert report.counts["edited_days"] == 0
    assert lake.view().digests() == before


def test_a_corrected_reading_takes_the_place_of_the_estimate(lake: Lake) -> None:
    rows = _home("m-1")
    rows[50]["wh"][11] = None
    _deliver(lake, *rows)
    _validate(lake)
    truth = [*rows[50]["wh"][:11], 777, *rows[50]["wh"][12:]]

    _deliver(lake, day_vector("m-1", FIRST + timedelta(days=50), truth, available_at=utc(2024, 2, 25)))
    _validate(lake)

    values, codes = _day(lake, "m-1", FIRST + timedelta(days=50))
    assert values[11] == 777
    assert codes == [0] * 24


def test_a_spike_is_kept_and_flagged(lake: Lake) -> None:
    rows = _home("m-1")
    rows[60]["wh"][5] = 90_000
    _deliver(lake, *rows)

    report = _validate(lake)

    values, codes = _day(lake, "m-1", FIRST + timedelta(days=60))
    assert (values[5], codes[5]) == (90_000, ReadingQuality.SUSPECT_SPIKE)
    found = _findings(lake)["reading.spike"]
    assert found["subject"] == "m-1"
    assert "90,000 Wh on 2024-03-01" in found["text"]
    assert [f.severity for f in report.findings if f.code == "reading.spike"] == [Severity.WARNING]


def test_a_meter_that_falls_silent_stays_expected_and_is_named(lake: Lake) -> None:
    _deliver(lake, *_home("m-1"), *_home("m-2", seed=2, days=80))

    _validate(lake)

    rows = [r for r in lake.view().arrow("completeness").to_pylist() if r["meter_id"] == "m-2"]
    assert (len(rows), sum(r["present"] for r in rows)) == (120, 80 * 24)
    assert {r["late_hours"] for r in rows} == {24.0, None}
    found = _findings(lake)["reading.early_end"]
    assert found["subject"] == "m-2"
    assert "after 2024-03-20" in found["text"]


def test_a_meter_that_was_removed_is_not_expected(lake: Lake) -> None:
    _deliver(lake, *_home("m-1"), *_home("m-2", seed=2, days=80))
    stay = {
        "meter_id": "m-2",
        "service_point_id": "s-2",
        "reason": "installed",
        "available_at": utc(2024, 1, 1),
    }
    stay |= {"valid_from": FIRST, "valid_to": FIRST + timedelta(days=80)}
    schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table("meter_history"))])
    lake.writer(Stage.DATA).append("meter_history", pa.Table.from_pylist([stay], schema=schema))

    _validate(lake)

    assert "reading.early_end" not in _findings(lake)
    assert sum(r["meter_id"] == "m-2" for r in lake.view().arrow("completeness").to_pylist()) == 80


def test_a_days_zeros_of_an_occupied_home_are_suspect(lake: Lake) -> None:
    rows = _home("m-1")
    rows[40]["wh"] = [0] * 24
    _deliver(lake, *rows)

    _validate(lake)

    _, codes = _day(lake, "m-1", FIRST + timedelta(days=40))
    assert set(codes) == {ReadingQuality.SUSPECT_ZERO_RUN}
    assert "reading.zero_run" in _findings(lake)
    (row,) = [
        r for r in lake.view().arrow("completeness").to_pylist() if r["day"] == FIRST + timedelta(days=40)
    ]
    assert (row["present"], row["zero"], row["suspect"]) == (24, 24, 24)


def test_completeness_knows_that_a_clock_change_day_is_longer_or_shorter(lake: Lake) -> None:
    days = [date(2013, 3, 30), date(2013, 3, 31), date(2013, 4, 1)]
    counts = [48, 46, 48]
    rows = [
        day_vector("m-1", day, [10] * n, zone="Europe/London", interval_minutes=30)
        for day, n in zip(days, counts, strict=True)
    ]
    _deliver(lake, *rows)

    _validate(lake)

    found = sorted(lake.view().arrow("completeness").to_pylist(), key=lambda r: r["day"])
    assert [(r["expected"], r["present"]) for r in found] == [(48, 48), (46, 46), (48, 48)]


def test_the_ragged_ends_of_a_data_set_are_not_the_meters_fault(lake: Lake) -> None:
    rows = _home("m-1")
    rows[0]["wh"][:20] = [None] * 20
    rows[-1]["wh"][2:] = [None] * 22
    _deliver(lake, *rows)

    report = _validate(lake)

    assert report.counts["findings"] == 0
    assert report.counts["missing"] == 42


def test_findings_of_other_rules_are_left_alone(lake: Lake) -> None:
    other = {"finding_id": "x", "rule": "import.late", "dimension": "timeliness", "table_name": "reading"}
    other |= {"severity": "info", "count": 1, "text": "t", "evidence": "{}", "run_at": utc(2024, 1, 1)}
    schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table("quality_finding"))])
    lake.writer(Stage.DATA).append("quality_finding", pa.Table.from_pylist([other], schema=schema))
    rows = _home("m-1")
    rows[60]["wh"][5] = 90_000
    _deliver(lake, *rows)

    _validate(lake)

    assert {"import.late", "reading.spike"} <= set(_findings(lake))
