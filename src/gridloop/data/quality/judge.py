"""Judging: count the rows that break rules, all row rules of a table in one pass, and name a few of them.

Whatever goes wrong inside a rule, in its expression or in the engine, is an answer (`Failure`), never a pass: the
engine's exception types are its own affair, so this is the one place that catches them all (docs/conventions.md §9).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from gridloop.data.quality.rule import (
    SURPLUS,
    Check,
    Dimension,
    Found,
    Rule,
    Tables,
    Verdict,
    number,
    percent,
)
from gridloop.domain.errors import GridloopError
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.ids import identifier_fault
from gridloop.engine.functions import thing_key

if TYPE_CHECKING:
    import ibis.expr.types as ir

COULD_NOT_RUN = "rule.could_not_run"

UNSHOWN = "(no identifier)"
"""Stands in evidence for a part of a key that no identifier may look like."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule or check that could not run, and why."""

    code: str
    dimension: Dimension
    table: str
    error: Exception

    def found(self) -> Found:
        """The failure as a finding; of the reason only words that cannot quote a row."""
        reason = self.error.what if isinstance(self.error, GridloopError) else str(self.error).split("\n")[0]
        evidence = {
            "rule": self.code,
            "error": type(self.error).__name__,
            "reason": re.sub(r"'[^']*'|\"[^\"]*\"", "…", reason)[:200],
        }
        text = f"Rule {self.code} of table {self.table} could not run, so nothing is known about what it demands."
        finding = Finding(COULD_NOT_RUN, text, evidence, Severity.ERROR, self.table, self.code)
        return Found(finding, self.dimension, 1)


Judgement = Found | Verdict | Failure


def judge_checks(checks: Iterable[Check], tables: Tables) -> Iterator[Judgement]:
    """What each check answers; one that fails half-way answers only that."""
    for check in checks:
        try:
            yield from list(check.run(tables))
        except Exception as error:
            yield Failure(check.code, check.dimension, check.table, error)


def judge_rules(name: str, rules: Sequence[Rule], tables: Tables) -> Iterator[Judgement]:
    """A verdict on every rule of one table, and a finding where rows break it."""
    counted: dict[Rule, int] = {}
    together = [rule for rule in rules if rule.fault is not None]
    try:
        rows, counts = _count_together(name, together, tables)
        counted = dict(zip(together, counts, strict=True))
    except Exception:  # one of them is at fault: each is judged alone below, and that one named
        rows = None
    for rule in rules:
        try:
            if rows is None:
                rows = int(tables.rows(name).count().to_pyarrow().as_py())
            failing = counted[rule] if rule in counted else _count(rule, tables)
            judged = list(_told(rule, rows, failing, tables))
        except Exception as error:
            yield Failure(rule.code, rule.dimension, name, error)
        else:
            yield from judged


def _count_together(name: str, rules: Sequence[Rule], tables: Tables) -> tuple[int, list[int]]:
    rows = tables.rows(name)
    faults = {
        f"f{n}": rule.fault(rows, tables).fill_null(False) for n, rule in enumerate(rules) if rule.fault
    }
    flags = rows.select(**faults) if faults else rows
    sums = {flag: flags[flag].sum() for flag in faults}
    (told,) = flags.aggregate(rows=flags.count(), **sums).to_pyarrow().to_pylist()
    return int(told["rows"]), [int(told[flag] or 0) for flag in faults]


def _count(rule: Rule, tables: Tables) -> int:
    offending = rule.offending(tables)
    count = offending[SURPLUS].sum() if SURPLUS in offending.columns else offending.count()
    return int(count.to_pyarrow().as_py() or 0)


def _told(rule: Rule, rows: int, failing: int, tables: Tables) -> Iterator[Found | Verdict]:
    yield Verdict(rule.dimension, rule.table, rows, failing)
    if not failing:
        return
    share = failing / rows if rows else 1.0
    evidence: dict[str, object] = {"rows": rows, "failing": failing, "share": round(share, 6)}
    evidence |= rule.thresholds
    if rule.tolerance:
        evidence["tolerance_share"] = rule.tolerance
    if rule.shows_keys and tables.settings.examples:
        evidence["examples"] = example_keys(rule, tables)
    text = rule.text.format(failing=number(failing), rows=number(rows), share=percent(share))
    severity = rule.severity if share > rule.tolerance else Severity.INFO
    yield Found(Finding(rule.code, text, evidence, severity, rule.table), rule.dimension, failing)


def example_keys(rule: Rule, tables: Tables) -> list[str]:
    """Keys of the first few rows that break a rule, in the order of the keys; the parts of one joined by `|`."""
    offending: ir.Table = rule.offending(tables)
    keys = [name for name in thing_key(tables.spec(rule.table)) if name in offending.columns]
    rows = offending.select(*keys).distinct().order_by(keys).limit(tables.settings.examples)
    return ["|".join(_word(row[key]) for key in keys) for row in rows.to_pyarrow().to_pylist()]


def _word(value: Any) -> str:
    """A part of a key as it may be shown: what is no identifier may be anything, a person's name too."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    text = str(value)
    return text if identifier_fault(text) is None else UNSHOWN
