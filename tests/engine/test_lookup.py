"""A look-up answers what a query over the same rows answers, and no value becomes part of the statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridloop.domain.errors import LookAhead, UsageError
from gridloop.domain.ids import bucket_of
from gridloop.domain.reading import Channel
from gridloop.domain.table import Stage
from gridloop.engine.lake import Lake
from gridloop.engine.lookup import After, Among, Contains, Equals, OneOf
from gridloop.engine.view import LakeView
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import day_vector, reading_rows, utc

DAY = date(2025, 3, 1)
BUCKETS = 4


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(
        Workspace.create(
            tmp_path / "it's here", zone="Asia/Shanghai", currency="CNY", buckets=BUCKETS, meter_ranges=4
        )
    )


def _regions(*rows: tuple[str, str, str], known: int = 1) -> pa.Table:
    when = pa.array([utc(2025, known, 1)] * len(rows), pa.timestamp("us", tz="UTC"))
    names, said, levels = (list(column) for column in zip(*rows, strict=True))
    return pa.table({"region_id": names, "name": said, "level": levels, "available_at": when})


@pytest.fixture
def regions(lake: Lake) -> LakeView:
    writer = lake.writer(Stage.DATA)
    snapshot = writer.append(
        "region", _regions(("r-1", "north", "county"), ("r-2", "south", "county"), ("r-3", "all", "province"))
    )
    snapshot = writer.append("region", _regions(("r-2", "deep south", "town"), known=2))
    assert snapshot is not None
    return lake.view({"region": snapshot})


def _ids(view: LakeView, where: Sequence[object]) -> list[str]:
    found = view.find("region", where, ("region_id",), order=("region_id",))  # type: ignore[arg-type]
    return list(found["region_id"].to_pylist())


def test_conditions_hold_together(regions: LakeView):
    assert _ids(regions, [Equals("region_id", "r-1")]) == ["r-1"]
    assert _ids(regions, [OneOf("region_id", ["r-1", "r-3", "r-9"])]) == ["r-1", "r-3"]
    assert _ids(regions, [OneOf("region_id", [])]) == []
    assert _ids(regions, [Contains("name", "or")]) == ["r-1"]
    assert _ids(regions, [After("region_id", "r-1"), Equals("level", "province")]) == ["r-3"]
    assert regions.matching("region", [After("region_id", "r-1")]) == 2
    assert regions.find("region", [], ("region_id",), order=("region_id",), limit=1).num_rows == 1


def test_only_the_latest_revision_of_a_thing_is_looked_at(regions: LakeView):
    """r-2 was a county and is a town: asked for counties it must not appear by its former row."""
    assert _ids(regions, [Equals("level", "county")]) == ["r-1"]
    assert _ids(regions, [Equals("level", "town")]) == ["r-2"]
    assert _ids(regions.at(utc(2025, 1, 15)), [Equals("level", "county")]) == ["r-1", "r-2"]
    with pytest.raises(LookAhead):
        regions.at(utc(2025, 1, 15)).at(utc(2025, 2, 15))


def test_rows_of_another_table_narrow_it(regions: LakeView):
    counties = Among("region_id", "region", "region_id", (Equals("level", "county"),))
    assert _ids(regions, [counties]) == ["r-1"]
    assert _ids(regions, [counties, Equals("name", "nowhere")]) == []


def test_a_value_is_never_part_of_the_statement(regions: LakeView):
    assert _ids(regions, [Equals("name", "' OR 1=1 --")]) == []
    with pytest.raises(UsageError, match="no column 'name\" OR 1=1'"):
        regions.find("region", [Equals('name" OR 1=1', "x")])


def test_a_table_that_is_not_published_has_no_rows(lake: Lake):
    view = lake.view({})
    assert view.find("region", [Equals("region_id", "r-1")]).num_rows == 0
    assert view.matching("region", []) == 0
    assert view.find("reading", [Equals("bucket", 1)]).num_rows == 0


def test_readings_of_a_meter_come_from_its_bucket_alone(lake: Lake):
    meters = [f"m-{number}" for number in range(12)]
    days = [DAY + timedelta(days=number) for number in range(3)]
    writer = lake.writer(Stage.DATA)
    vectors = [day_vector(meter, day, [number] * 24) for number, meter in enumerate(meters) for day in days]
    writer.append_readings([reading_rows(vectors)])
    table = lake.iceberg_table("reading")
    assert table is not None and table.current_snapshot() is not None
    view = lake.view({"reading": table.current_snapshot().snapshot_id})
    for meter in meters:
        bucket = bucket_of(meter, BUCKETS)
        where = [
            Equals("bucket", bucket),
            Equals("meter_id", meter),
            Equals("channel", Channel.IMPORT_WH.value),
        ]
        found = view.find("reading", where, ("day", "wh"), order=("day",))
        rows = view.table("reading")
        asked = rows.filter((rows.meter_id == meter) & (rows.channel == Channel.IMPORT_WH.value))
        assert found.to_pylist() == asked.select("day", "wh").order_by("day").to_pyarrow().to_pylist()
        assert found["day"].to_pylist() == days
        opened = view._buckets_files("reading", where)
        assert opened is not None and len(opened) < len(view.files("reading"))


def test_rows_of_one_customer_are_read_without_reading_all(lake: Lake):
    """Rows come by account; the file holds them by customer, and a look-up reads one group of them."""
    count = 40_000
    order = [(number * 7919) % count for number in range(count)]
    rows = pa.table(
        {
            "account_id": [f"a-{number:06d}" for number in range(count)],
            "customer_id": [f"c-{place:06d}" for place in order],
            "status": ["open"] * count,
            "available_at": pa.array([utc(2025, 1, 1)] * count, pa.timestamp("us", tz="UTC")),
        }
    )
    snapshot = lake.writer(Stage.DATA).append("account", rows)
    assert snapshot is not None
    view = lake.view({"account": snapshot})
    stored = pq.ParquetFile(view.files("account")[0])
    groups = [stored.read_row_group(place, ["customer_id"])["customer_id"].to_pylist() for place in range(3)]
    assert stored.num_row_groups == 3
    assert [name for group in groups for name in group] == sorted(rows["customer_id"].to_pylist())
    found = view.find("account", [Equals("customer_id", "c-007919")], ("account_id",))
    assert found["account_id"].to_pylist() == ["a-000001"]
