"""The ledger's tables, generated from the catalogue (docs/conventions.md §5), and the rules that a spec cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import Column as DatabaseColumn
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from gridloop.domain.table import Column, Kind, Store, TableSpec
from gridloop.domain.tables import CATALOGUE
from gridloop.ledger.column_types import Instant, Money

VERSION_TABLE = "ledger_version"
"""Where the revision of the ledger's schema is kept; not `alembic_version`, which another application may own."""

APPEND_ONLY = ("approval", "assignment", "audit")
"""Tables whose rows the database itself refuses to change or delete; see the triggers of revision 0001."""

SPECS: Mapping[str, TableSpec] = MappingProxyType(
    {spec.name: spec for spec in CATALOGUE.values() if spec.store is Store.LEDGER and not spec.planned}
)
"""Specs of the tables that the ledger keeps."""

UNIQUE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"send": ("idempotency_key", "message_id"), "audit": ("hash",), "campaign": ("plan_id",)}
)
"""Columns, other than keys, of which no two rows hold the same value."""

LOOKUPS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "approval": (("subject_kind", "subject_id"),),
        "case": (("status",),),
        "case_event": (("case_id",),),
        "enrolment": (("campaign_id",),),
        "job_run": (("job", "outcome", "finished_at"), ("outcome", "finished_at")),
        "plan": (("status",),),
        "response": (("campaign_id",), ("send_id",), ("customer_id",)),
        "send": (("status", "channel", "planned_at", "send_id"), ("campaign_id",), ("customer_id",)),
        "unsubscribe": (("customer_id",),),
    }
)
"""Indexes, by table."""

_TYPES: Mapping[Kind, TypeEngine[Any]] = {
    Kind.STRING: Text(),
    Kind.BOOL: Boolean(),
    Kind.INT: Integer(),
    Kind.LONG: BigInteger(),
    Kind.DOUBLE: Double(),
    Kind.MONEY: Money(),
    Kind.DATE: Date(),
    Kind.INSTANT: Instant(),
    Kind.JSON: JSON(none_as_null=True),
}


def build_metadata(specs: Mapping[str, TableSpec] = SPECS) -> MetaData:
    """Database tables for the specs: columns, keys, references within the ledger, closed sets and ranges.

    Raises:
        KeyError: a spec has a column kind that the ledger does not keep (lists).
    """
    metadata = MetaData()
    for spec in specs.values():
        Table(spec.name, metadata, *_columns(spec), *_constraints(spec, specs), *_indexes(spec))
    return metadata


def _columns(spec: TableSpec) -> list[SchemaItem]:
    return [
        DatabaseColumn(column.name, _TYPES[column.kind], nullable=column.nullable, autoincrement=False)
        for column in spec
    ]


def _constraints(spec: TableSpec, specs: Mapping[str, TableSpec]) -> list[SchemaItem]:
    found: list[SchemaItem] = [PrimaryKeyConstraint(*spec.key, name=f"{spec.name}_pkey")]
    for column in spec:
        target = (column.references or "").partition(".")[0]
        if target in specs:
            found.append(
                ForeignKeyConstraint(
                    [column.name], [str(column.references)], name=f"{spec.name}_{column.name}_fkey"
                )
            )
        if rule := _rule(column):
            found.append(CheckConstraint(rule, name=f"{spec.name}_{column.name}_check"))
    found += [UniqueConstraint(name, name=f"{spec.name}_{name}_key") for name in UNIQUE.get(spec.name, ())]
    return found


def _rule(column: Column) -> str:
    if column.values:
        return f"{column.name} IN ({', '.join(repr(value) for value in column.values)})"
    bounds = [
        f"{column.name} {sign} {bound:g}"
        for sign, bound in ((">=", column.minimum), ("<=", column.maximum))
        if bound is not None
    ]
    return " AND ".join(bounds)


def _indexes(spec: TableSpec) -> list[SchemaItem]:
    found: list[SchemaItem] = [
        Index(f"{spec.name}_{'_'.join(names)}_idx", *names) for names in LOOKUPS.get(spec.name, ())
    ]
    if spec.name == "job_run":
        running = text("outcome = 'running'")
        found.append(
            Index("job_run_one_running", "job", unique=True, sqlite_where=running, postgresql_where=running)
        )
    return found


METADATA = build_metadata()
"""The ledger's tables as this version of the code expects them."""

TABLES: Mapping[str, Table] = MappingProxyType(dict(METADATA.tables))
"""The same by name."""
