"""Text and file types become values: whole columns at a time, with a mask of what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.data.recipe import Ambiguity, ColumnType, SourceColumn, Stamps
from gridloop.kernels.civil_time import FoldRule, LocalStamp, local_to_utc, zone_transitions

TARGETS: dict[ColumnType, pa.DataType] = {
    ColumnType.STRING: pa.string(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.decimal128(38, 9),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.INSTANT: pa.timestamp("us"),
}

_TRUE, _FALSE = {"y", "yes", "true", "1", "t"}, {"n", "no", "false", "0", "f"}
_FIRST_US, _LAST_US = -2_200_000_000_000_000, 7_200_000_000_000_000  # within 1900 to 2199
_FOLDS = {Ambiguity.SECOND: FoldRule.SECOND, Ambiguity.IN_ORDER: FoldRule.IN_ORDER}


@dataclass(frozen=True, slots=True)
class Parsed:
    """One column after reading.

    Attributes:
        values: Arrow array of the target type; null where absent or unreadable.
        bad: bool[n], True where a value was there but could not be read.
    """

    values: pa.Array
    bad: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Instants:
    """Stamps as instants.

    Attributes:
        us: int64[n], microseconds since 1970-01-01 UTC; 0 where there is none.
        present: bool[n], True where there is an instant.
        bad: bool[n], written but unreadable or out of range.
        nonexistent: bool[n], a local time that clocks skipped.
        ambiguous: bool[n], a local time that occurs twice.
    """

    us: NDArray[np.int64]
    present: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    nonexistent: NDArray[np.bool_]
    ambiguous: NDArray[np.bool_]


def plain(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array without dictionary or large-string encoding."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    return array


def parse_column(column: pa.ChunkedArray | pa.Array, declared: SourceColumn) -> Parsed:
    """Read a column as its declared type; instants keep their written wall time or, with an offset, become UTC.

    Args:
        column: text, or values of a file type that converts without loss of meaning.
        declared: the recipe's declaration; `format` applies to dates and instants.
    """
    array = plain(column)
    target = TARGETS[declared.type]
    if declared.type is ColumnType.INSTANT and pa.types.is_timestamp(array.type):
        return Parsed(_as_wall_or_utc(array), np.zeros(len(array), np.bool_))
    if pa.types.is_string(array.type) and declared.type is not ColumnType.STRING:
        array = pc.utf8_trim_whitespace(array)
        array = pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
        if declared.format is not None:
            return _by_distinct_value(array, declared.type, declared.format)
        if declared.type is ColumnType.BOOLEAN:
            return _by_distinct_value(array, declared.type)
    try:
        return Parsed(_cast(array, target), np.zeros(len(array), np.bool_))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        text = array if pa.types.is_string(array.type) else _text_of(array)
        return _by_distinct_value(text, declared.type)


def _cast(array: pa.Array, target: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(target) and pa.types.is_floating(array.type):
        return pc.round(array, 9).cast(target, safe=False)
    if pa.types.is_timestamp(target) and pa.types.is_string(array.type):
        try:
            return array.cast(target)
        except pa.ArrowInvalid:
            return array.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).cast(target)
    return array.cast(target)


def _as_wall_or_utc(array: pa.Array) -> pa.Array:
    return (
        array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64()).cast(pa.timestamp("us"))
    )


def _text_of(array: pa.Array) -> pa.Array:
    try:
        return array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())


def _lost(before: pa.Array, after: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.and_(pc.is_valid(before), pc.is_null(after)))


def _by_distinct_value(array: pa.Array, kind: ColumnType, written: str | None = None) -> Parsed:
    """Each distinct text once, by Python's own readers: Arrow stops at the first bad value, and its strptime reads
    31 February as 3 March.
    """
    encoded = array.dictionary_encode()
    read = [_read(text, kind, written) for text in encoded.dictionary.to_pylist()]
    values = pa.array(read, TARGETS[kind]).take(encoded.indices)
    return Parsed(values, _lost(array, values))


def _read(text: str, kind: ColumnType, written: str | None) -> object:
    try:
        if written is not None:
            return _naive_utc(datetime.strptime(text.strip(), written))
        return _READERS[kind](text.strip())
    except (ValueError, InvalidOperation, OverflowError):
        return None


def _boolean(text: str) -> bool | None:
    lower = text.lower()
    return True if lower in _TRUE else False if lower in _FALSE else None


def _decimal(text: str) -> Decimal | None:
    value = Decimal(text)
    return value.quantize(Decimal("1e-9")) if value.is_finite() else None


def _instant(text: str) -> datetime:
    return _naive_utc(datetime.fromisoformat(text))


def _naive_utc(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _date(text: str) -> date:
    """A date, or a day written as its midnight, as spreadsheets export it."""
    day = datetime.fromisoformat(text)
    if day.time() != time(0):
        raise ValueError("not a day")
    return day.date()


def _number(text: str) -> float | None:
    return None if "_" in text else float(text)


_READERS: dict[ColumnType, Callable[[str], object]] = {
    ColumnType.STRING: str,
    ColumnType.NUMBER: _number,
    ColumnType.INTEGER: int,
    ColumnType.DECIMAL: _decimal,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.INSTANT: _instant,
}


def to_instants(parsed: Parsed, *, zone: str, stamps: Stamps, has_zone: bool) -> Instants:
    """Turn written wall times into instants.

    Args:
        parsed: from `parse_column` of an INSTANT column.
        zone: zone of local times.
        stamps: how they are written.
        has_zone: whether the file's own type or text carries a zone, so that values are UTC already.
    """
    present = np.asarray(pc.is_valid(parsed.values))
    us = np.asarray(parsed.values.cast(pa.int64()).fill_null(0))
    nothing = np.zeros(len(us), np.bool_)
    if has_zone or stamps.written_in != "local" or not present.any():
        return Instants(us, present, parsed.bad, nothing, nothing)
    plausible = us[present & (us > _FIRST_US) & (us < _LAST_US)]
    if len(plausible) == 0:
        return Instants(us, np.zeros_like(present), parsed.bad | present, nothing, nothing)
    transitions, offsets = zone_transitions(zone, int(plausible.min()), int(plausible.max()))
    fold = _FOLDS.get(stamps.ambiguous, FoldRule.FIRST)
    utc, verdict = local_to_utc(us, transitions, offsets, fold)
    out = present & (verdict == LocalStamp.OUT_OF_RANGE)
    return Instants(
        utc,
        present & ~out,
        parsed.bad | out,
        present & (verdict == LocalStamp.NONEXISTENT),
        present & (verdict == LocalStamp.AMBIGUOUS),
    )


def carries_zone(column: pa.ChunkedArray | pa.Array, stamps: Stamps) -> bool:
    """Whether instants of a column are absolute by themselves: a zoned file type, or text with an offset."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return kind.tz is not None
    return stamps.written_in == "offset"
