"""A lake that lacks what was published says so and removes nothing; writes that fail leave nothing behind."""

from __future__ import annotations

import errno
from pathlib import Path

import pyarrow as pa
import pytest

from gridloop.domain.errors import GridloopError, StorageFull
from gridloop.domain.table import Stage
from gridloop.engine import writer as writing
from gridloop.engine.lake import Lake
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import utc


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=2))
    made.writer(Stage.DATA).append("region", _regions("r-1"))
    return made


def _regions(*names: str) -> pa.Table:
    known = pa.array([utc(2025, 1, 1)] * len(names), pa.timestamp("us", tz="UTC"))
    level = ["county"] * len(names)
    return pa.table({"region_id": list(names), "name": list(names), "level": level, "available_at": known})


def _files(lake: Lake) -> set[Path]:
    return set(lake.folder("region").rglob("*.parquet"))


def test_a_view_of_a_snapshot_that_is_gone_raises_instead_of_reading_nothing(lake: Lake) -> None:
    published = lake.heads()
    lake.writer(Stage.DATA).append("region", _regions("r-2"))
    lake.maintenance("compaction").purge_history()

    view = lake.view(published)

    for read in (view.files, view.count, view.arrow, view.digest):
        with pytest.raises(GridloopError, match="does not hold what was published of region"):
            read("region")


def test_a_snapshot_that_was_published_but_is_unknown_stops_the_restore(lake: Lake) -> None:
    before = lake.heads()

    with pytest.raises(GridloopError, match="of region") as told:
        lake.restore({"region": 1})

    assert told.value.evidence == {"tables": "region"}
    assert lake.heads() == before


def test_a_lost_catalogue_does_not_cost_the_files(lake: Lake) -> None:
    published, files = lake.heads(), _files(lake)
    lake.close()
    (lake.workspace.lake_dir / "catalogue.db").unlink()
    again = Lake(lake.workspace)

    with pytest.raises(GridloopError, match="of region"):
        again.restore(published)

    assert again.lost(published) == ["region"]
    assert _files(again) == files
    again.close()


def test_a_commit_without_room_leaves_no_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    files = _files(lake)

    def no_room(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing, "commit_files", no_room)
    with pytest.raises(StorageFull):
        lake.writer(Stage.DATA).append("region", _regions("r-2"))

    assert _files(lake) == files
    assert lake.view().count("region") == 1


def test_an_interrupt_right_after_the_commit_keeps_the_files_it_named(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = writing.commit_files

    def commit_and_stop(*args: object, **kwargs: object) -> None:
        commit(*args, **kwargs)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "commit_files", commit_and_stop)
    with pytest.raises(KeyboardInterrupt):
        lake.writer(Stage.DATA).append("region", _regions("r-2"))

    assert sorted(lake.view().arrow("region").column("region_id").to_pylist()) == ["r-1", "r-2"]


def test_every_view_spills_into_a_folder_of_its_own(lake: Lake) -> None:
    views = [lake.view(), lake.view()]

    folders = set()
    for view in views:
        connection = view.table("region")._find_backend().con
        folders.add(connection.execute("SELECT current_setting('temp_directory')").fetchone()[0])

    assert len(folders) == 2
    assert {Path(folder).parent for folder in folders} == {lake.workspace.lake_dir}


def test_every_declared_table_has_a_digest_whatever_its_columns_are_called(lake: Lake) -> None:
    view = lake.view()

    assert {view.digest(name) for name in lake.specs if name != "region"} == {"0:0:0"}


def test_rows_are_taken_out_of_every_file_that_has_them_and_of_no_other(lake: Lake) -> None:
    for names in (("r-2", "r-3"), ("r-3",), ("r-4", "r-5")):
        lake.writer(Stage.DATA).append("region", _regions(*names))
    untouched = _files(lake)

    assert lake.writer(Stage.DATA).delete("region", {"region_id": ["r-3", "r-9"], "name": ["r-2"]}) == 3

    assert sorted(lake.view().arrow("region").column("region_id").to_pylist()) == ["r-1", "r-4", "r-5"]
    assert set(lake.view().files("region")) < untouched
