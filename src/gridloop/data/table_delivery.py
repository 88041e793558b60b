"""Canonical rows of several files are gathered, merged with the lake and appended, table by table."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.identity import People
from gridloop.data.merge import merge
from gridloop.data.table_rows import CanonicalRows
from gridloop.data.tally import FileTally
from gridloop.domain.table import Stage, Store
from gridloop.domain.tables import CATALOGUE

if TYPE_CHECKING:
    from gridloop.engine.lake import Lake

FULL_ROWS = 500_000
"""Rows gathered before they are merged and written."""


class TableDelivery:
    """Gathers canonical rows and writes them.

    Args:
        lake: where they go.
        people: where rows of vault tables go.
        received_us: when the import received its files.
        tallies: by file number; shared with the import, which adds to it.
    """

    def __init__(self, lake: Lake, people: People, received_us: int, tallies: list[FileTally]) -> None:
        self._lake = lake
        self._people = people
        self._received_us = received_us
        self._tallies = tallies
        self._gathered: dict[str, list[CanonicalRows]] = defaultdict(list)
        self._rows = 0
        self.counts: dict[str, int] = {}

    def take(self, rows: list[CanonicalRows]) -> None:
        """Gather rows."""
        for part in rows:
            self._gathered[part.table].append(part)
            self._rows += len(part.file)

    @property
    def is_full(self) -> bool:
        """Whether so many rows are gathered that they should be written."""
        return self._rows >= FULL_ROWS

    def count(self, table: str, rows: int) -> None:
        """Note rows appended to a table."""
        self.counts[table] = self.counts.get(table, 0) + rows

    def flush(self, *, ordered: bool) -> None:
        """Write what is gathered, and count its source rows as accepted or superseded.

        A source row is accepted when at least one of the rows made from it was news.

        Args:
            ordered: whether knowledge times come from the source.
        """
        files: list[NDArray[np.int32]] = []
        sources: list[NDArray[np.int64]] = []
        news: list[NDArray[np.bool_]] = []
        for name, parts in sorted(self._gathered.items()):
            rows = pa.concat_tables([part.rows for part in parts])
            file = np.concatenate([part.file for part in parts])
            source = np.concatenate([part.source_row for part in parts])
            appended, conflicting = self._write(name, rows, ordered=ordered)
            for number in np.unique(file[conflicting]):
                self._tallies[number].conflicts += int((file[conflicting] == number).sum())
            files.append(file)
            sources.append(source)
            news.append(appended)
        if files:
            self._account(np.concatenate(files), np.concatenate(sources), np.concatenate(news))
        self._gathered.clear()
        self._rows = 0

    def _write(
        self, name: str, rows: pa.Table, *, ordered: bool
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        spec = CATALOGUE[name]
        nothing = np.zeros(rows.num_rows, np.bool_)
        if spec.store is Store.VAULT:
            self._people.put_people(rows.to_pylist())
            self.count("people", rows.num_rows)
            return ~nothing, nothing
        if rows.num_rows == 0:
            return nothing, nothing
        view = self._lake.view()
        merged = merge(spec, rows, view, self._received_us, ordered=ordered)
        view.close()
        if merged.rows.num_rows:
            self._lake.writer(Stage.DATA).append(name, merged.rows)
        self.count(name, merged.rows.num_rows)
        return merged.appended, merged.conflicting

    def _account(self, file: NDArray[np.int32], source: NDArray[np.int64], news: NDArray[np.bool_]) -> None:
        real = source >= 0
        key = file[real].astype(np.int64) << 40 | source[real]
        unique, inverse = np.unique(key, return_inverse=True)
        accepted = np.zeros(len(unique), np.bool_)
        np.logical_or.at(accepted, inverse, news[real])
        owner = unique >> 40
        for number in np.unique(owner):
            mine = accepted[owner == number]
            self._tallies[number].count(rows_accepted=int(mine.sum()), rows_superseded=int((~mine).sum()))
