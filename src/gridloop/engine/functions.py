"""Operations that differ between query engines, written once (ARCHITECTURE.md, traps)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from gridloop.domain.table import TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

KNOWLEDGE = ("available_at", "revision")
"""Key columns that order the revisions of one thing, oldest first."""


def thing_key(spec: TableSpec) -> list[str]:
    """The key of the thing itself, without the columns that order its revisions."""
    return [name for name in spec.key if name not in KNOWLEDGE]


def known_rows(rows: ir.Table, spec: TableSpec, as_of: datetime | None, *, latest: bool) -> ir.Table:
    """Rows of a revised table as they were known at a time (docs/conventions.md §1).

    Args:
        rows: all revisions.
        spec: the table, with `available_at` in its key.
        as_of: only rows with `available_at <= as_of`; all when None.
        latest: only the latest revision of each thing.
    """
    import ibis

    if as_of is not None:
        rows = rows.filter(rows.available_at <= ibis.timestamp(as_of.isoformat(), timezone="UTC"))
    if not latest:
        return rows
    order = [ibis.desc(rows[name]) for name in KNOWLEDGE if name in rows.columns]
    window = ibis.window(group_by=[rows[name] for name in thing_key(spec)], order_by=order)
    ranked = rows.mutate(_revision_rank=ibis.row_number().over(window))
    return ranked.filter(ranked._revision_rank == 0).drop("_revision_rank")


def ratio(numerator: ir.NumericValue, denominator: ir.NumericValue) -> ir.NumericValue:
    """Division that gives null, not an error or infinity, where the denominator is zero."""
    return numerator.cast("float64") / denominator.nullif(0)
