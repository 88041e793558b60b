"""What an import leaves behind about itself: landing files, row accounts, quarantined rows and findings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from gridloop.data.accounting import RowAccount
from gridloop.data.plan import ImportPlan
from gridloop.data.recipe import Recipe
from gridloop.data.tally import FileTally
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.tables import CATALOGUE
from gridloop.engine.schema import arrow_schema

_DIMENSIONS = {
    "import.assumption": "consistency",
    "import.unmapped_columns": "completeness",
    "import.unclaimed_files": "completeness",
    "import.superseded": "uniqueness",
    "import.conflicting_rows": "consistency",
}


@dataclass(frozen=True, slots=True)
class IntakeRows:
    """Makes the rows of the intake tables of one import.

    Attributes:
        received_at: when the files were received.
        key_id: public name of the key that seals the raw files.
    """

    recipe: Recipe
    received_at: datetime
    key_id: str

    def tables(
        self, tallies: Sequence[FileTally], accounts: Sequence[RowAccount], findings: Sequence[Finding]
    ) -> dict[str, pa.Table]:
        """Rows by table, in the order they should be written: the landing files, which say "done", last."""
        made = {}
        quarantined = [self._quarantine(tally) for tally in tallies if len(tally.book)]
        if quarantined:
            made["quarantine"] = pa.concat_tables(quarantined)
        rows = [{"file_id": a.file_id, "recipe": a.recipe, "role": a.role, **a.counts()} for a in accounts]
        made["row_account"] = _table("row_account", rows)
        if findings:
            made["quality_finding"] = self._findings(findings)
        made["landing_file"] = self._landing_files(tallies, accounts)
        return made

    def _quarantine(self, tally: FileTally) -> pa.Table:
        received_us = round(self.received_at.timestamp() * 1e6)
        return tally.book.table(tally.file_id, self.recipe.name, tally.role, received_us)

    def _landing_files(self, tallies: Sequence[FileTally], accounts: Sequence[RowAccount]) -> pa.Table:
        origin = self.recipe.origin
        rows: list[dict[str, object]] = [
            {
                "file_id": tally.file_id,
                "recipe": self.recipe.name,
                "recipe_version": self.recipe.version,
                "role": tally.role,
                "name": tally.name,
                "bytes": tally.bytes,
                "rows": account.rows_in,
                "received_at": self.received_at.astimezone(UTC),
                "purpose": origin.purpose,
                "provenance": origin.provenance,
                "licence": origin.licence,
                "key_id": self.key_id,
            }
            for tally, account in zip(tallies, accounts, strict=True)
        ]
        return _table("landing_file", rows)

    def _findings(self, findings: Sequence[Finding]) -> pa.Table:
        rows: dict[str, dict[str, object]] = {}
        for finding in findings:
            evidence = json.dumps(dict(finding.evidence), sort_keys=True, ensure_ascii=False, default=str)
            named = f"{self.recipe.name}|{finding.code}|{finding.table}|{finding.subject}|{evidence}"
            finding_id = hashlib.sha256(named.encode()).hexdigest()[:32]
            count = finding.evidence.get("rows", 1)
            rows[finding_id] = {
                "finding_id": finding_id,
                "rule": finding.code,
                "dimension": _DIMENSIONS.get(finding.code, "accuracy"),
                "table_name": finding.table or "landing_file",
                "subject": finding.subject,
                "severity": finding.severity.value,
                "count": count if isinstance(count, int) else 1,
                "text": finding.text,
                "evidence": evidence,
                "run_at": self.received_at.astimezone(UTC),
            }
        return _table("quality_finding", list(rows.values()))


def _table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(CATALOGUE[name]))


def import_findings(plan: ImportPlan, tallies: Sequence[FileTally]) -> list[Finding]:
    """What a person should know: assumptions of the recipe, files it does not read, then what was met in each file."""
    return [
        *_assumed(plan),
        *_unclaimed(plan),
        *(finding for tally in tallies for finding in _of_file(tally)),
    ]


def _assumed(plan: ImportPlan) -> list[Finding]:
    return [
        Finding("import.assumption", text, {"recipe": plan.recipe.name}, Severity.INFO)
        for text in plan.assumptions
    ]


def _unclaimed(plan: ImportPlan) -> list[Finding]:
    if not plan.unclaimed:
        return []
    return [
        Finding(
            "import.unclaimed_files",
            f"No role of the recipe reads these files, so they were not imported: {plan.unclaimed_names}.",
            {"recipe": plan.recipe.name, "files": len(plan.unclaimed), "names": plan.unclaimed_names},
            Severity.INFO,
        )
    ]


def _of_file(tally: FileTally) -> list[Finding]:
    """Findings of one file: its own, and one for each reason of quarantine."""
    found = list(tally.findings)
    table = "reading" if tally.counts.get("intervals_in", 0) else None
    for reason, (rows, intervals, text) in tally.book.summary().items():
        found.append(
            Finding(
                f"import.{reason}",
                f"Rows were quarantined: {text}.",
                {"file": tally.name, "role": tally.role, "rows": rows, "intervals": intervals},
                Severity.WARNING,
                table,
            )
        )
    if tally.counts.get("rows_superseded", 0):
        evidence = {"file": tally.name, "role": tally.role, "rows": tally.counts["rows_superseded"]}
        found.append(
            Finding("import.superseded", "Rows repeat what is already known.", evidence, Severity.INFO, table)
        )
    if tally.conflicts:
        evidence = {"file": tally.name, "role": tally.role, "rows": tally.conflicts}
        found.append(
            Finding(
                "import.conflicting_rows",
                "Rows contradict another row of the same knowledge time; the one delivered last holds.",
                evidence,
                Severity.WARNING,
                table,
            )
        )
    return found
