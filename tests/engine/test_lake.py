"""What the conformance kit does not ask: disk full, schema errors, migration, orphans and file layout."""

from __future__ import annotations

import errno
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridloop.domain.errors import (
    LedgerConflict,
    LookAhead,
    SchemaMismatch,
    StorageFull,
    UsageError,
    WorkspaceVersion,
)
from gridloop.domain.reading import Channel
from gridloop.domain.table import Column, Kind, Label, Stage, Store, TableSpec
from gridloop.engine.lake import Lake
from gridloop.engine.migrations import migrate
from gridloop.engine.readings import reading_units, scan_units
from gridloop.engine.workspace import SCHEMA_VERSION, Workspace
from gridloop.testing.readings import day_vector, reading_rows, utc

DAY = date(2025, 3, 1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(
        Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=4, meter_ranges=4)
    )


def _regions(*names: str) -> pa.Table:
    known = pa.array([utc(2025, 1, 1)] * len(names), pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "region_id": list(names),
            "name": list(names),
            "level": ["county"] * len(names),
            "available_at": known,
        }
    )


def test_a_full_disk_leaves_the_published_table_and_no_file(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = lake.writer(Stage.DATA)
    writer.append("region", _regions("r-1"))
    before = set(lake.folder("region").rglob("*.parquet"))

    def no_room(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", no_room)
    with pytest.raises(StorageFull) as told:
        writer.append("region", _regions("r-2"))

    assert "free_mb" in told.value.evidence
    assert set(lake.folder("region").rglob("*.parquet")) == before
    assert lake.view().count("region") == 1


def test_rows_that_do_not_fit_the_declaration_are_refused_with_the_reason(lake: Lake) -> None:
    writer = lake.writer(Stage.DATA)

    with pytest.raises(SchemaMismatch) as told:
        writer.append(
            "region", _regions("r-1").drop_columns(["region_id"]).append_column("colour", pa.array(["red"]))
        )
    assert told.value.evidence == {"missing": ["region_id"], "unknown": ["colour"]}
    with pytest.raises(SchemaMismatch, match="must not be null"):
        writer.append("region", _regions("r-1").set_column(0, "region_id", pa.array([None], pa.string())))
    with pytest.raises(SchemaMismatch, match="cannot hold"):
        writer.append("region", _regions("r-1").set_column(3, "available_at", pa.array(["soon"])))
    assert not lake.view().exists("region")


def test_an_upsert_of_a_doubled_key_is_refused(lake: Lake) -> None:
    with pytest.raises(LedgerConflict):
        lake.writer(Stage.DATA).upsert("region", _regions("r-1", "r-1"))


def test_an_unknown_table_is_named_with_the_closest_ones(lake: Lake) -> None:
    with pytest.raises(UsageError, match="no lake table"):
        lake.view().arrow("raeding")


def test_a_time_without_zone_is_not_a_point_of_knowledge(lake: Lake) -> None:
    with pytest.raises(LookAhead, match="no time zone"):
        lake.view().at(utc(2025, 1, 1).replace(tzinfo=None))


def test_files_that_no_snapshot_refers_to_are_removed_and_others_are_not(lake: Lake) -> None:
    writer = lake.writer(Stage.DATA)
    writer.append("region", _regions("r-1"))
    writer.append("region", _regions("r-2"))
    stray = lake.folder("region") / "data" / "left-behind.parquet"
    stray.write_bytes(b"half a file")

    assert lake.maintenance("restore").remove_orphans() == 1
    assert not stray.exists()
    assert lake.view().count("region") == 2


def test_day_vectors_lie_in_meter_order_and_row_groups_cover_the_same_meters_every_month(lake: Lake) -> None:
    days = [DAY, DAY + timedelta(days=31)]
    rows = [day_vector(f"m-{i:03d}", day, [i] * 24) for day in days for i in range(200)]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])

    groups: dict[str, list[list[str]]] = {}
    for path in lake.view().files("reading"):
        with pq.ParquetFile(path) as file:
            meters = [
                file.read_row_group(g).column("meter_id").to_pylist()
                for g in range(file.metadata.num_row_groups)
            ]
            encodings = file.metadata.row_group(0).column(8).encodings
        assert "DELTA_BINARY_PACKED" in encodings
        groups.setdefault(path.parent.parent.name, []).append([sorted(set(group))[0] for group in meters])
    assert len(groups) == 4
    for months in groups.values():
        assert len(months) == 2
        assert months[0] == months[1]
        assert len(months[0]) == 4


def test_units_are_scanned_in_order_with_few_results_waiting(lake: Lake) -> None:
    rows = [day_vector(f"m-{i}", DAY + timedelta(days=31 * k), [1] * 24) for i in range(20) for k in range(6)]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])
    units = reading_units(lake.view(), Channel.IMPORT_WH)
    steps: list[tuple[int, int]] = []

    found = list(scan_units(units, lambda unit: unit, progress=lambda done, all_: steps.append((done, all_))))

    assert found == units
    assert steps[-1] == (len(units), len(units))
    assert reading_units(lake.view(), Channel.EXPORT_WH) == []


def test_only_the_months_asked_for_are_read(lake: Lake) -> None:
    rows = [day_vector("m-1", date(2025, month, 5), [1] * 24) for month in range(1, 7)]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])

    months = [
        u.month.month
        for u in reading_units(lake.view(), Channel.IMPORT_WH, start=date(2025, 2, 28), end=date(2025, 4, 1))
    ]

    assert months == [2, 3]


def _spec(*extra: Column) -> TableSpec:
    text = Column("name", Kind.STRING, Label("Name", "名称"))
    return TableSpec("thing", "test", Store.LAKE, Stage.DATA, ("name",), Label("Thing", "物"), (text, *extra))


def test_a_table_that_gained_a_column_is_migrated_and_old_rows_read_as_unknown(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w", zone="UTC", currency="GBP", buckets=1)
    old = Lake(workspace, {"thing": _spec()})
    old.writer(Stage.DATA).append("thing", pa.table({"name": ["a"]}))
    old.close()
    new = Lake(
        workspace,
        {"thing": _spec(Column("weight", Kind.DOUBLE, Label("Weight", "重量"), unit="kg", nullable=True))},
    )
    from gridloop.engine.migrations import add_declared_columns

    assert add_declared_columns(new, new.spec("thing")) == ["weight"]
    assert add_declared_columns(new, new.spec("thing")) == []
    new.writer(Stage.DATA).append("thing", pa.table({"name": ["b"], "weight": [2.5]}))
    assert sorted(new.view().arrow("thing").to_pylist(), key=lambda row: row["name"]) == [
        {"name": "a", "weight": None},
        {"name": "b", "weight": 2.5},
    ]


def test_migration_steps_run_once_each_and_a_killed_step_runs_again(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w", zone="UTC", currency="GBP", buckets=1)
    workspace.with_settings(schema_version=SCHEMA_VERSION - 1)
    calls: list[int] = []

    def step(opened: Workspace) -> None:
        calls.append(opened.config.schema_version)
        if len(calls) == 1:
            raise KeyboardInterrupt

    steps = {SCHEMA_VERSION - 1: step}
    with pytest.raises(KeyboardInterrupt):
        migrate(workspace.root, steps)
    with pytest.raises(WorkspaceVersion):
        Workspace.open(workspace.root)

    assert migrate(workspace.root, steps) == [SCHEMA_VERSION]
    assert calls == [SCHEMA_VERSION - 1] * 2
    assert Workspace.open(workspace.root).config.schema_version == SCHEMA_VERSION
    assert migrate(workspace.root, steps) == []
