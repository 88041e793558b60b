"""Rates of quality: of all that was judged, how much holds, by dimension, by table and for the readings (S84, S85)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gridloop.data.quality.rule import (
    EVERY_TABLE,
    Check,
    Dimension,
    Found,
    Tables,
    Verdict,
    number,
    percent,
)
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Kind, TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir


def dimension_rates(verdicts: Iterable[Verdict]) -> Iterator[Found]:
    """One finding per dimension with the share of judgements that hold: Σ (judged − failing) / Σ judged.

    A row that two rules judge counts twice, once for each.
    """
    judged: dict[Dimension, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for verdict in verdicts:
        held = judged[verdict.dimension][verdict.table]
        held[0] += verdict.rows
        held[1] += min(verdict.failing, verdict.rows)
    for dimension, tables in sorted(judged.items()):
        rows, failing = (sum(held[i] for held in tables.values()) for i in (0, 1))
        if not rows:
            continue
        rate = 1 - failing / rows
        what = f"{percent(rate)} of {number(rows)} judgements hold, {number(failing)} fail"
        evidence = {
            "rate": round(rate, 6),
            "judged": rows,
            "failing": failing,
            "by_table": {
                name: round(1 - held[1] / held[0], 6) for name, held in sorted(tables.items()) if held[0]
            },
        }
        text = f"{dimension.value.capitalize()}: {what}."
        finding = Finding(f"rate.{dimension.value}", text, evidence, Severity.INFO, EVERY_TABLE)
        yield Found(finding, dimension, failing)


def rate_checks(spec: TableSpec, tables: Tables) -> Iterator[Check]:
    """How much of the readings came, and how much of the optional columns of any other source table is known."""
    if spec.name == "completeness":
        yield Check("rate.readings", Dimension.COMPLETENESS, "reading", _readings)
    elif spec.subject != "intake":
        yield Check("rate.columns", Dimension.COMPLETENESS, spec.name, lambda tables: _columns(spec, tables))


def _readings(tables: Tables) -> Iterator[Found | Verdict]:
    rows = tables.rows("completeness")
    by_channel = rows.group_by(rows.channel).aggregate(
        expected=rows.expected.sum(),
        present=rows.present.sum(),
        estimated=rows.estimated.sum(),
        suspect=rows.suspect.sum(),
        meters=rows.meter_id.nunique(),
    )
    for row in by_channel.order_by("channel").to_pyarrow().to_pylist():
        if not row["expected"]:
            continue
        missing = max(row["expected"] - row["present"], 0)
        rate = 1 - missing / row["expected"]
        text = (
            f"{percent(rate)} of the {number(row['expected'])} intervals expected of {number(row['meters'])} meters "
            f"({row['channel']}) came; {number(row['estimated'])} are estimated, {number(row['suspect'])} suspect."
        )
        evidence = {"rate": round(rate, 6)} | {
            name: row[name] for name in ("expected", "present", "estimated", "suspect", "meters")
        }
        finding = Finding("rate.readings", text, evidence, Severity.INFO, "reading", row["channel"])
        yield Found(finding, Dimension.COMPLETENESS, missing)
        yield Verdict(Dimension.COMPLETENESS, "reading", row["expected"], missing)


def _columns(spec: TableSpec, tables: Tables) -> Iterator[Found | Verdict]:
    """The share of rows that know each optional column, where an absent value may mean that none applies."""
    optional = [c.name for c in spec if c.nullable and c.kind is not Kind.JSON and c.kind not in _LISTS]
    if not optional:
        return
    rows: ir.Table = tables.rows(spec.name)
    counts = {f"c{n}": rows[name].count() for n, name in enumerate(optional)}
    (told,) = rows.aggregate(rows=rows.count(), **counts).to_pyarrow().to_pylist()
    if not told["rows"]:
        return
    known = {name: round(told[f"c{n}"] / told["rows"], 6) for n, name in enumerate(optional)}
    least = min(known, key=lambda name: (known[name], name))
    mean = sum(known.values()) / len(known)
    text = (
        f"{percent(mean)} of the optional values of {number(told['rows'])} rows of {spec.name} are given; "
        f"{least} the least, {percent(known[least])}."
    )
    evidence = {"rows": told["rows"], "known": known}
    absent = sum(told["rows"] - told[f"c{n}"] for n in range(len(optional)))
    yield Found(
        Finding("rate.columns", text, evidence, Severity.INFO, spec.name), Dimension.COMPLETENESS, absent
    )


_LISTS = (Kind.INT_LIST, Kind.DOUBLE_LIST)
