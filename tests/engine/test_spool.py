"""What is set aside on disk comes back once, in order and whole, and nothing of it stays."""

from __future__ import annotations

import errno
from pathlib import Path

import pyarrow as pa
import pytest

from gridloop.domain.errors import StorageFull
from gridloop.domain.table import Stage
from gridloop.engine.lake import Lake
from gridloop.engine.spool import Spool, feather, gathered
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import utc


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": pa.array(values, pa.int32()), "text": pa.array([str(v) for v in values])})


def test_tables_come_back_in_order_by_group_and_once(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for group, values in (("b", (1, 2)), ("a", (3,)), ("b", (4,)), ("a", ())):
            spool.add(numbers(*values), group)
        assert spool.groups() == ["b", "a"]
        assert [t["n"].to_pylist() for t in spool.tables("b")] == [[1, 2], [4]]
        assert list(spool.tables("b")) == [] and list(spool.tables("unknown")) == []
        assert next(spool.tables("a")).equals(numbers(3))
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_nothing_on_disk(tmp_path: Path) -> None:
    with pytest.raises(ValueError), Spool(tmp_path) as spool:
        spool.add(numbers(1))
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(feather, "write_feather", full)
    with Spool(tmp_path) as spool, pytest.raises(StorageFull):
        spool.add(numbers(1))


def test_what_a_killed_process_left_goes_with_the_spill_of_its_queries(tmp_path: Path) -> None:
    lake = Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=2))
    lake.writer(Stage.DATA).append("region", regions("r-1"))
    Spool(lake.workspace.lake_dir).__enter__().add(numbers(1))
    assert lake.maintenance("mend").remove_spills() == 1
    assert not list(lake.workspace.lake_dir.glob(".spill-*"))


def test_tables_are_gathered_until_they_are_large_and_no_row_is_lost() -> None:
    parts = [numbers(*range(size)) for size in (3, 0, 4, 5, 1)]
    assert [table.num_rows for table in gathered(parts, rows=6)] == [7, 6]
    assert list(gathered([numbers()])) == []


def test_a_table_is_replaced_by_tables_that_come_one_at_a_time(tmp_path: Path) -> None:
    lake = Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=2))
    writer = lake.writer(Stage.DATA)
    writer.append("region", regions("old"))
    writer.replace("region", (regions(name) for name in ("r-1", "r-2")))
    assert sorted(lake.view().arrow("region")["region_id"].to_pylist()) == ["r-1", "r-2"]
    writer.replace("region", iter(()))
    assert lake.view().count("region") == 0


def regions(*names: str) -> pa.Table:
    known = pa.array([utc(2025, 1, 1)] * len(names), pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "region_id": list(names),
            "name": list(names),
            "level": ["county"] * len(names),
            "available_at": known,
        }
    )
