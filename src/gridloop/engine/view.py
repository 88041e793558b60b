"""Reading lake tables at one published state, and at one point of knowledge."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as pads

from gridloop.domain.errors import LookAhead
from gridloop.domain.table import TableSpec
from gridloop.engine.commit import snapshot_gone
from gridloop.engine.functions import known_rows
from gridloop.engine.locations import to_path
from gridloop.engine.lookup import Condition, Equals, OneOf, lookup_query
from gridloop.engine.maintenance import SPILL
from gridloop.engine.schema import arrow_schema
from gridloop.engine.spool import Spool
from gridloop.engine.writer import data_files

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from pyiceberg.manifest import DataFile

    from gridloop.engine.lake import Lake


class LakeView:
    """Every table at the snapshot that one manifest names; it never changes while it is used.

    Args:
        lake: the lake.
        snapshots: table name to snapshot id; a table not named is empty.
        known_at: when set, nothing that became available later can be read, and asking for it raises.
    """

    def __init__(self, lake: Lake, snapshots: Mapping[str, int], known_at: datetime | None = None) -> None:
        self.lake = lake
        self.snapshots = dict(snapshots)
        self.known_at = known_at
        self._connection: Any = None
        self._stored: dict[str, ir.Table] = {}
        self._sources: dict[str, str] = {}
        self._known: set[str] = set()
        self._listed: dict[str, list[DataFile]] = {}
        self._paths: dict[str, list[Path]] = {}
        self._spill = lake.workspace.lake_dir

    def at(self, known_at: datetime) -> LakeView:
        """The same tables as they were known at `known_at` (aware datetime).

        Raises:
            LookAhead: this view already stands at an earlier time.
        """
        return type(self)(self.lake, self.snapshots, self.checked(known_at))

    def checked(self, as_of: datetime | None) -> datetime | None:
        """The time of knowledge a read is limited to.

        Raises:
            LookAhead: `as_of` lies after this view's own limit, or carries no zone.
        """
        if as_of is not None and as_of.tzinfo is None:
            raise LookAhead(f"as_of {as_of} has no time zone.", ways_out=("Give an aware UTC datetime.",))
        if self.known_at is not None and as_of is not None and as_of > self.known_at:
            raise LookAhead(
                "A computation asked for rows that were not available yet at its point of knowledge.",
                evidence={"known_at": self.known_at.isoformat(), "asked_for": as_of.isoformat()},
                ways_out=("Take rows only through the view that the computation was given.",),
            )
        return as_of if as_of is not None else self.known_at

    def exists(self, name: str) -> bool:
        """Whether the table has published rows."""
        self.lake.spec(name)
        return name in self.snapshots

    def share_files(self, other: LakeView) -> None:
        """Take over which files the tables have from a view at the same snapshots; listing them anew is slow."""
        if self.snapshots == other.snapshots:
            self._listed, self._paths = other._listed, other._paths

    def files(self, name: str) -> list[Path]:
        """The Parquet files of the table's published snapshot, sorted.

        Raises:
            GridloopError: that snapshot is gone; an empty answer would be a wrong one.
        """
        if name not in self._paths:
            root = self.lake.workspace.root
            self._paths[name] = sorted(to_path(root, file.file_path) for file in self._data_files(name))
        return self._paths[name]

    def count(self, name: str) -> int:
        """Number of rows, all revisions counted; raises like `files`."""
        return sum(file.record_count for file in self._data_files(name))

    def _data_files(self, name: str) -> list[DataFile]:
        """The files of the published snapshot; listed once, since a snapshot never changes."""
        snapshot = self.snapshots.get(name)
        if snapshot is None:
            return []
        if name not in self._listed:
            table = self.lake.iceberg_table(name)
            if table is None or table.snapshot_by_id(snapshot) is None:
                raise snapshot_gone([name])
            self._listed[name] = data_files(table, snapshot)
        return self._listed[name]

    def find(
        self,
        name: str,
        where: Sequence[Condition],
        columns: Sequence[str] | None = None,
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> pa.Table:
        """The rows that meet conditions, as known at the view's own limit; for a few rows of many, quickly.

        Args:
            name: table.
            where: conditions, all of which hold (`engine.lookup`).
            columns: which; all when not given.
            order: columns to sort by, ascending.
            limit: rows at most.

        Raises:
            UsageError: a column is not one of the table's.
        """
        files = self._buckets_files(name, where)
        return self._looked_up(name, where, columns, files, order, limit)

    def matching(self, name: str, where: Sequence[Condition]) -> int:
        """How many rows meet conditions; as `find`."""
        counted = self._looked_up(name, where, (), self._buckets_files(name, where))
        return int(counted.column(0)[0].as_py())

    def _looked_up(
        self,
        name: str,
        where: Sequence[Condition],
        columns: Sequence[str] | None,
        files: list[str] | None,
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> pa.Table:
        connection = self._connected().con

        def known(table: str) -> tuple[TableSpec, str]:
            source = self._complete(table) if files is None or table != name else self._of_files(name, files)
            return self.lake.spec(table), source

        statement, parameters = lookup_query(
            known, name, where, columns, as_of=self.known_at, order=order, limit=limit
        )
        from duckdb import IOException

        try:
            return connection.execute(statement, parameters).to_arrow_table()
        except IOException as error:  # a file was taken away, or cannot be read any more
            raise snapshot_gone([name]) from error

    def _buckets_files(self, name: str, where: Sequence[Condition]) -> list[str] | None:
        """The files of the buckets that a look-up asks for, of a table that is cut by bucket; None for all."""
        if not any(column.name == "bucket" for column in self.lake.spec(name).columns):
            return None
        wanted = {value for one in where for value in _values(one) if one.column == "bucket"}
        if not wanted:
            return None
        names = {f"bucket={value}" for value in wanted}
        return [str(file) for file in self.files(name) if names.intersection(file.parts)]

    def _of_files(self, name: str, files: Sequence[str]) -> str:
        """What a statement reads some of a table's files from, with every declared column."""
        empty = f"empty_{name}"
        if empty not in self._known:
            nothing = _nullable(arrow_schema(self.lake.spec(name))).empty_table()
            self._connected().create_table(empty, nothing, temp=True)
            self._known.add(empty)
        if not files:
            return empty
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        read = f"read_parquet([{listed}], union_by_name=true, hive_partitioning=false)"
        return f"(SELECT * FROM {read} UNION ALL BY NAME SELECT * FROM {empty})"

    def _complete(self, name: str) -> str:
        """What a statement reads a table's stored rows from, with every declared column."""
        if name not in self._sources:
            registered, spec = self._registered(name), self.lake.spec(name)
            held = set(self._connected().con.table(registered).columns)
            absent = [column.name for column in spec.columns if column.name not in held]
            nulls = "".join(f', NULL AS "{column}"' for column in absent)
            self._sources[name] = f"(SELECT *{nulls} FROM {registered})" if absent else registered
        return self._sources[name]

    def arrow(
        self,
        name: str,
        *,
        as_of: datetime | None = None,
        columns: Sequence[str] | None = None,
        history: bool = False,
    ) -> pa.Table:
        """Rows as Arrow.

        Args:
            name: table.
            as_of: rows with `available_at <= as_of`, the latest of each key; the view's own limit when not given.
            columns: which; all when not given.
            history: every revision instead of the latest of each.

        Raises:
            LookAhead: see `checked`.
        """
        spec = self.lake.spec(name)
        limit = self.checked(as_of)
        if spec.bitemporal and not (history and limit is None):
            expression = self.table(name, as_of=as_of, history=history)
            if columns is not None:
                expression = expression.select(*columns)
            return expression.to_pyarrow().cast(_subset(spec, columns))
        files = self.files(name)
        schema = _nullable(arrow_schema(spec))
        if not files:
            rows = schema.empty_table()
        else:
            rows = pads.dataset([str(file) for file in files], schema=schema, format="parquet").to_table()
        return rows.select([c.name for c in spec.columns] if columns is None else list(columns)).cast(
            _subset(spec, columns)
        )

    def table(self, name: str, *, as_of: datetime | None = None, history: bool = False) -> ir.Table:
        """Rows as an Ibis expression over the snapshot's files; arguments as for `arrow`."""
        spec = self.lake.spec(name)
        limit = self.checked(as_of)
        rows = self.stored(name)
        if not spec.bitemporal:
            return rows
        return known_rows(rows, spec, limit, latest=not history)

    def stored(self, name: str) -> ir.Table:
        """Every stored row of a table as an Ibis expression, whatever its knowledge time."""
        if name not in self._stored:
            self._stored[name] = self._expression(name)
        return self._stored[name]

    def _expression(self, name: str) -> ir.Table:
        import ibis

        spec = self.lake.spec(name)
        rows = self._connected().table(self._registered(name))
        absent = {c.name: ibis.null() for c in spec.columns if c.name not in rows.columns}
        schema = ibis.Schema.from_pyarrow(_nullable(arrow_schema(spec)))
        absent = {name: value.cast(schema[name]) for name, value in absent.items()}
        return rows.mutate(**absent).select(*(c.name for c in spec.columns))

    def _connected(self) -> Any:
        """The query connection, opened when first used."""
        import ibis

        if self._connection is None:
            # a folder of its own: DuckDB names its spill files alike in every process, which then read each other's
            self._spill = self.lake.workspace.lake_dir / f"{SPILL}{uuid.uuid4().hex}"
            self._connection = ibis.duckdb.connect(threads=2, temp_directory=str(self._spill))
            self._connection.raw_sql("SET TimeZone = 'UTC'")
        return self._connection

    def _registered(self, name: str) -> str:
        """Name under which the connection knows the files of a table."""
        registered = f"{name}_{self.snapshots.get(name, 0)}"
        connection = self._connected()
        if registered not in self._known:
            files = [str(file) for file in self.files(name)]
            if lost := [file for file in files if not Path(file).exists()]:
                raise snapshot_gone([name]) from FileNotFoundError(lost[0])
            if files:
                connection.read_parquet(
                    files, table_name=registered, union_by_name=True, hive_partitioning=False
                )
            else:
                empty = _nullable(arrow_schema(self.lake.spec(name))).empty_table()
                connection.create_table(registered, empty, temp=True)
            self._known.add(registered)
        return registered

    def digest(self, name: str) -> str:
        """Content digest of a table: equal for equal rows in any order and any files, without volatile columns.

        Two sums of halves of each row's MD5 and the row count, so that a row present twice counts twice.
        """
        spec = self.lake.spec(name)
        registered, connection = self._registered(name), self._connected().con
        held = connection.table(registered).columns
        kept = [c.name for c in spec.columns if not c.volatile]
        text = " || chr(31) || ".join(
            f'coalesce(CAST("{column}" AS VARCHAR), chr(30))' if column in held else "chr(30)"
            for column in kept
        )
        count, low, high = connection.execute(
            f"SELECT count(*), sum(md5_number_lower(line)), sum(md5_number_upper(line)) "
            f"FROM (SELECT {text} AS line FROM {registered})"
        ).fetchone()
        return f"{count}:{int(low or 0):x}:{int(high or 0):x}"

    def digests(self) -> dict[str, str]:
        """`digest` of every published table."""
        return {name: self.digest(name) for name in sorted(self.snapshots)}

    def spool(self) -> Spool:
        """A place on disk for results that are too large to be held; use it as a context manager."""
        return Spool(self.lake.workspace.lake_dir)

    def close(self) -> None:
        """Free the query connection."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
            self._stored.clear()
            self._sources.clear()
            self._known.clear()
            shutil.rmtree(self._spill, ignore_errors=True)


def _values(one: Condition) -> Sequence[object]:
    return [one.value] if isinstance(one, Equals) else one.values if isinstance(one, OneOf) else ()


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def _subset(spec: TableSpec, columns: Sequence[str] | None) -> pa.Schema:
    schema = arrow_schema(spec)
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])
