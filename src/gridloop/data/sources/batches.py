"""What every file format gives: batches of rows that know their number in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

BATCH_ROWS = 65_536
"""Rows read at a time; with 96 values a row, about 25 MB of values."""

Opener = Callable[[], BinaryIO]
"""Opens the landed bytes of a file, from the beginning, each time it is called."""


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Some rows of a file.

    Attributes:
        rows: int64[n], 0-based number of each row in the file, the header not counted.
        table: the rows; columns of CSV files are text, those of Parquet files have the file's types.
    """

    rows: NDArray[np.int64]
    table: pa.Table


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row that could not be split into the columns of the header: its number and its text as it came."""

    row: int
    text: str


class SourceReader(Protocol):
    """One opened file."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names as the file has them."""
        ...

    def batches(self) -> Iterator[SourceBatch]:
        """All well-formed rows in order; may be called again and starts from the beginning."""
        ...

    @property
    def malformed(self) -> list[MalformedRow]:
        """Rows that were not well-formed; complete when `batches` has ended."""
        ...
