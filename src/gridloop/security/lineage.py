"""Which lake tables and columns tell of a customer, derived from the catalogue's references, and who owns what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gridloop.domain.table import Kind, Store, TableSpec
from gridloop.domain.tables import CATALOGUE
from gridloop.security.pseudonym import PREFIXES

KINDS = (*PREFIXES, "bill")
"""Kinds of things that belong to a customer, himself first; bills keep the source's own numbers."""

_LINKS = (
    ("customer", "account", ("account",)),
    ("account", "contract", ("contract",)),
    ("account", "bill", ("bill",)),
    ("contract", "service_point", ("contract",)),
    ("service_point", "meter", ("meter", "meter_history")),
)
"""Parent, child, and the tables whose rows link the two."""

_FREE_TEXT_EXEMPT = ("landing_file",)
"""Tables whose text columns name files, not people; a row there accounts for a whole file."""


class TableEraser(Protocol):
    """What erasure needs of the lake; `gridloop.security.lake_erasure.LakeEraser` does it for a `Lake`."""

    def names(self) -> Sequence[str]:
        """Names of the tables that have rows."""
        ...

    def rows(
        self, table: str, columns: Sequence[str], where: Mapping[str, Sequence[str]]
    ) -> list[tuple[object, ...]]:
        """Distinct values of some columns, of the rows in which any column of `where` holds one of its values."""
        ...

    def count(self, table: str, where: Mapping[str, Sequence[str]]) -> int:
        """How many rows match."""
        ...

    def texts(self, table: str, column: str, pattern: str) -> list[str]:
        """Distinct values of a text column that match a regular expression (RE2)."""
        ...

    def delete(self, table: str, where: Mapping[str, Sequence[str]]) -> int:
        """Take the matching rows out, in one commit; returns how many."""
        ...

    def heads(self) -> Mapping[str, int]:
        """Table to current snapshot, to be published."""
        ...

    def forget_removed_files(self) -> int:
        """Drop what metadata still says of removed files, before the heads are published; returns how many tables."""
        ...

    def purge_history(self) -> int:
        """Expire all earlier snapshots and remove their files; returns how many files."""
        ...


def id_columns(kind: str, catalogue: Mapping[str, TableSpec] = CATALOGUE) -> dict[str, tuple[str, ...]]:
    """Lake table to its columns that hold ids of `kind`: the table of that kind, and every reference to it."""
    target = f"{kind}.{kind}_id"
    found = {}
    for name, spec in catalogue.items():
        if spec.store is Store.LAKE:
            columns = tuple(c.name for c in spec if c.references == target or f"{name}.{c.name}" == target)
            if columns:
                found[name] = columns
    return found


def text_columns(spec: TableSpec) -> tuple[str, ...]:
    """Columns in which any id may stand unnamed: JSON, and text that neither refers to a table nor is a code.

    Partitioned tables are large and hold numbers; they have no such columns.
    """
    if spec.store is not Store.LAKE or spec.partition or spec.name in _FREE_TEXT_EXEMPT:
        return ()
    targets = {f"{kind}_id" for kind in KINDS}
    return tuple(
        column.name
        for column in spec
        if column.kind is Kind.JSON
        or (
            column.kind is Kind.STRING
            and not column.references
            and not column.values
            and column.name not in targets
        )
    )


@dataclass(frozen=True, slots=True)
class Belongings:
    """The ids, as the lake has them, of a customer and of what is his alone.

    Attributes:
        ids: kind to ids.
        shared: kind to ids that he has in common with other customers; their rows stay.
    """

    ids: Mapping[str, tuple[str, ...]]
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def where(self, table: str) -> dict[str, list[str]]:
        """Column to ids, of one table: the rows to take out."""
        found: dict[str, list[str]] = {}
        for kind, ids in self.ids.items():
            for column in id_columns(kind).get(table, ()):
                if ids:
                    found.setdefault(column, []).extend(ids)
        return found


def belongings(eraser: TableEraser, customer_id: str, also: Mapping[str, Sequence[str]]) -> Belongings:
    """Follow accounts, contracts, service points and meters of a customer through the lake.

    Something is his alone when every row that links it links it to him; otherwise it is shared, and stays.

    Args:
        eraser: reads the lake.
        customer_id: as the lake has it.
        also: further lake ids by kind that are known to be his.
    """
    present = set(eraser.names())
    ids: dict[str, set[str]] = {kind: set(also.get(kind, ())) for kind in KINDS}
    shared: dict[str, set[str]] = {kind: set() for kind in KINDS}
    ids["customer"].add(customer_id)
    for parent, child, tables in _LINKS:
        for table in (t for t in tables if t in present):
            mine, common = _children(eraser, table, f"{parent}_id", f"{child}_id", sorted(ids[parent]))
            ids[child] |= mine
            shared[child] |= common
        ids[child] -= shared[child] - set(also.get(child, ()))
        shared[child] -= ids[child]
    return Belongings(
        {kind: tuple(sorted(found)) for kind, found in ids.items()},
        {kind: tuple(sorted(found)) for kind, found in shared.items() if found},
    )


def _children(
    eraser: TableEraser, table: str, parent: str, child: str, parents: Sequence[str]
) -> tuple[set[str], set[str]]:
    if not parents:
        return set(), set()
    children = {str(row[0]) for row in eraser.rows(table, [child], {parent: parents}) if row[0] is not None}
    links = eraser.rows(table, [child, parent], {child: sorted(children)}) if children else []
    common = {str(row[0]) for row in links if row[1] not in parents}
    return children - common, common
