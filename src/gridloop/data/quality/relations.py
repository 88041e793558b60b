"""Rules between rows and between tables: overlaps, facts that stand twice, missing links, bills (S78, S79, S91)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from gridloop.data.quality.book import Agree, Linked, Overlap
from gridloop.data.quality.rule import Check, Dimension, Found, Rule, Tables, Verdict, number, row_rule
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

OPEN_END = date(9999, 12, 31)


def relation_rules(spec: TableSpec, tables: Tables) -> Iterator[Rule]:
    """Every rule that needs other rows or other tables, for one table."""
    for overlap in tables.book.overlap:
        if overlap.table == spec.name:
            yield _apart(overlap)
    for agree in tables.book.agree:
        if agree.table == spec.name and tables.has(agree.counterpart):
            yield _agreeing(agree)
    for linked in tables.book.linked:
        if linked.table == spec.name and tables.has(linked.by):
            yield _pointed_to(linked, spec.key[0])
    if spec.name == "bill":
        yield from _bill_rules(tables)
    if spec.name == "completeness":
        yield row_rule(
            "plausible.present",
            Dimension.ACCURACY,
            spec.name,
            "{failing} of {rows} rows of completeness count more intervals than the civil day has.",
            lambda rows, tables: rows.present > rows.expected,
        )


def reference_checks(spec: TableSpec, tables: Tables) -> Iterator[Check]:
    """References into tables that were never filled: the rows cannot be judged, and that is said."""
    for column in spec:
        reference = column.references
        if reference is None or tables.has(reference):
            continue
        table = reference.partition(".")[0]
        if table in tables.view.lake.specs and tables.spec(table).owner is spec.owner:
            yield _unjudged(spec, column.name, reference, required=not column.nullable)


def _unjudged(spec: TableSpec, column: str, reference: str, *, required: bool) -> Check:
    code = f"reference_unfilled.{column}"
    table = reference.partition(".")[0]

    def run(tables: Tables) -> Iterator[Found | Verdict]:
        count = int(tables.rows(spec.name)[column].count().to_pyarrow().as_py())
        if count:
            text = f"{number(count)} rows of {spec.name} point to table {table} by {column}, but it was never filled."
            severity = Severity.WARNING if required else Severity.INFO
            evidence: dict[str, object] = {"rows": count, "references": reference}
            yield Found(Finding(code, text, evidence, severity, spec.name), Dimension.CONSISTENCY, count)

    return Check(code, Dimension.CONSISTENCY, spec.name, run)


def overlapping(rows: ir.Table, per: tuple[str, ...], first: str, last: str) -> ir.Table:
    """Rows that begin before an earlier row of the same `per` has ended; of equal beginnings the first one is right.

    Args:
        rows: half-open spans; a null `last` is an open end.
        per: columns within whose values spans exclude each other.
        first, last: columns of the first day, inclusive, and of the last, exclusive.
    """
    import ibis

    others = [rows[name] for name in rows.columns if name not in (*per, first, last)]
    ends = ibis.coalesce(rows[last], ibis.literal(OPEN_END))
    earlier = ibis.window(
        group_by=[rows[name] for name in per], order_by=[rows[first], ends, *others], preceding=(None, 1)
    )
    spans = rows.mutate(_ended=ends.max().over(earlier))
    return spans.filter(spans._ended > spans[first])


def _apart(overlap: Overlap) -> Rule:
    def offending(tables: Tables) -> ir.Table:
        rows = tables.rows(overlap.table)
        # A span that ends before it begins is accused by its order, not here.
        valid = rows.filter(rows[overlap.last].isnull() | (rows[overlap.last] > rows[overlap.first]))
        return overlapping(valid, overlap.per, overlap.first, overlap.last)

    return Rule(
        f"overlap.{overlap.per[-1]}",
        Dimension.CONSISTENCY,
        overlap.table,
        overlap.severity,
        f"{{failing}} {overlap.means}.",
        offending,
    )


def _agreeing(agree: Agree) -> Rule:
    table, _, counterpart = agree.counterpart.partition(".")

    def offending(tables: Tables) -> ir.Table:
        other = tables.rows(table).select(_on=agree.match, _counterpart=counterpart).distinct()
        rows = tables.rows(agree.table)
        if agree.open is not None:
            rows = rows.filter(rows[agree.open].isnull())
        joined = rows.inner_join(other, [rows[agree.match] == other._on])
        return joined.filter(joined[agree.column] != joined._counterpart)

    return Rule(
        f"agree.{agree.column}",
        Dimension.CONSISTENCY,
        agree.table,
        Severity.WARNING,
        f"{{failing}} of {{rows}} rows of {agree.table} give another {agree.column} than {agree.counterpart} does.",
        offending,
        thresholds={"with": agree.counterpart, "match": agree.match},
    )


def _pointed_to(linked: Linked, key: str) -> Rule:
    table, _, column = linked.by.partition(".")

    def fault(rows: ir.Table, tables: Tables) -> ir.BooleanValue:
        pointing = tables.revisions(table)
        return ~rows[key].isin(pointing.filter(pointing[column].notnull())[column])

    return row_rule(
        f"linked.{table}",
        Dimension.COMPLETENESS,
        linked.table,
        f"{{failing}} of {{rows}} rows of {linked.table} ({{share}}) have no {table}.",
        fault,
        Severity.INFO,
        thresholds={"by": linked.by},
    )


def _bill_rules(tables: Tables) -> Iterator[Rule]:
    yield row_rule(
        "bill.negative_energy",
        Dimension.ACCURACY,
        "bill",
        "{failing} of {rows} bills charge a negative energy without replacing another bill.",
        lambda rows, tables: (rows.energy_wh < 0) & rows.replaces_bill_id.isnull(),
        Severity.WARNING,
    )
    yield Rule(
        "bill.overlap",
        Dimension.CONSISTENCY,
        "bill",
        Severity.WARNING,
        "{failing} bills begin before the period of an earlier bill of the same account has ended.",
        _overlapping_bills,
    )
    if tables.has("bill_line"):
        yield Rule(
            "bill.lines",
            Dimension.CONSISTENCY,
            "bill",
            Severity.ERROR,
            "The lines of {failing} of {rows} bills do not add up to the amount.",
            _unequal_bills,
            thresholds={"tolerance_currency": str(tables.settings.money_tolerance)},
        )


def _overlapping_bills(tables: Tables) -> ir.Table:
    """Accounts with several service points are left out, for each point has bills of its own."""
    bills = tables.rows("bill")
    replaced = bills.filter(bills.replaces_bill_id.notnull())
    original = bills.filter(
        bills.replaces_bill_id.isnull()
        & ~bills.bill_id.isin(replaced.replaces_bill_id)
        & (bills.period_end > bills.period_start)
    )
    if tables.has("contract"):
        contracts = tables.rows("contract")
        points = contracts.group_by(contracts.account_id).aggregate(n=contracts.service_point_id.nunique())
        original = original.filter(~original.account_id.isin(points.filter(points.n > 1).account_id))
    return overlapping(original, ("account_id",), "period_start", "period_end")


def _unequal_bills(tables: Tables) -> ir.Table:
    """Bills whose lines differ from the amount, and also from the amount before tax where lines leave it out."""
    lines = tables.rows("bill_line")
    sums = lines.group_by(_bill=lines.bill_id).aggregate(_lines=lines.amount.sum())
    bills = tables.rows("bill")
    joined = bills.inner_join(sums, [bills.bill_id == sums._bill])
    tolerance = float(tables.settings.money_tolerance) + 1e-9
    gap = (joined.amount - joined._lines).cast("float64")
    tax = joined.tax.cast("float64").fill_null(0.0)
    return joined.filter((gap.abs() > tolerance) & ((gap - tax).abs() > tolerance))
