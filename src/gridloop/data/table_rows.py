"""Rows of archives, bills, weather and prices become rows of canonical tables, column by column as the recipe says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.data.available import day_starts_us, end_of_day_us, known_from_table
from gridloop.data.column_fit import SAMPLE_ROWS, check_fit
from gridloop.data.identity import Identities
from gridloop.data.mappings.registry import MappedRows, MappingInput, mapping_function
from gridloop.data.parse import Instants, Parsed, carries_zone, parse_column, to_instants
from gridloop.data.quarantine import Reason, RowVerdicts
from gridloop.data.recipe import (
    Ambiguity,
    Available,
    ColumnType,
    Feed,
    Recipe,
    SourceColumn,
    SourceFile,
    Taken,
)
from gridloop.data.scrub import FREE_TEXT, Scrubber
from gridloop.data.sources.batches import SourceBatch
from gridloop.data.tally import FileTally
from gridloop.domain.errors import UsageError
from gridloop.domain.ids import identifier_fault
from gridloop.domain.table import Column, Kind, Store, TableSpec
from gridloop.domain.tables import CATALOGUE
from gridloop.engine.schema import ARROW_TYPES

_READ_AS = {
    Kind.STRING: ColumnType.STRING,
    Kind.JSON: ColumnType.STRING,
    Kind.BOOL: ColumnType.BOOLEAN,
    Kind.INT: ColumnType.INTEGER,
    Kind.LONG: ColumnType.DECIMAL,
    Kind.DOUBLE: ColumnType.NUMBER,
    Kind.MONEY: ColumnType.DECIMAL,
    Kind.DATE: ColumnType.DATE,
    Kind.INSTANT: ColumnType.INSTANT,
}


@dataclass(frozen=True, slots=True)
class TableJob:
    """One file of table rows being read."""

    recipe: Recipe
    file: SourceFile
    identities: Identities
    tally: FileTally
    received_us: int
    scrubber: Scrubber = field(default_factory=Scrubber)


@dataclass(frozen=True, slots=True)
class CanonicalRows:
    """Rows for one canonical table.

    Attributes:
        table: its name.
        rows: with the table's columns.
        file: int32[n], number of the file each row comes from.
        source_row: int64[n], its row there; -1 for a row that a mapping function made up.
    """

    table: str
    rows: pa.Table
    file: NDArray[np.int32]
    source_row: NDArray[np.int64]


def table_rows(job: TableJob, batches: Iterable[SourceBatch]) -> list[CanonicalRows]:
    """Read a whole file.

    A source row that fails for one of the tables it feeds is quarantined and feeds none; a row that a mapping function
    merged into another one is superseded. Rows are counted in
    `job.tally` as in and quarantined; whether the rest is news is decided later (`gridloop.data.merge`).

    Raises:
        SourceMismatch: the columns are not what the recipe says.
    """
    made: list[CanonicalRows] = []
    whole: list[SourceBatch] = []
    functions = [feed for feed in job.file.feeds if feed.function is not None]
    for batch in _checked(job, batches):
        if functions:
            whole.append(batch)
        else:
            made += _mapped(job, batch)
    if whole:
        made += _mapped(job, _together(whole))
    return made


def _checked(job: TableJob, batches: Iterable[SourceBatch]) -> Iterator[SourceBatch]:
    """The same batches, once the first rows fit; the sample is the same rows in whatever parts a file is read."""
    first: list[SourceBatch] = []
    coming = iter(batches)
    for batch in coming:
        first.append(batch)
        if sum(part.table.num_rows for part in first) >= SAMPLE_ROWS:
            break
    if first:
        check_fit(_together(first).table, job.tally.name, job.file)
    yield from first
    yield from coming


def _together(batches: list[SourceBatch]) -> SourceBatch:
    rows = np.concatenate([batch.rows for batch in batches])
    return SourceBatch(rows, pa.concat_tables([batch.table for batch in batches]))


def _mapped(job: TableJob, batch: SourceBatch) -> list[CanonicalRows]:
    verdicts = RowVerdicts.good(batch.table.num_rows)
    parts: list[tuple[str, pa.Table, NDArray[np.int64]]] = []
    for feed in job.file.feeds:
        if feed.function is not None:
            result = _by_function(job, feed, batch, verdicts)
            parts += [(name, rows, source) for name, (rows, source) in result.tables.items()]
            job.tally.findings += result.findings
        else:
            rows, index = feed_rows(job, feed, batch.table, verdicts)
            parts.append((feed.table, rows, index))
    job.tally.count(rows_in=batch.table.num_rows)
    job.tally.refuse_rows(verdicts, batch.rows, np.zeros(batch.table.num_rows, np.int64), batch.table)
    made = []
    for name, rows, index in parts:
        keep = np.flatnonzero((index < 0) | verdicts.kept[np.maximum(index, 0)]) if len(index) else index
        source = (
            np.where(index[keep] < 0, -1, batch.rows[np.maximum(index[keep], 0)]) if len(index) else index
        )
        file = np.full(len(keep), job.tally.number, np.int32)
        made.append(CanonicalRows(name, rows.take(pa.array(keep)), file, source))
    used = np.zeros(batch.table.num_rows, np.bool_)
    for _, _, index in parts:
        used[index[index >= 0]] = True
    job.tally.count(rows_superseded=int((verdicts.kept & ~used).sum()))
    return made


def _by_function(job: TableJob, feed: Feed, batch: SourceBatch, verdicts: RowVerdicts) -> MappedRows:
    assert feed.function is not None
    given = MappingInput(batch.table, job.recipe, job.file, feed, verdicts)
    result = mapping_function(feed.function)(given)
    conformed = {}
    for name, (rows, source) in result.tables.items():
        spec = CATALOGUE[name]
        for column in rows.column_names:
            values = job.identities.of_column(column, rows.column(column))
            if (name, column) in FREE_TEXT:
                values = job.scrubber.column(values)
            rows = rows.set_column(rows.column_names.index(column), column, values)
        conformed[name] = (_in_order(spec, rows), source)
    return MappedRows(conformed, result.findings)


def _in_order(spec: TableSpec, rows: pa.Table) -> pa.Table:
    columns = {
        column.name: rows.column(column.name).cast(ARROW_TYPES[column.kind])
        if column.name in rows.column_names
        else pa.nulls(rows.num_rows, ARROW_TYPES[column.kind])
        for column in spec.columns
    }
    return pa.table(columns)


def feed_rows(
    job: TableJob, feed: Feed, table: pa.Table, verdicts: RowVerdicts
) -> tuple[pa.Table, NDArray[np.int64]]:
    """Rows of one canonical table from a batch.

    Returns:
        the rows with the table's columns, and int64[n] the row of the batch each comes from. Rows that `verdicts`
        refuses are still among them. A local stamp that means both hours gives two rows.
    """
    spec = CATALOGUE[feed.table]
    columns: dict[str, pa.Array] = {}
    twice: dict[str, pa.Array] = {}
    ambiguous = np.zeros(table.num_rows, np.bool_)
    for column in spec.columns:
        taken = feed.columns.get(column.name)
        if taken is None:
            columns[column.name] = pa.nulls(table.num_rows, ARROW_TYPES[column.kind])
            continue
        values, second = _column_values(job, column, taken, table, verdicts)
        if second is not None:
            twice[column.name] = second[0]
            ambiguous |= second[1]
        if column.name.endswith("_id"):
            values = _clean_ids(values, taken.column or column.name, verdicts)
        if (spec.name, column.name) in FREE_TEXT:
            values = job.scrubber.column(values)
        columns[column.name] = job.identities.of_column(column.name, values)
        _check_values(column, columns[column.name], verdicts)
    if spec.store is not Store.VAULT:
        rule = feed.available or job.file.available or job.recipe.available
        columns["available_at"] = _available(job, rule, table, columns, verdicts)
    rows = pa.table(columns)
    index = np.arange(table.num_rows, dtype=np.int64)
    if not ambiguous.any():
        return rows, index
    again = np.flatnonzero(ambiguous)
    copied = pa.table({**columns, **twice}).take(pa.array(again))
    return pa.concat_tables([rows, copied]), np.concatenate([index, again])


def _column_values(
    job: TableJob, column: Column, taken: Taken, table: pa.Table, verdicts: RowVerdicts
) -> tuple[pa.Array, tuple[pa.Array, NDArray[np.bool_]] | None]:
    target = ARROW_TYPES[column.kind]
    if taken.column is None:
        constant = pa.array([None if taken.constant is None else str(taken.constant)])
        value = parse_column(constant, SourceColumn(type=_READ_AS[column.kind])).values.cast(target)
        return _repeat(value, table.num_rows), None
    declared = job.file.columns[taken.column]
    if taken.column not in table.column_names:
        return _defaulted(pa.nulls(table.num_rows, target), taken, column), None
    source = table.column(taken.column)
    if column.kind is Kind.INSTANT:
        return _instant_values(job, taken, declared, source, verdicts)
    read_as = declared if not taken.values else SourceColumn(type=ColumnType.STRING)
    if _wider(read_as.type, column.kind):
        read_as = SourceColumn(type=_READ_AS[column.kind], format=declared.format)
    parsed = parse_column(source, read_as)
    verdicts.refuse(parsed.bad, Reason.UNPARSABLE_VALUE, taken.column)
    _check_range(declared, parsed, taken.column, verdicts)
    values = parsed.values
    if taken.values:
        values = _value_map(values, taken.values)
    if taken.scale is not None:
        values = _scaled(values, taken.scale)
    return _defaulted(_to_kind(values, target, taken.column, verdicts), taken, column), None


def _wider(read: ColumnType, kind: Kind) -> bool:
    """Whether an exact reading is needed where the recipe only says `number`."""
    return read is ColumnType.NUMBER and kind in (Kind.MONEY, Kind.LONG)


def _repeat(value: pa.Array, rows: int) -> pa.Array:
    return value.take(pa.array(np.zeros(rows, np.int64)))


def _defaulted(values: pa.Array, taken: Taken, column: Column) -> pa.Array:
    if taken.default is None or values.null_count == 0:
        return values
    default = parse_column(pa.array([str(taken.default)]), SourceColumn(type=_READ_AS[column.kind])).values
    return values.fill_null(default.cast(values.type)[0])


def _clean_ids(values: pa.Array, name: str, verdicts: RowVerdicts) -> pa.Array:
    """Ids without the blanks around them; a text that cannot be an id is refused (docs/conventions.md §4)."""
    encoded = values.dictionary_encode()
    words = [word.strip() for word in encoded.dictionary.to_pylist()]
    faulty = [bool(word) and identifier_fault(word) is not None for word in words]
    kept = pa.array([word or None for word in words], pa.string()).take(encoded.indices)
    verdicts.refuse(
        np.asarray(pa.array(faulty, pa.bool_()).take(encoded.indices).fill_null(False)), Reason.BAD_ID, name
    )
    return kept


def _value_map(values: pa.Array, mapped: dict[str, str]) -> pa.Array:
    encoded = values.cast(pa.string()).dictionary_encode()
    words = pa.array([mapped.get(word, word) for word in encoded.dictionary.to_pylist()], pa.string())
    return words.take(encoded.indices)


def _scaled(values: pa.Array, scale: float) -> pa.Array:
    if pa.types.is_decimal(values.type):
        factor = pa.scalar(str(scale)).cast(pa.decimal128(18, 6))
        return pc.multiply(values.cast(pa.decimal128(19, 9)), factor)
    return pc.multiply(values.cast(pa.float64()), scale)


def _to_kind(values: pa.Array, target: pa.DataType, name: str, verdicts: RowVerdicts) -> pa.Array:
    """Cast to the canonical type; what does not convert exactly is refused (a decimal may be rounded to 6 places)."""
    try:
        if pa.types.is_decimal(values.type) and pa.types.is_decimal(target):
            return pc.round(values, 6).cast(target)
        if pa.types.is_decimal(values.type) and pa.types.is_integer(target):
            return pc.round(values, 0, round_mode="half_to_even").cast(target)
        if pa.types.is_floating(values.type) and pa.types.is_integer(target):
            return pc.round(values, round_mode="half_to_even").cast(target)
        return values.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    one_by_one: list[object] = []
    bad = np.zeros(len(values), np.bool_)
    for row, value in enumerate(values):
        try:
            one_by_one.append(value.cast(target).as_py())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            one_by_one.append(None)
            bad[row] = True
    verdicts.refuse(bad, Reason.UNPARSABLE_VALUE, name)
    return pa.array(one_by_one, target)


def _instant_values(
    job: TableJob, taken: Taken, declared: SourceColumn, source: pa.ChunkedArray, verdicts: RowVerdicts
) -> tuple[pa.Array, tuple[pa.Array, NDArray[np.bool_]] | None]:
    assert taken.column is not None
    parsed = parse_column(source, declared)
    if declared.type is ColumnType.DATE:
        days = np.asarray(parsed.values.cast(pa.int32()).fill_null(0))
        present = np.asarray(parsed.values.is_valid())
        verdicts.refuse(parsed.bad, Reason.UNPARSABLE_STAMP, taken.column)
        return _instants(day_starts_us(days, job.recipe.zone.name), present), None
    stamps = declared.stamps or job.file.stamps or job.recipe.stamps
    zone, has_zone = job.recipe.zone.name, carries_zone(source, stamps)
    first = to_instants(parsed, zone=zone, stamps=stamps, has_zone=has_zone)
    verdicts.refuse(first.bad, Reason.UNPARSABLE_STAMP, taken.column)
    verdicts.refuse(first.nonexistent, Reason.STAMP_NONEXISTENT, taken.column)
    if stamps.ambiguous is Ambiguity.REFUSE:
        verdicts.refuse(first.ambiguous, Reason.STAMP_AMBIGUOUS, taken.column)
    if stamps.ambiguous is not Ambiguity.BOTH or not first.ambiguous.any():
        return _instants(first.us, first.present), None
    other = stamps.model_copy(update={"ambiguous": Ambiguity.SECOND})
    second: Instants = to_instants(parsed, zone=zone, stamps=other, has_zone=has_zone)
    return _instants(first.us, first.present), (_instants(second.us, second.present), first.ambiguous)


def _instants(us: NDArray[np.int64], present: NDArray[np.bool_]) -> pa.Array:
    return pa.array(us, pa.int64(), mask=~present).cast(ARROW_TYPES[Kind.INSTANT])


def _check_range(declared: SourceColumn, parsed: Parsed, name: str, verdicts: RowVerdicts) -> None:
    values = parsed.values
    if declared.pattern is not None and pa.types.is_string(values.type):
        fits = pc.match_substring_regex(values, f"^(?:{declared.pattern})$").fill_null(True)
        verdicts.refuse(~np.asarray(fits), Reason.BAD_ID, name)
    numeric = (
        pa.types.is_integer(values.type)
        or pa.types.is_floating(values.type)
        or pa.types.is_decimal(values.type)
    )
    if not numeric or (declared.minimum is None and declared.maximum is None):
        return
    numbers = np.asarray(values.cast(pa.float64()).fill_null(np.nan))
    _refuse_outside(numbers, declared.minimum, declared.maximum, name, verdicts)


def _refuse_outside(
    numbers: NDArray[np.float64], low: float | None, high: float | None, name: str, verdicts: RowVerdicts
) -> None:
    with np.errstate(invalid="ignore"):
        outside = np.zeros(len(numbers), np.bool_)
        if low is not None:
            outside |= numbers < low
        if high is not None:
            outside |= numbers > high
    verdicts.refuse(outside, Reason.OUT_OF_RANGE, name)


def _check_values(column: Column, values: pa.Array, verdicts: RowVerdicts) -> None:
    """The canonical column's own rules: required, closed set, range."""
    if not column.nullable:
        absent = np.asarray(values.is_null())
        is_id = column.name.endswith("_id")
        verdicts.refuse(absent, Reason.BLANK_ID if is_id else Reason.MISSING_REQUIRED, column.name)
    if column.values:
        known = pc.is_in(values, value_set=pa.array(column.values, values.type))
        verdicts.refuse(
            ~np.asarray(known) & np.asarray(values.is_valid()), Reason.NOT_IN_VALUE_SET, column.name
        )
    if column.minimum is not None or column.maximum is not None:
        numbers = np.asarray(values.cast(pa.float64()).fill_null(np.nan))
        _refuse_outside(numbers, column.minimum, column.maximum, column.name, verdicts)


def _available(
    job: TableJob, rule: Available, table: pa.Table, columns: dict[str, pa.Array], verdicts: RowVerdicts
) -> pa.Array:
    if rule.rule == "end_of_day":
        day = columns.get("day")
        if day is None:
            raise UsageError(
                f"Role {job.file.role!r} has no day, so `available` cannot be `end_of_day`.",
                ways_out=("Give the role an `available` of its own: `at` or `column`.",),
            )
        us = end_of_day_us(np.asarray(day.cast(pa.int32()).fill_null(0)), job.recipe.zone.name, rule)
        return _instants(us, np.ones(table.num_rows, np.bool_))
    us, present = known_from_table(rule, table, job.recipe, job.file)
    verdicts.refuse(~present, Reason.MISSING_REQUIRED, rule.column or "available_at")
    return _instants(us, np.ones(table.num_rows, np.bool_))
