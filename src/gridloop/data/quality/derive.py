"""Rules that follow from a table's declaration and from the rule book, column by column (S75–S80, S84, S86)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from gridloop.data.quality.book import Expected, Form, Order
from gridloop.data.quality.rule import LIST_KINDS, SURPLUS, Dimension, Rule, Tables, row_rule
from gridloop.domain.finding import Severity
from gridloop.domain.ids import MAX_ID_LENGTH
from gridloop.domain.table import Column, Kind, TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

IDENTIFIER = rf"^[^\s/\\\x00-\x1f\x7f]([^/\\\x00-\x1f\x7f]{{0,{MAX_ID_LENGTH - 2}}}[^\s/\\\x00-\x1f\x7f])?$"
"""What docs/conventions.md §4 allows as an id, but for a lone dot and unprintable characters beyond ASCII."""

NUMBERS = (Kind.INT, Kind.LONG, Kind.DOUBLE, Kind.MONEY)


def column_rules(spec: TableSpec, tables: Tables) -> Iterator[Rule]:
    """Every rule about the rows of one table taken by themselves."""
    yield unique_key(spec)
    for column in spec:
        if column.kind in LIST_KINDS:
            continue
        if not column.nullable:
            yield _required(spec, column)
        if column.kind is Kind.STRING:
            yield from _text_rules(spec, column)
        if column.minimum is not None or column.maximum is not None:
            yield _within_range(spec, column)
        if column.kind is Kind.DOUBLE:
            yield _finite(spec, column)
        if column.references is not None and tables.has(column.references):
            yield _reference(spec, column, column.references)
    names = {column.name for column in spec}
    for order in tables.book.order:
        if {order.first, order.last} <= names:
            yield _in_order(spec, order)
    for form in tables.book.form:
        if form.column in names:
            yield _of_form(spec, form)
    for expected in tables.book.expected:
        if expected.table == spec.name:
            yield _known(spec, expected)


def unique_key(spec: TableSpec) -> Rule:
    """No two rows have the same key, all its columns counted."""

    def offending(tables: Tables) -> ir.Table:
        rows = tables.revisions(spec.name)
        counted = rows.group_by([rows[name] for name in spec.key]).aggregate(_rows=rows.count())
        repeated = counted.filter(counted._rows > 1)
        return repeated.mutate(**{SURPLUS: repeated._rows - 1})

    return Rule(
        "key.unique",
        Dimension.UNIQUENESS,
        spec.name,
        Severity.ERROR,
        f"{{failing}} rows of {spec.name} repeat the key ({', '.join(spec.key)}) of another row.",
        offending,
    )


def _required(spec: TableSpec, column: Column) -> Rule:
    return row_rule(
        f"required.{column.name}",
        Dimension.COMPLETENESS,
        spec.name,
        f"{{failing}} of {{rows}} rows of {spec.name} lack {column.name}, which every row must have.",
        lambda rows, tables: rows[column.name].isnull(),
    )


def _text_rules(spec: TableSpec, column: Column) -> Iterator[Rule]:
    name = column.name
    if column.values:
        yield row_rule(
            f"values.{name}",
            Dimension.CONSISTENCY,
            spec.name,
            f"{{failing}} of {{rows}} rows of {spec.name} hold a {name} other than {', '.join(column.values)}.",
            lambda rows, tables: rows[name].notnull() & ~rows[name].isin(list(column.values)),
            thresholds={"values": list(column.values)},
        )
        return
    if name == "zone":
        zones = sorted(available_timezones())
        yield row_rule(
            "zone.name",
            Dimension.CONSISTENCY,
            spec.name,
            f"{{failing}} of {{rows}} rows of {spec.name} name a time zone that is not in the IANA list.",
            lambda rows, tables: ~rows[name].isin(zones),
        )
        return
    yield row_rule(
        f"blank.{name}",
        Dimension.COMPLETENESS,
        spec.name,
        f"{{failing}} of {{rows}} rows of {spec.name} hold a blank {name} where a text or nothing belongs.",
        lambda rows, tables: rows[name].strip() == "",
        Severity.WARNING,
    )
    if name in spec.key and name.endswith(("_id", "_code")) and column.references is None:
        yield row_rule(
            f"identifier.{name}",
            Dimension.CONSISTENCY,
            spec.name,
            f"{{failing}} of {{rows}} rows of {spec.name} have a {name} that no identifier may look like.",
            lambda rows, tables: (
                rows[name].notnull() & (~rows[name].re_search(IDENTIFIER) | rows[name].isin([".", ".."]))
            ),
            shows_keys=False,  # such a value may be anything, a name too
        )


def _within_range(spec: TableSpec, column: Column) -> Rule:
    low, high = column.minimum, column.maximum

    def fault(rows: ir.Table, tables: Tables) -> ir.BooleanValue:
        value = rows[column.name]
        below = value < low if low is not None else None
        above = value > high if high is not None else None
        if below is None or above is None:
            return above if below is None else below
        return below | above

    unit = f" {column.unit}" if column.unit and column.unit[0] not in "@1" else ""
    span = f"{'−∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}{unit}"
    return row_rule(
        f"range.{column.name}",
        Dimension.ACCURACY,
        spec.name,
        f"{{failing}} of {{rows}} rows of {spec.name} hold a {column.name} outside {span}.",
        fault,
        thresholds={"minimum": low, "maximum": high, "unit": column.unit},
    )


def _finite(spec: TableSpec, column: Column) -> Rule:
    return row_rule(
        f"finite.{column.name}",
        Dimension.ACCURACY,
        spec.name,
        f"{{failing}} of {{rows}} rows of {spec.name} hold a {column.name} that is no finite number.",
        lambda rows, tables: rows[column.name].isnan() | rows[column.name].isinf(),
    )


def _reference(spec: TableSpec, column: Column, reference: str) -> Rule:
    table, _, target = reference.partition(".")

    def fault(rows: ir.Table, tables: Tables) -> ir.BooleanValue:
        known = tables.revisions(table)
        known = known.filter(known[target].notnull())
        return rows[column.name].notnull() & ~rows[column.name].isin(known[target])

    return row_rule(
        f"reference.{column.name}",
        Dimension.CONSISTENCY,
        spec.name,
        f"{{failing}} of {{rows}} rows of {spec.name} hold a {column.name} that table {table} does not have.",
        fault,
        thresholds={"references": reference},
    )


def _in_order(spec: TableSpec, order: Order) -> Rule:
    def fault(rows: ir.Table, tables: Tables) -> ir.BooleanValue:
        first, last = rows[order.first], rows[order.last]
        return (last <= first) if order.apart else (last < first)

    relation = "is not after" if order.apart else "is before"
    return row_rule(
        f"order.{order.last}",
        Dimension.ACCURACY,
        spec.name,
        f"In {{failing}} of {{rows}} rows of {spec.name} {order.last} {relation} {order.first}.",
        fault,
    )


def _of_form(spec: TableSpec, form: Form) -> Rule:
    return row_rule(
        f"form.{form.column}",
        Dimension.CONSISTENCY,
        spec.name,
        f"In {{failing}} of {{rows}} rows of {spec.name} {form.column} {form.means}.",
        lambda rows, tables: ~rows[form.column].re_search(form.pattern),
        thresholds={"pattern": form.pattern},
    )


def _known(spec: TableSpec, expected: Expected) -> Rule:
    def fault(rows: ir.Table, tables: Tables) -> ir.BooleanValue:
        value = rows[expected.column]
        return (
            value.isnull() | value.isin(list(expected.unknown)).fill_null(False)
            if expected.unknown
            else value.isnull()
        )

    return row_rule(
        f"known.{expected.column}",
        Dimension.COMPLETENESS,
        spec.name,
        f"{expected.column} is not known in {{failing}} of {{rows}} rows of {spec.name} ({{share}}).",
        fault,
        Severity.WARNING,
        tolerance=expected.lacking,
        thresholds={"lacking": expected.lacking, "unknown": list(expected.unknown)},
    )
