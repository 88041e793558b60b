"""Looking rows up by the values of columns: what pages ask hundreds of times a minute, without planning a query anew.

An Ibis expression costs some 15 ms of planning before the first row is read; a look-up costs one or two in all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.table import TableSpec
from gridloop.engine.functions import KNOWLEDGE, thing_key


@dataclass(frozen=True)
class Equals:
    """Rows whose column has one value."""

    column: str
    value: object


@dataclass(frozen=True)
class OneOf:
    """Rows whose column has one of some values; no row when there is none."""

    column: str
    values: Sequence[object]


@dataclass(frozen=True)
class Contains:
    """Rows whose text has another within it, as it is written."""

    column: str
    text: str


@dataclass(frozen=True)
class After:
    """Rows whose column is larger than a value: the next ones in its order."""

    column: str
    value: object


@dataclass(frozen=True)
class Among:
    """Rows whose column is found in a column of those rows of another table that meet conditions.

    Attributes:
        column: of this table.
        table, of: the other table, and its column.
        where: which of its rows count.
    """

    column: str
    table: str
    of: str
    where: tuple[Condition, ...] = ()


Condition = Equals | OneOf | Contains | After | Among
"""What a row must meet; of several, all."""

Known = Callable[[str], tuple[TableSpec, str]]
"""Of a table: its declaration, and what the connection reads its stored rows from."""


def lookup_query(
    known: Known,
    table: str,
    where: Sequence[Condition],
    columns: Sequence[str] | None,
    *,
    as_of: datetime | None = None,
    order: Sequence[str] = (),
    limit: int | None = None,
) -> tuple[str, list[object]]:
    """A look-up as one statement with its parameters; no value ever becomes part of the statement.

    Args:
        known: resolves tables.
        table: which.
        where: conditions, all of which hold.
        columns: which, in this order; all when None, the number of rows when empty.
        as_of: rows with `available_at <= as_of` of a revised table; of these the latest of each thing.
        order: columns, ascending.
        limit: rows at most.

    Raises:
        UsageError: a column is not one of the table's.
    """
    parameters: list[object] = []
    spec, _ = known(table)
    if columns is None:
        columns = [column.name for column in spec.columns]
    shown = ", ".join(_column(spec, name) for name in columns) or "count(*) AS n"
    statement = f"SELECT {shown} FROM {_rows(known, table, where, as_of, parameters)}"
    if order:
        statement += " ORDER BY " + ", ".join(_column(spec, name) for name in order)
    if limit is not None:
        statement += f" LIMIT {int(limit)}"
    return statement, parameters


def _rows(
    known: Known,
    table: str,
    where: Sequence[Condition],
    as_of: datetime | None,
    parameters: list[object],
) -> str:
    """The rows that meet the conditions, as what follows FROM; of a revised table the latest of each thing.

    Conditions on what a thing is are put before the choice of its latest revision, all others after it.
    """
    spec, source = known(table)
    if not spec.bitemporal:
        return f"{source}{_where(known, spec, where, as_of, parameters)}"
    key = thing_key(spec)
    fixed = {*key, *spec.partition}  # all revisions of a thing lie in one partition
    early = [one for one in where if one.column in fixed]
    late = [one for one in where if one.column not in fixed]
    parts = [_condition(known, spec, one, as_of, parameters) for one in early]
    if as_of is not None:
        parts.append(f"{_column(spec, 'available_at')} <= ?")
        parameters.append(as_of)
    # things that met the conditions in any revision: few, so that the latest of few has to be found
    once = [one for one in late if isinstance(one, Equals | OneOf)]
    names = ", ".join(_column(spec, name) for name in key)
    if once:
        candidates = f"SELECT {names} FROM {source}{_where(known, spec, once, as_of, parameters)}"
        parts.append(f"({names}) IN ({candidates})")
    inner = f" WHERE {' AND '.join(parts)}" if parts else ""
    held = {column.name for column in spec.columns}
    newest = ", ".join(f"{_column(spec, name)} DESC" for name in KNOWLEDGE if name in held)
    chosen = f"row_number() OVER (PARTITION BY {names} ORDER BY {newest}) = 1"
    latest = f"(SELECT * FROM {source}{inner} QUALIFY {chosen})"
    return f"{latest}{_where(known, spec, late, as_of, parameters)}"


def _where(
    known: Known,
    spec: TableSpec,
    where: Sequence[Condition],
    as_of: datetime | None,
    parameters: list[object],
) -> str:
    parts = [_condition(known, spec, one, as_of, parameters) for one in where]
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def _condition(
    known: Known, spec: TableSpec, one: Condition, as_of: datetime | None, parameters: list[object]
) -> str:
    column = _column(spec, one.column)
    if isinstance(one, Among):
        other, _ = known(one.table)
        rows = _rows(known, one.table, one.where, as_of, parameters)
        return f"{column} IN (SELECT {_column(other, one.of)} FROM {rows})"
    if isinstance(one, OneOf):
        if not one.values:
            return "false"
        parameters.extend(one.values)
        return f"{column} IN ({', '.join('?' * len(one.values))})"
    if isinstance(one, Contains):
        parameters.append(one.text)
        return f"contains({column}, ?)"
    parameters.append(one.value)
    return f"{column} {'>' if isinstance(one, After) else '='} ?"


def _column(spec: TableSpec, name: str) -> str:
    names = [column.name for column in spec.columns]
    if name not in names:
        raise UsageError(f"Table {spec.name!r} has no column {name!r}.", ways_out=did_you_mean(name, names))
    return f'"{name}"'
