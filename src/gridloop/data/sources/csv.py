"""CSV files as source batches: every column as text, rows that do not fit the header kept apart."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from gridloop.data.recipe import SourceFile
from gridloop.data.sources.batches import MalformedRow, Opener, SourceBatch
from gridloop.domain.errors import SourceUnreadable

_HEADER_BYTES = 1 << 18
_BLOCK_BYTES = 8 << 20


class CsvReader:
    """One CSV file with a header line.

    Text that is not valid in the declared encoding is kept with U+FFFD in the place of each bad byte.

    Raises:
        SourceUnreadable: empty, or the header cannot be read.
    """

    def __init__(self, opener: Opener, name: str, file: SourceFile) -> None:
        self._opener = opener
        self._name = name
        self._file = file
        self._malformed: list[MalformedRow] = []
        self._found = self._header()

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names as the file has them."""
        return self._found

    @property
    def malformed(self) -> list[MalformedRow]:
        """Rows with fewer or more fields than the header; complete when `batches` has ended."""
        return self._malformed

    def _header(self) -> tuple[str, ...]:
        try:
            with self._opener() as handle:
                start = handle.read(_HEADER_BYTES)
        except OSError as error:
            raise self._unreadable(str(error)) from error
        line = start.split(b"\n", 1)[0].rstrip(b"\r")
        encoding = "utf-8-sig" if self._file.encoding.lower() in ("utf-8", "utf8") else self._file.encoding
        if not line.strip():
            raise self._unreadable("the file is empty" if not start else "the first line is blank")
        if b"\x00" in start:
            raise self._unreadable("the file holds zero bytes; it is not text")
        text = line.decode(encoding, errors="replace")
        return tuple(next(csv.reader([text], delimiter=self._file.delimiter)))

    def batches(self) -> Iterator[SourceBatch]:
        """All well-formed rows in order."""
        self._malformed.clear()
        skipped: list[int] = []

        def keep_apart(row: pacsv.InvalidRow) -> str:
            skipped.append(row.number - 2)
            self._malformed.append(MalformedRow(row.number - 2, row.text))
            return "skip"

        first = taken = 0
        try:
            with self._opener() as handle, self._open(handle, keep_apart) as reader:
                for batch in reader:
                    if batch.num_rows == 0:
                        continue
                    rows, first, taken = _numbered(batch.num_rows, first, taken, skipped)
                    yield SourceBatch(rows, self._as_text(pa.Table.from_batches([batch])))
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):
                return
            raise self._unreadable(str(error).split("\n")[0][:200]) from error
        except (OSError, UnicodeError) as error:
            raise self._unreadable(str(error)) from error

    def _open(self, handle: object, keep_apart: object) -> pacsv.CSVStreamingReader:
        wanted = [column for column in self._file.column_names if column in self._found]
        utf8 = self._file.encoding.lower() in ("utf-8", "utf8")
        return pacsv.open_csv(
            handle,
            read_options=pacsv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK_BYTES,
                encoding="utf8" if utf8 else self._file.encoding,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self._file.delimiter, newlines_in_values=True, invalid_row_handler=keep_apart
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={column: pa.binary() for column in wanted},
                include_columns=wanted,
                null_values=list(self._file.null_values),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )

    def _as_text(self, table: pa.Table) -> pa.Table:
        columns = {}
        for name in table.column_names:
            try:
                columns[name] = table.column(name).cast(pa.string())
            except pa.ArrowInvalid:
                texts = [
                    None if value is None else value.decode("utf-8", "replace")
                    for value in table.column(name).to_pylist()
                ]
                columns[name] = pa.chunked_array([pa.array(texts, pa.string())])
        return pa.table(columns)

    def _unreadable(self, reason: str) -> SourceUnreadable:
        return SourceUnreadable(
            f"File {self._name!r} cannot be read as CSV.",
            evidence={"reason": reason, "delimiter": self._file.delimiter, "encoding": self._file.encoding},
            ways_out=(
                "Fetch the file again; it may be truncated.",
                "Set `delimiter` or `encoding` in the recipe.",
            ),
        )


def _numbered(count: int, first: int, taken: int, skipped: list[int]) -> tuple[np.ndarray, int, int]:
    """Source numbers of the next `count` good rows, given the numbers of skipped ones in order.

    Returns:
        numbers int64[count], the next number, and how many skipped rows have been passed.
    """
    rows = np.empty(count, np.int64)
    filled = 0
    while filled < count:
        gap = skipped[taken] if taken < len(skipped) else first + count
        run = min(count - filled, max(0, gap - first))
        rows[filled : filled + run] = np.arange(first, first + run)
        filled, first = filled + run, first + run
        if filled < count:
            first, taken = first + 1, taken + 1
    return rows, first, taken
