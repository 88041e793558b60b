"""Parquet files as source batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridloop.data.recipe import SourceFile
from gridloop.data.sources.batches import BATCH_ROWS, MalformedRow, Opener, SourceBatch
from gridloop.domain.errors import SourceUnreadable

_LONG_BATCH_ROWS = 1_048_576


class ParquetReader:
    """One Parquet file; only the columns that the recipe names are read.

    Raises:
        SourceUnreadable: not a Parquet file, or truncated.
    """

    def __init__(self, opener: Opener, name: str, file: SourceFile) -> None:
        self._opener = opener
        self._name = name
        self._wanted = file.column_names
        self._batch_rows = BATCH_ROWS if file.layout == "wide" else _LONG_BATCH_ROWS
        try:
            with opener() as handle:
                self._found = tuple(pq.ParquetFile(handle).schema_arrow.names)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names as the file has them."""
        return self._found

    @property
    def malformed(self) -> list[MalformedRow]:
        """Always empty: a Parquet file has no malformed rows."""
        return []

    def batches(self) -> Iterator[SourceBatch]:
        """All rows in order."""
        wanted = [column for column in self._wanted if column in self._found]
        first = 0
        with self._opener() as handle:
            try:
                for batch in pq.ParquetFile(handle).iter_batches(batch_size=self._batch_rows, columns=wanted):
                    rows = np.arange(first, first + batch.num_rows, dtype=np.int64)
                    first += batch.num_rows
                    yield SourceBatch(rows, pa.Table.from_batches([batch]))
            except (pa.ArrowException, OSError) as error:
                raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> SourceUnreadable:
        return SourceUnreadable(
            f"File {self._name!r} cannot be read as Parquet.",
            evidence={"reason": str(error).split("\n")[0][:200]},
            ways_out=("Fetch the file again; it may be truncated.", "Check that it is a Parquet file."),
        )
