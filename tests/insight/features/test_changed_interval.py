"""A meter whose interval length changed is described once, by its longer stretch, and is not called silent."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from gridloop.data.quality.readings import validate_readings
from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema
from gridloop.engine.workspace import Workspace
from gridloop.insight.features.extract import extract_features
from gridloop.testing.readings import day_vector, reading_rows, utc

FIRST = date(2024, 1, 1)


def _write(lake: Lake, name: str, row: dict[str, Any]) -> None:
    schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])
    lake.writer(Stage.DATA).append(
        name, pa.Table.from_pylist([row | {"available_at": utc(2024, 1, 1)}], schema=schema)
    )


def _changed_fleet(folder: Path) -> Lake:
    """m-1 was hourly for 40 days and half-hourly for 20 more; m-2 was half-hourly for all 60."""
    lake = Lake(Workspace.create(folder, zone="Asia/Shanghai", currency="CNY", buckets=1))
    for n in (1, 2):
        _write(lake, "account", {"account_id": f"a-{n}", "customer_id": f"c-{n}", "status": "active"})
        contract = {"contract_id": f"k-{n}", "account_id": f"a-{n}", "service_point_id": f"s-{n}"}
        _write(lake, "contract", contract | {"valid_from": FIRST})
        meter = {"meter_id": f"m-{n}", "service_point_id": f"s-{n}", "channel_set": "import_wh"}
        _write(lake, "meter", meter | {"interval_minutes": 30, "zone": "Asia/Shanghai"})
    rows = [day_vector("m-1", FIRST + timedelta(days=d), [100 + d] * 24) for d in range(40)]
    for meter, start in (("m-1", 40), ("m-2", 0)):
        days = range(start, 60)
        rows += [
            day_vector(meter, FIRST + timedelta(days=d), [50 + d] * 48, interval_minutes=30) for d in days
        ]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])
    return lake


def test_the_longer_stretch_describes_the_meter_and_a_finding_says_so(tmp_path: Path) -> None:
    lake = _changed_fleet(tmp_path / "w")

    found = extract_features(lake.view())

    rows = [r for r in found.rows.to_pylist() if r["meter_id"] == "m-1" and r["channel"] == "import_wh"]
    assert len({r["feature"] for r in rows}) == len(rows)
    assert {r["days_used"] for r in rows} == {40}
    assert [f.evidence for f in found.findings if f.code == "feature.changed_interval"] == [
        {"meters": 1, "first": "m-1"}
    ]


def test_completeness_counts_every_day_once_and_nobody_is_called_silent(tmp_path: Path) -> None:
    lake = _changed_fleet(tmp_path / "w")

    validate_readings(lake.view(), lake.writer(Stage.DATA))

    days = [(r["meter_id"], r["day"]) for r in lake.view().arrow("completeness").to_pylist()]
    assert (len(days), len(set(days))) == (120, 120)
    rules = {r["rule"] for r in lake.view().arrow("quality_finding").to_pylist()}
    assert "reading.early_end" not in rules
