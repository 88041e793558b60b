"""Does a file hold what its columns are named for? Swapped columns and wrong types are told before any row is read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridloop.data.parse import parse_column, plain
from gridloop.data.recipe import ColumnType, SourceColumn, SourceFile
from gridloop.domain.errors import SourceMismatch

SAMPLE_ROWS = 2_000
FEWEST_VALUES = 3
POOR_FIT = 0.5

_ORDERED = (ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.DECIMAL)


def check_fit(table: pa.Table, name: str, file: SourceFile) -> None:
    """Compare a sample of the first rows with the declared types, ranges and patterns.

    Args:
        table: the first rows of the file, `SAMPLE_ROWS` of them or all.
        name: the file's name.
        file: its declaration.

    Raises:
        SourceMismatch: most values of a column do not fit it; names the column they fit better, if there is one.
    """
    sample = table.slice(0, SAMPLE_ROWS)
    present = {column: declared for column, declared in file.columns.items() if column in sample.column_names}
    for column, declared in present.items():
        own = fit(sample.column(column), declared)
        if own is None or own >= POOR_FIT:
            continue
        for other, other_declared in present.items():
            if other == column:
                continue
            there = fit(sample.column(other), declared)
            here = fit(sample.column(column), other_declared)
            at_home = fit(sample.column(other), other_declared)
            better = at_home is None or at_home < POOR_FIT or other_declared.type is ColumnType.STRING
            if there is not None and here is not None and there >= POOR_FIT and here >= POOR_FIT and better:
                raise _swapped(name, column, other, declared, own)
        raise _misfit(name, column, declared, own, sample)


def fit(column: pa.ChunkedArray, declared: SourceColumn) -> float | None:
    """Share of the present values that a column's declaration allows; None with fewer than three."""
    if not _native_fits(column.type, declared.type):
        return 0.0 if column.length() - column.null_count >= FEWEST_VALUES else None
    parsed = parse_column(column, declared)
    text = plain(column)
    there = np.asarray(pc.is_valid(text))
    if pa.types.is_string(text.type):
        there &= np.asarray(pc.not_equal(pc.utf8_trim_whitespace(text), "").fill_null(False))
    count = int(there.sum())
    if count < FEWEST_VALUES:
        return None
    good = np.asarray(pc.is_valid(parsed.values)) & ~parsed.bad & there
    if declared.type in _ORDERED:
        numbers = np.asarray(parsed.values.cast(pa.float64()).fill_null(np.nan))
        with np.errstate(invalid="ignore"):
            if declared.minimum is not None:
                good &= ~(numbers < declared.minimum)
            if declared.maximum is not None:
                good &= ~(numbers > declared.maximum)
    if declared.pattern is not None and declared.type is ColumnType.STRING:
        good &= np.asarray(
            pc.match_substring_regex(parsed.values, f"^(?:{declared.pattern})$").fill_null(False)
        )
    return float(good.sum()) / count


def _native_fits(found: pa.DataType, declared: ColumnType) -> bool:
    """Whether a file type can carry a declared type at all: a number is never taken for a stamp."""
    numeric = pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found)
    temporal = pa.types.is_timestamp(found) or pa.types.is_date(found)
    if declared in _ORDERED:
        return not temporal
    if declared in (ColumnType.INSTANT, ColumnType.DATE):
        return not numeric
    return not (declared is ColumnType.STRING and temporal)


def _swapped(name: str, column: str, other: str, declared: SourceColumn, own: float) -> SourceMismatch:
    return SourceMismatch(
        f"Columns {column!r} and {other!r} of file {name!r} look swapped.",
        evidence={
            f"values of {column!r} that fit its declaration": f"{own:.0%}",
            "declared": _words(declared),
        },
        ways_out=("Fetch the file again.", "If the source changed its layout, change the recipe's mapping."),
    )


def _misfit(name: str, column: str, declared: SourceColumn, own: float, sample: pa.Table) -> SourceMismatch:
    return SourceMismatch(
        f"Column {column!r} of file {name!r} does not hold what the recipe says.",
        evidence={
            "values that fit": f"{own:.0%} of the first {min(SAMPLE_ROWS, sample.num_rows)} rows",
            "declared": _words(declared),
            "type in the file": str(sample.column(column).type),
        },
        ways_out=(
            "Check that the file belongs to this role.",
            "Change the column's declaration in the recipe.",
        ),
    )


def _words(declared: SourceColumn) -> str:
    parts = [declared.type.value]
    if declared.minimum is not None or declared.maximum is not None:
        parts.append(f"from {declared.minimum} to {declared.maximum}")
    if declared.pattern is not None:
        parts.append(f"like {declared.pattern}")
    return " ".join(parts)
