"""Where the identifiers stand in a source file, and the same file without some of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from gridloop.domain.errors import SourceMismatch

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST_RECORD = 1000

Identifiers = Mapping[str, Sequence[str]]
"""Kind of thing (`customer`, `meter` …) to identifiers as the source writes them."""


@dataclass(frozen=True, slots=True)
class FileLayout:
    """What an erasure must know about a source file; the recipe that read it knows it.

    Attributes:
        format: `csv` or `parquet`.
        ids: kind of thing to the file's columns that hold identifiers of that kind; empty for a file about nobody.
        delimiter, encoding: of a CSV file.
    """

    format: Literal["csv", "parquet"]
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    delimiter: str = ","
    encoding: str = "utf-8"

    def wanted(self, identifiers: Identifiers) -> dict[str, frozenset[str]]:
        """Column to the identifiers to look for in it."""
        found: dict[str, frozenset[str]] = {}
        for kind, columns in self.ids.items():
            for column in columns:
                found[column] = found.get(column, frozenset()) | frozenset(identifiers.get(kind, ()))
        return {column: names for column, names in found.items() if names}


def count_rows(source: BinaryIO, layout: FileLayout, identifiers: Identifiers) -> int:
    """How many rows of a file carry one of the identifiers in a column of its kind."""
    if not layout.wanted(identifiers):
        return 0
    if layout.format == "csv":
        return _without_csv(source, None, layout, identifiers)
    import pyarrow.compute as pc

    wanted = layout.wanted(identifiers)
    return sum(
        pc.sum(_hits(rows, wanted)).as_py() or 0
        for rows in _row_groups(source, sorted(wanted))
        if rows.num_rows
    )


def without(layout: FileLayout, identifiers: Identifiers) -> Callable[[BinaryIO, BinaryIO], int]:
    """A transform for `LandingZone.rewrite` that leaves those rows out and keeps all others as they are.

    CSV rows stay byte for byte; Parquet row groups keep schema, order and compression. It raises SourceMismatch when
    the file lacks a column that the layout names.
    """

    def transform(source: BinaryIO, target: BinaryIO) -> int:
        if not layout.wanted(identifiers):
            return 0
        if layout.format == "csv":
            return _without_csv(source, target, layout, identifiers)
        return _without_parquet(source, target, layout.wanted(identifiers))

    return transform


# CSV ---------------------------------------------------------------------------------------------------------------


def _without_csv(
    source: BinaryIO, target: BinaryIO | None, layout: FileLayout, identifiers: Identifiers
) -> int:
    errors = (
        "strict" if layout.encoding.lower().startswith(("utf-16", "utf_16", "utf-32")) else "surrogateescape"
    )
    wanted = layout.wanted(identifiers)
    reader = io.TextIOWrapper(source, layout.encoding, errors, newline="")
    writer = io.TextIOWrapper(target, layout.encoding, errors, newline="") if target is not None else None
    dropped = 0
    try:
        records = _records(reader)
        header = next(records, "")
        matches = _row_test(header, wanted, layout.delimiter)
        _write(writer, header)
        for record in records:
            if matches(record):
                dropped += 1
            else:
                _write(writer, record)
        return dropped
    finally:
        reader.detach()
        if writer is not None:
            writer.detach()


def _write(writer: io.TextIOWrapper | None, record: str) -> None:
    if writer is not None:
        writer.write(record)


def _row_test(header: str, wanted: Mapping[str, frozenset[str]], delimiter: str) -> Callable[[str], bool]:
    names = [name.strip().removeprefix("\ufeff") for name in _fields(header, delimiter)]
    missing = [column for column in wanted if column.strip() not in names]
    if missing:
        raise _missing(missing, names)
    places = [(names.index(column.strip()), ids) for column, ids in wanted.items()]
    every = frozenset().union(*wanted.values())

    def matches(record: str) -> bool:
        if not any(name in record for name in every):
            return False
        values = [value.strip() for value in _fields(record, delimiter)]
        if len(values) != len(names):
            return any(value in every for value in values)
        return any(values[place] in ids for place, ids in places)

    return matches


def _fields(record: str, delimiter: str) -> list[str]:
    return next(csv.reader([record], delimiter=delimiter), [])


def _records(lines: Iterator[str]) -> Iterator[str]:
    """Records with their line ends; a quoted field may span lines, an unclosed quote must not swallow the file."""
    held: list[str] = []
    quotes = 0
    for line in lines:
        if not held and line.count('"') % 2 == 0:
            yield line
            continue
        held.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0:
            yield "".join(held)
            held, quotes = [], 0
        elif len(held) > _LONGEST_RECORD:
            yield held[0]
            rest = iter(held[1:])
            held, quotes = [], 0
            yield from _records(rest)
    yield from held


# Parquet -----------------------------------------------------------------------------------------------------------


def _without_parquet(source: BinaryIO, target: BinaryIO, wanted: Mapping[str, frozenset[str]]) -> int:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    file = pq.ParquetFile(source)
    metadata = file.metadata
    codec = metadata.row_group(0).column(0).compression if metadata.num_row_groups else "SNAPPY"
    dropped = 0
    with pq.ParquetWriter(
        target, file.schema_arrow, compression=codec.replace("UNCOMPRESSED", "NONE")
    ) as writer:
        for rows in _row_groups(source, None):
            hits = _hits(rows, wanted)
            kept = rows.filter(pc.invert(hits))
            dropped += rows.num_rows - kept.num_rows
            if kept.num_rows:
                writer.write_table(kept)
    return dropped


def _row_groups(source: BinaryIO, columns: list[str] | None) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(source)
    missing = [column for column in columns or () if column not in file.schema_arrow.names]
    if missing:
        raise _missing(missing, file.schema_arrow.names)
    for number in range(file.metadata.num_row_groups):
        yield file.read_row_group(number, columns=columns)


def _hits(rows: pa.Table, wanted: Mapping[str, frozenset[str]]) -> Any:
    """Boolean per row: any of the columns holds one of its identifiers; numbers are compared by their text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = [column for column in wanted if column not in rows.schema.names]
    if missing:
        raise _missing(missing, rows.schema.names)
    hit = pa.chunked_array([pa.repeat(False, rows.num_rows)])
    for column, ids in wanted.items():
        values = rows.column(column)
        values = values.cast(pa.string()) if not pa.types.is_string(values.type) else values
        match = pc.is_in(pc.utf8_trim_whitespace(values), pa.array(sorted(ids), pa.string()))
        hit = pc.or_(hit, pc.fill_null(match, False))
    return hit


def _missing(missing: Sequence[str], names: Sequence[str]) -> SourceMismatch:
    return SourceMismatch(
        "A source file lacks a column that its layout names.",
        evidence={"missing": ", ".join(missing), "columns": ", ".join(names)},
        ways_out=("Give the layout of the recipe version that imported the file.",),
    )
