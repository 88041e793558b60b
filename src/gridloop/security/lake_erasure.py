"""Erasure from the lake: the `TableEraser` over the engine's maintenance principal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from gridloop.engine.commit import CONTENT, content_of
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema


class LakeEraser:
    """Finds and removes rows of a lake at its heads; use it under the workspace lock, and make it for one erasure.

    Args:
        lake: the lake, put back to what was published.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._maintenance = lake.maintenance("erasure")
        self._opened: dict[str, Any] = {}

    def names(self) -> Sequence[str]:
        """Names of the tables that have rows."""
        return sorted(self._lake.heads())

    def rows(
        self, table: str, columns: Sequence[str], where: Mapping[str, Sequence[str]]
    ) -> list[tuple[object, ...]]:
        """Distinct values of some columns, of the rows in which any column of `where` holds one of its values."""
        found = self._dataset(table).to_table(columns=list(columns), filter=_any(where))
        distinct = found.group_by(list(columns)).aggregate([])
        return list(zip(*(distinct.column(name).to_pylist() for name in columns), strict=True))

    def count(self, table: str, where: Mapping[str, Sequence[str]]) -> int:
        """How many rows match."""
        return int(self._dataset(table).count_rows(filter=_any(where))) if where else 0

    def texts(self, table: str, column: str, pattern: str) -> list[str]:
        """Distinct values of a text column that match a regular expression (RE2)."""
        matching = pc.match_substring_regex(pads.field(column).cast(pa.string()), pattern)
        values = self._dataset(table).to_table(columns=[column], filter=matching).column(column)
        return [str(value) for value in pc.unique(values).to_pylist()]

    def delete(self, table: str, where: Mapping[str, Sequence[str]]) -> int:
        """Take the matching rows out, in one commit; returns how many."""
        self._opened.pop(table, None)
        return self._maintenance.delete(table, where) if where else 0

    def heads(self) -> Mapping[str, int]:
        """Table to current snapshot, to be published."""
        return self._lake.heads()

    def forget_removed_files(self) -> int:
        """Drop what the metadata still says of removed files: their entries carry lowest and highest values, ids too.

        A removal writes a manifest of removed entries that later snapshots inherit; an append of nothing leaves
        such manifests behind. It makes new heads, so it comes before they are published.

        Returns:
            How many tables had such entries.
        """
        count = 0
        self._opened.clear()
        for name in self.names():
            table = self._lake.iceberg_table(name)
            current = table.current_snapshot() if table is not None else None
            if table is None or current is None:
                continue
            manifests = current.manifests(table.io)
            if all(one.has_added_files() or one.has_existing_files() for one in manifests):
                continue
            same_content = {CONTENT: content_of(table, current.snapshot_id)}
            with table.transaction() as transaction, transaction.update_snapshot(same_content).fast_append():
                count += 1
        return count

    def purge_history(self) -> int:
        """Expire all earlier snapshots and remove their files; returns how many files."""
        return self._maintenance.purge_history()

    def _dataset(self, table: str) -> Any:
        if table not in self._opened:
            schema = pa.schema([field.with_nullable(True) for field in arrow_schema(self._lake.spec(table))])
            files = self._lake.view().files(table)
            self._opened[table] = pads.dataset([str(file) for file in files], schema=schema, format="parquet")
        return self._opened[table]


def _any(where: Mapping[str, Sequence[str]]) -> Any:
    expression = None
    for column, values in where.items():
        match = pads.field(column).isin(list(values))
        expression = match if expression is None else expression | match
    return expression
