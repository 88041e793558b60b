"""Writing lake tables as one stage: every call is one atomic commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gridloop.domain.errors import LedgerConflict
from gridloop.domain.ids import bucket_of
from gridloop.domain.table import Stage, TableSpec
from gridloop.engine.commit import commit_files
from gridloop.engine.durable import disk_full_is_told
from gridloop.engine.locations import to_location, to_path
from gridloop.engine.parquet import split_by_partition, write_file
from gridloop.engine.schema import arrow_schema, conform

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from gridloop.engine.lake import Lake


class LakeWriter:
    """Writes the tables that one stage owns. Get one from `Lake.writer`."""

    def __init__(self, lake: Lake, stage: Stage) -> None:
        self.lake = lake
        self.stage = stage

    def append(self, name: str, rows: pa.Table) -> int | None:
        """Add rows.

        Args:
            name: a table of this stage.
            rows: Arrow rows with the table's columns; nullable ones may be absent.

        Returns:
            The table's snapshot id after the commit.

        Raises:
            WriterNotOwner, SchemaMismatch, StorageFull: nothing was written.
        """
        spec = self.lake.check_owner(name, self.stage)
        return self._commit(spec, [conform(spec, rows)], remove=())

    def replace(self, name: str, rows: pa.Table | Iterable[pa.Table]) -> int | None:
        """Put `rows` in the place of all rows of the table, in one commit; of several tables one is held at a time."""
        spec = self.lake.check_owner(name, self.stage)
        table = self.lake.iceberg_table(name)
        parts = (conform(spec, part) for part in ([rows] if isinstance(rows, pa.Table) else rows))
        return self._commit(spec, parts, remove=data_files(table) if table else ())

    def upsert(self, name: str, rows: pa.Table) -> int | None:
        """Add rows, taking out rows of equal key first; it counts as new content even where rows are equal.

        Raises:
            LedgerConflict: two of the new rows have the same key.
        """
        spec = self.lake.check_owner(name, self.stage)
        fresh = conform(spec, rows)
        keys = list(spec.key)
        if fresh.group_by(keys).aggregate([]).num_rows != fresh.num_rows:
            raise LedgerConflict(
                f"Rows for table {name!r} hold the same key more than once.",
                evidence={"key": keys, "rows": fresh.num_rows},
            )
        table = self.lake.iceberg_table(name)
        if table is None:
            return self._commit(spec, [fresh], remove=())
        rewritten, removed = [], []
        marked = fresh.select(keys).append_column("_new", pa.array([True] * fresh.num_rows))
        for file in data_files(table):
            held = self._read(spec, file)
            joined = held.select(keys).append_column("_row", pa.array(range(held.num_rows)))
            kept = joined.join(marked, keys=keys, join_type="left anti").column("_row")
            if len(kept) < held.num_rows:
                rewritten.append(held.take(kept))
                removed.append(file)
        return self._commit(spec, [*rewritten, fresh], remove=removed)

    def delete(self, name: str, where: Mapping[str, Sequence[object]]) -> int:
        """Take out the rows in which any of the named columns holds one of the values.

        Returns:
            How many rows went.
        """
        return delete_rows(self.lake, self.lake.check_owner(name, self.stage), where)

    def append_readings(self, batches: Iterable[pa.Table]) -> int:
        """Add day-vectors to `reading`, all batches in one commit.

        Each batch becomes one file per bucket and month, so a batch should hold whole months of many meters.

        Args:
            batches: tables with the columns of `reading` without `bucket`, rows in any order.

        Returns:
            How many rows were added.
        """
        spec = self.lake.check_owner("reading", self.stage)
        buckets: dict[str, int] = {}
        count = self.lake.workspace.config.buckets
        rows = 0

        def with_bucket() -> Iterable[pa.Table]:
            nonlocal rows
            for batch in batches:
                if batch.num_rows == 0:
                    continue
                rows += batch.num_rows
                meters = batch.column("meter_id").combine_chunks().dictionary_encode()
                for meter in meters.dictionary.to_pylist():
                    if meter not in buckets:
                        buckets[meter] = bucket_of(meter, count)
                numbers = pa.array([buckets[m] for m in meters.dictionary.to_pylist()], pa.int32())
                yield conform(spec, batch.append_column("bucket", numbers.take(meters.indices)))

        self._commit(spec, with_bucket(), remove=())
        return rows

    def _read(self, spec: TableSpec, file: DataFile) -> pa.Table:
        return read_file(self.lake.workspace.root, spec, file)

    def _commit(self, spec: TableSpec, tables: Iterable[pa.Table], remove: Sequence[DataFile]) -> int | None:
        return commit_rows(self.lake, spec, tables, remove)


def commit_rows(
    lake: Lake,
    spec: TableSpec,
    tables: Iterable[pa.Table],
    remove: Sequence[DataFile],
    content: str | None = None,
) -> int | None:
    """Write tables as files and swap them in for `remove`, in one commit; a failed write or commit leaves no file.

    `content` keeps the table's content mark where only files change, see `commit.CONTENT`.
    """
    root = lake.workspace.root
    table = lake.iceberg_table(spec.name, create=True)
    assert table is not None
    before = table.current_snapshot()
    written: list[Path] = []
    try:
        for rows in tables:
            for part, piece in split_by_partition(spec, rows):
                folder = lake.folder(spec.name) / "data" / part
                ranges = lake.workspace.config.meter_ranges
                written.append(write_file(folder, piece, meter_ranges=ranges, clustered=spec.clustered))
        with disk_full_is_told(lake.workspace.lake_dir):
            locations = [to_location(root, path) for path in written]
            return commit_files(table, add=locations, remove=remove, content=content)
    except BaseException:
        with suppress(Exception):  # what went wrong first is what has to be told
            # an interrupt may come after the commit: files that the table's new head names must stay
            if table.refresh().current_snapshot() == before:
                for path in written:
                    path.unlink(missing_ok=True)
        raise


def delete_rows(lake: Lake, spec: TableSpec, where: Mapping[str, Sequence[object]]) -> int:
    """Rewrite the files of a table without the rows that match any of `where`; returns how many rows went."""
    table = lake.iceberg_table(spec.name)
    if table is None:
        return 0
    gone = 0
    removed = []
    for file in data_files(table):
        kept = _rows_without(read_file(lake.workspace.root, spec, file), where)
        if kept.num_rows < file.record_count:
            gone += file.record_count - kept.num_rows
            removed.append(file)
    if removed:
        # read again, one file at a time: a meter's files are all months of its bucket, too many to hold
        files = (read_file(lake.workspace.root, spec, file) for file in removed)
        commit_rows(lake, spec, (_rows_without(rows, where) for rows in files), removed)
    return gone


def _rows_without(rows: pa.Table, where: Mapping[str, Sequence[object]]) -> pa.Table:
    hit = None
    for column, values in where.items():
        match = pc.fill_null(
            pc.is_in(rows.column(column), pa.array(list(values), rows.schema.field(column).type)), False
        )
        hit = match if hit is None else pc.or_(hit, match)
    return rows if hit is None else rows.filter(pc.invert(hit))


def data_files(table: Table, snapshot_id: int | None = None) -> list[DataFile]:
    """The data files of a table's snapshot (the current one when not given)."""
    if table.current_snapshot() is None:
        return []
    return [task.file for task in table.scan(snapshot_id=snapshot_id).plan_files()]


def read_file(root: Path, spec: TableSpec, file: DataFile) -> pa.Table:
    """All rows of one data file with the table's present columns."""
    return conform(spec, pq.read_table(to_path(root, file.file_path), partitioning=None)).cast(
        arrow_schema(spec)
    )
