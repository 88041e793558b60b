"""A table's declaration as Arrow and Iceberg schemas: the one mapping of `Kind` to stored types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from gridloop.domain.errors import SchemaMismatch
from gridloop.domain.table import Kind, TableSpec

if TYPE_CHECKING:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema

ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.STRING: pa.string(),
    Kind.BOOL: pa.bool_(),
    Kind.INT: pa.int32(),
    Kind.LONG: pa.int64(),
    Kind.DOUBLE: pa.float64(),
    Kind.MONEY: pa.decimal128(18, 6),
    Kind.DATE: pa.date32(),
    Kind.INSTANT: pa.timestamp("us", tz="UTC"),
    Kind.JSON: pa.string(),
    Kind.INT_LIST: pa.list_(pa.field("element", pa.int32())),
    Kind.DOUBLE_LIST: pa.list_(pa.field("element", pa.float64())),
}


def arrow_schema(spec: TableSpec) -> pa.Schema:
    """The Arrow schema of a table, columns in declared order."""
    return pa.schema([pa.field(c.name, ARROW_TYPES[c.kind], nullable=c.nullable) for c in spec.columns])


def conform(spec: TableSpec, rows: pa.Table) -> pa.Table:
    """Bring rows to a table's declared columns and types without changing a value.

    Nullable columns that are absent are filled with nulls; the order becomes the declared one.

    Args:
        spec: the table.
        rows: Arrow rows of any column order.

    Raises:
        SchemaMismatch: a column is missing or unknown, a type does not convert exactly, or a required value is null.
    """
    unknown = sorted(set(rows.column_names) - {c.name for c in spec.columns})
    missing = sorted(c.name for c in spec.columns if c.name not in rows.column_names and not c.nullable)
    if unknown or missing:
        raise SchemaMismatch(
            f"Rows for table {spec.name!r} do not have its columns.",
            evidence={"missing": missing, "unknown": unknown},
        )
    columns = []
    for column in spec.columns:
        kind = ARROW_TYPES[column.kind]
        if column.name not in rows.column_names:
            columns.append(pa.nulls(rows.num_rows, kind))
            continue
        values = rows.column(column.name)
        try:
            if column.kind is Kind.INSTANT and pa.types.is_timestamp(values.type) and values.type.tz is None:
                raise pa.ArrowInvalid("a stamp without a zone is no instant; convert it to UTC")
            values = values.cast(kind) if values.type != kind else values
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SchemaMismatch(
                f"Column {column.name!r} of table {spec.name!r} cannot hold these values.",
                evidence={
                    "declared": str(kind),
                    "found": str(values.type),
                    # what Arrow quotes is a value, perhaps somebody's name
                    "reason": re.sub("'.*'", "'…'", str(error).split("\n")[0]),
                },
            ) from error
        if not column.nullable and values.null_count:
            first = int(pc.index(pc.is_null(values), pa.scalar(True)).as_py())
            raise SchemaMismatch(
                f"Column {column.name!r} of table {spec.name!r} must not be null.",
                evidence={"null_rows": values.null_count, "first_row": first},
            )
        columns.append(values)
    return pa.Table.from_arrays(columns, schema=arrow_schema(spec))


def iceberg_schema(spec: TableSpec) -> Schema:
    """The Iceberg schema of a table. Field ids: the column's position + 1; list elements from 1000 on."""
    from pyiceberg import types
    from pyiceberg.schema import Schema

    plain = {
        Kind.STRING: types.StringType(),
        Kind.BOOL: types.BooleanType(),
        Kind.INT: types.IntegerType(),
        Kind.LONG: types.LongType(),
        Kind.DOUBLE: types.DoubleType(),
        Kind.MONEY: types.DecimalType(18, 6),
        Kind.DATE: types.DateType(),
        Kind.INSTANT: types.TimestamptzType(),
        Kind.JSON: types.StringType(),
    }
    fields = []
    for position, column in enumerate(spec.columns, start=1):
        kind: types.IcebergType
        if column.kind in plain:
            kind = plain[column.kind]
        else:
            element = types.IntegerType() if column.kind is Kind.INT_LIST else types.DoubleType()
            kind = types.ListType(1000 + position, element, element_required=False)
        fields.append(types.NestedField(position, column.name, kind, required=not column.nullable))
    return Schema(*fields)


def partition_columns(spec: TableSpec) -> list[tuple[str, str]]:
    """The declared partition as (column, transform) with transform `identity` or `month`."""
    parts = []
    for text in spec.partition:
        if text.startswith("month("):
            parts.append((text.removeprefix("month(").removesuffix(")"), "month"))
        else:
            parts.append((text, "identity"))
    return parts


def iceberg_partition(spec: TableSpec) -> PartitionSpec:
    """The Iceberg partition spec of a table; unpartitioned when it declares none."""
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import IdentityTransform, MonthTransform

    order = {column.name: position for position, column in enumerate(spec.columns, start=1)}
    fields = []
    for number, (column, transform) in enumerate(partition_columns(spec)):
        if transform == "month":
            fields.append(PartitionField(order[column], 1000 + number, MonthTransform(), f"{column}_month"))
        else:
            fields.append(PartitionField(order[column], 1000 + number, IdentityTransform(), column))
    return PartitionSpec(*fields)
