"""Archive rows for sources that have readings only: one row for each meter that delivered something."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from gridloop.data.identity import Identities
from gridloop.data.meters import MeterBook
from gridloop.data.quarantine import QuarantineBook, RowVerdicts
from gridloop.data.recipe import ColumnType, Recipe, SourceColumn, SourceFile
from gridloop.data.table_rows import CanonicalRows, TableJob, feed_rows
from gridloop.data.tally import FileTally
from gridloop.data.vectors import DayVectorRows

COLUMNS = {
    "meter": SourceColumn(type=ColumnType.STRING),
    "first_day": SourceColumn(type=ColumnType.DATE),
    "last_day": SourceColumn(type=ColumnType.DATE),
}
"""What a `per_meter` feed may take its columns from."""


class MeterDays:
    """Watches day-vectors pass by and remembers the first and last day of each meter."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        self._last: dict[int, int] = {}

    def watch(self, vectors: Iterator[DayVectorRows]) -> Iterator[DayVectorRows]:
        """The same day-vectors, unchanged."""
        for rows in vectors:
            meters, inverse = np.unique(rows.meter, return_inverse=True)
            first = np.full(len(meters), np.iinfo(np.int32).max, np.int64)
            last = np.full(len(meters), np.iinfo(np.int32).min, np.int64)
            np.minimum.at(first, inverse, rows.day)
            np.maximum.at(last, inverse, rows.day)
            for meter, begin, end in zip(meters.tolist(), first.tolist(), last.tolist(), strict=True):
                self._first[meter] = min(begin, self._first.get(meter, begin))
                self._last[meter] = max(end, self._last.get(meter, end))
            yield rows

    def rows(self, recipe: Recipe, file: SourceFile, meters: MeterBook, number: int) -> list[CanonicalRows]:
        """Rows of the tables in the file's `per_meter`, by meter id; they belong to no source row.

        Args:
            number: of the role's first file in the run.
        """
        ids = meters.ids.to_pylist()
        order = sorted(self._first, key=lambda meter: ids[meter])
        table = pa.table(
            {
                "meter": pa.array([ids[meter] for meter in order], pa.string()),
                "first_day": pa.array([self._first[meter] for meter in order], pa.int32()).cast(pa.date32()),
                "last_day": pa.array([self._last[meter] for meter in order], pa.int32()).cast(pa.date32()),
            }
        )
        declared = file.model_copy(update={"columns": COLUMNS})
        tally = FileTally(number, "", "", 0, recipe.name, file.role, QuarantineBook(None))
        plain_ids = recipe.model_copy(
            update={"identity": recipe.identity.model_copy(update={"pseudonymise": {}})}
        )
        job = TableJob(plain_ids, declared, Identities(plain_ids, None), tally, 0)
        made = []
        for feed in file.per_meter:
            rows, index = feed_rows(job, feed, table, RowVerdicts.good(table.num_rows))
            made.append(
                CanonicalRows(
                    feed.table, rows, np.full(len(index), number, np.int32), np.full(len(index), -1, np.int64)
                )
            )
        return made
