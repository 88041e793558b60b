"""The check of all tables: every rule of the declarations and of the rule book, judged and told (S75–S88)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gridloop.data.quality.batches import batch_checks
from gridloop.data.quality.book import CheckSettings, load_book
from gridloop.data.quality.derive import column_rules
from gridloop.data.quality.intake import intake_checks
from gridloop.data.quality.judge import Failure, Judgement, judge_checks, judge_rules
from gridloop.data.quality.rates import dimension_rates, rate_checks
from gridloop.data.quality.relations import reference_checks, relation_rules
from gridloop.data.quality.rule import Check, Found, Rule, Tables, Verdict
from gridloop.data.quality.timeliness import timeliness_checks
from gridloop.domain.clock import SystemClock
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView
    from gridloop.engine.writer import LakeWriter

KEPT_PREFIXES = ("reading.", "import.", "calendar.")
"""Rules of the validation of readings and of imports, whose findings a check of tables leaves in place."""


@dataclass(frozen=True)
class CheckReport:
    """What a check did: counts by name, and findings of warning or worse, gravest first."""

    counts: Mapping[str, int]
    findings: tuple[Finding, ...]


def check_tables(
    view: LakeView,
    writer: LakeWriter,
    *,
    settings: CheckSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CheckReport:
    """Judge every published table of the data stage by every rule and write `quality_finding`.

    Running it again on the same tables writes the same rows but for `run_at`; findings of the validation of readings
    stay. Results of later stages are not judged: they would make the data look changed whenever a model runs.

    Args:
        view: the published tables.
        writer: of the data stage.
        settings: thresholds, and what the time is.
        progress: told (tables done, tables in all).

    Raises:
        UsageError: the workspace's own rule book is not valid.
    """
    tables = Tables(view, load_book(view.lake.workspace.root), settings or CheckSettings())
    found: list[Found] = []
    verdicts: list[Verdict] = []
    counts = {"tables": len(tables.names), "rules": 0, "could_not_run": 0}
    for done, name in enumerate(tables.names, start=1):
        rules, checks = rules_of(name, tables), checks_of(name, tables)
        counts["rules"] += len(rules) + len(checks)
        for judgement in judged(name, rules, checks, tables):
            if isinstance(judgement, Verdict):
                verdicts.append(judgement)
            elif isinstance(judgement, Failure):
                counts["could_not_run"] += 1
                found.append(judgement.found())
            else:
                found.append(judgement)
        if progress is not None:
            progress(done, len(tables.names))
    found += dimension_rates(verdicts)
    _write(view, writer, found)
    counts |= {"judgements": sum(verdict.rows for verdict in verdicts), "findings": len(found)}
    ordered = sorted(
        (f.finding for f in found), key=lambda f: (-f.severity.rank, f.table or "", f.code, f.subject or "")
    )
    return CheckReport(counts, tuple(f for f in ordered if f.severity.rank >= Severity.WARNING.rank))


def rules_of(name: str, tables: Tables) -> tuple[Rule, ...]:
    """Every rule about rows of a table: from its declaration, from the rule book, and between tables."""
    spec = tables.spec(name)
    return (*column_rules(spec, tables), *relation_rules(spec, tables))


def checks_of(name: str, tables: Tables) -> tuple[Check, ...]:
    """Every check of a table as a whole: currency, punctuality, batches, intake, rates."""
    spec = tables.spec(name)
    return (
        *reference_checks(spec, tables),
        *timeliness_checks(spec, tables),
        *batch_checks(spec, tables),
        *intake_checks(spec, tables),
        *rate_checks(spec, tables),
    )


def judged(name: str, rules: Sequence[Rule], checks: Sequence[Check], tables: Tables) -> Iterator[Judgement]:
    """All answers about one table."""
    yield from judge_rules(name, rules, tables)
    yield from judge_checks(checks, tables)


def _write(view: LakeView, writer: LakeWriter, found: Iterable[Found]) -> None:
    """Put these findings in the place of the earlier ones; those of the validation of readings stay."""
    kept: list[dict[str, Any]] = []
    if view.exists("quality_finding"):
        held = view.arrow("quality_finding").to_pylist()
        kept = [row for row in held if row["rule"].startswith(KEPT_PREFIXES)]
    run_at = SystemClock().now()
    rows = {f.finding_id: _row(f, run_at) for f in found}
    if rows or kept or view.exists("quality_finding"):
        ordered = [*kept, *(rows[key] for key in sorted(rows))]
        schema = arrow_schema(table("quality_finding"))
        writer.replace("quality_finding", pa.Table.from_pylist(ordered, schema=schema))


def _row(found: Found, run_at: datetime) -> dict[str, Any]:
    finding = found.finding
    return {
        "finding_id": found.finding_id,
        "rule": finding.code,
        "dimension": found.dimension.value,
        "table_name": finding.table,
        "subject": finding.subject,
        "day_from": found.day_from,
        "day_to": found.day_to,
        "severity": finding.severity.value,
        "count": found.count,
        "text": finding.text,
        "evidence": json.dumps(dict(finding.evidence), sort_keys=True, ensure_ascii=False, default=str),
        "run_at": run_at,
    }
