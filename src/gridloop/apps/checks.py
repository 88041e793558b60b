"""What the `data` commands and pages answer: findings, profiles, quarantine, compaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from gridloop.domain.errors import DataQualityGate, UsageError, did_you_mean
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Kind, TableSpec

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.engine.view import LakeView


def quality_findings(session: Session) -> list[Finding] | None:
    """The findings of the last quality run; None when none has run yet."""
    if session.ledger.runs.last_success("data.check") is None:
        return None
    with closing(session.published()) as view:
        rows = view.arrow("quality_finding").to_pylist() if view.exists("quality_finding") else []
    return [
        Finding(
            row["rule"],
            row["text"],
            json.loads(row["evidence"] or "{}"),
            Severity(row["severity"]),
            row["table_name"],
            row["subject"],
        )
        for row in rows
    ]


def findings_by_rule(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """How many findings each rule made and of how many things, gravest rules first."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.code, []).append(finding)
    rows = []
    for code, found in grouped.items():
        gravest = max(found, key=lambda f: f.severity.rank)
        subjects = {f.subject for f in found if f.subject}
        rows.append(
            {
                "severity": gravest.severity.value,
                "rule": code,
                "findings": len(found),
                "things": len(subjects) or None,
            }
            | {"gravest": gravest.text}
        )
    return sorted(rows, key=lambda r: (-Severity(r["severity"]).rank, -r["findings"], r["rule"]))


def of_rule(findings: Sequence[Finding], rule: str) -> list[Finding]:
    """The findings of one rule; none when it holds.

    Raises:
        UsageError: there is no rule of that name.
    """
    from gridloop.data.quality.rule import FAMILIES

    mine = [finding for finding in findings if finding.code == rule]
    family, _, rest = rule.partition(".")
    codes = {finding.code for finding in findings}
    mistyped = get_close_matches(rule, codes, n=1, cutoff=0.9)
    if not mine and (mistyped or family not in FAMILIES or not rest):
        raise UsageError(f"There is no rule {rule!r}.", ways_out=did_you_mean(rule, codes))
    return mine


def gate_on(findings: Sequence[Finding], gate: str | None) -> None:
    """Stop with exit code 3 when a finding is at least as grave as `gate`.

    Raises:
        DataQualityGate: there is one.
        UsageError: `gate` is not a severity.
    """
    if gate is None:
        return
    if gate not in list(Severity):
        raise UsageError(f"{gate!r} is not a severity.", ways_out=did_you_mean(gate, list(Severity)))
    grave = [f for f in findings if f.severity.rank >= Severity(gate).rank]
    if grave:
        raise DataQualityGate(
            f"{len(grave)} findings are at least of severity {gate!r}.",
            evidence={"first": grave[0].text, "rule": grave[0].code},
            ways_out=("Mend the source and import it again.", "Set the gate at a graver severity."),
        )


def profile_rows(
    session: Session, subject: str | None
) -> tuple[list[dict[str, Any]], dict[str, list[float]]]:
    """Rows that describe the workspace, a table, or a customer's or meter's use, and mean days to draw.

    Args:
        session: the workspace.
        subject: a table, a customer or a meter; None for all tables.

    Raises:
        UsageError: nothing of that name is known.
    """
    view = session.published()
    try:
        if subject is None:
            return _tables(session, view), {}
        if subject in session.lake.specs:
            return _columns(view, session.lake.spec(subject)), {}
        return _use(session, view, subject)
    finally:
        view.close()


def _tables(session: Session, view: LakeView) -> list[dict[str, Any]]:
    rows = []
    for name, spec in session.lake.specs.items():
        if not view.exists(name):
            continue
        row: dict[str, Any] = {
            "table": name,
            "label": spec.label.en,
            "rows": view.count(name),
            "known_from": None,
        }
        row["known_until"] = None
        if any(column.name == "available_at" for column in spec.columns):
            stored = view.stored(name)
            span = stored.aggregate(first=stored.available_at.min(), last=stored.available_at.max())
            found = span.to_pyarrow().to_pylist()[0]
            row["known_from"] = found["first"].date() if found["first"] else None
            row["known_until"] = found["last"].date() if found["last"] else None
        rows.append(row | {"owner": spec.owner.value})
    return rows


def _columns(view: LakeView, spec: TableSpec) -> list[dict[str, Any]]:
    """One row per column: missing and distinct values, smallest and largest (not of personal columns)."""
    rows = view.table(spec.name)
    parts = {"rows": rows.count()}
    for column in spec.columns:
        value = rows[column.name]
        parts[f"{column.name}|missing"] = value.isnull().sum()
        if column.kind in (Kind.INT_LIST, Kind.DOUBLE_LIST):
            continue
        parts[f"{column.name}|distinct"] = value.nunique()
        if column.kind not in (Kind.JSON, Kind.BOOL):
            parts[f"{column.name}|least"] = value.min().cast("string")
            parts[f"{column.name}|most"] = value.max().cast("string")
    found = rows.aggregate(**parts).to_pyarrow().to_pylist()[0]
    return [
        {
            "column": column.name,
            "label": column.label.en,
            "unit": column.unit,
            "missing": found[f"{column.name}|missing"],
            "distinct": found.get(f"{column.name}|distinct"),
            "least": found.get(f"{column.name}|least"),
            "most": found.get(f"{column.name}|most"),
        }
        for column in spec.columns
    ]


def _use(
    session: Session, view: LakeView, subject: str
) -> tuple[list[dict[str, Any]], dict[str, list[float]]]:
    features = view.table("feature")
    mine = features.filter((features.customer_id == subject) | (features.meter_id == subject))
    rows = mine.to_pyarrow().to_pylist()
    if not rows:
        raise UsageError(
            f"Nothing is known about {subject!r}.",
            ways_out=(
                "Give a table, a customer or a meter; list customers with `gridloop data profile customer`.",
                f"If its readings were just imported: gridloop run -w {session.workspace.root}",
                *did_you_mean(subject, session.lake.specs),
            ),
        )
    return use_rows(rows)


def use_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, list[float]]]:
    """Feature rows as a person reads them, with the reason where there is no value, and the mean days to draw."""
    from gridloop.kernels.features.catalogue import feature

    shown, shapes = [], {}
    for row in rows:
        spec = feature(row["feature"])
        if spec.vector:
            if row["vector"] is not None and spec.name == "mean_profile":
                shapes[f"{row['meter_id']} {row['channel']}"] = _by_hour(row["vector"])
            continue
        value, unit = readable(row["value"], spec.unit)
        shown.append(
            {
                "customer": row["customer_id"],
                "meter": row["meter_id"],
                "channel": row["channel"],
                "window_start": row["window_start"],
                "window_end": row["window_end"],
                "days_used": row["days_used"],
                "coverage": row["coverage"],
                "feature": spec.label.en,
                "value": value,
                "unit": unit,
                "why_not": row["reason"],
            }
        )
    return shown, shapes


def readable(value: float | None, unit: str) -> tuple[Any, str | None]:
    """A feature's value and unit for people: ordinals as dates, minutes of the day as a time, ratios without unit."""
    if unit == "ordinal":
        return (date.fromordinal(int(value)) if value is not None else None), None
    if unit == "min":
        return (f"{int(value) // 60:02d}:{int(value) % 60:02d}" if value is not None else None), None
    return value, None if unit == "1" else unit


def _by_hour(profile: Sequence[float]) -> list[float]:
    """A mean day at half-hours or finer as 24 to 48 points, so that it fits a line."""
    step = max(1, len(profile) // 48)
    return [sum(profile[i : i + step]) / step for i in range(0, len(profile), step)]


def quarantine_rows(session: Session, *, reason: str | None, reveal: bool, most: int) -> list[dict[str, Any]]:
    """Rows kept out: counted by file and reason, or listed when a reason is named.

    Args:
        session: the workspace.
        reason: reason code.
        reveal: open the sealed rows; recorded in the audit.
        most: how many rows are listed.

    Raises:
        UsageError: no row was kept out for that reason.
    """
    with closing(session.published()) as view:
        if not view.exists("quarantine"):
            return []
        rows = view.table("quarantine")
        if reason is None:
            counted = rows.group_by("recipe", "role", "reason_code").aggregate(
                rows=rows.count(), intervals=rows.intervals.sum(), example=rows.reason.min()
            )
            ordered: list[dict[str, Any]] = (
                counted.order_by(["recipe", "role", "reason_code"]).to_pyarrow().to_pylist()
            )
            return ordered
        listed = rows.filter(rows.reason_code == reason).order_by(["role", "source_row"]).limit(most)
        found = listed.to_pyarrow().to_pylist()
        codes = rows.select("reason_code").distinct().to_pyarrow()["reason_code"].to_pylist()
    if not found:
        raise UsageError(f"No row is kept out for {reason!r}.", ways_out=did_you_mean(reason, codes))
    if reveal and found:
        from gridloop.security.seal import open_text

        session.ledger.audit.record("operator", "quarantine.revealed", reason, {"rows": len(found)})
        for row in found:
            row["row"] = open_text(session.vault, row["row_sealed"]) if row["row_sealed"] else None
    return [
        {k: v for k, v in row.items() if k not in ("row_sealed", "available_at", "file_id")} for row in found
    ]


def compact_tables(session: Session) -> list[dict[str, Any]]:
    """Merge small files of every table as one published run, then drop the files no published state needs."""
    from gridloop.apps.jobs.execute import run_job
    from gridloop.apps.jobs.job import Job, JobContext, JobReport
    from gridloop.apps.jobs.mending import mend
    from gridloop.domain.table import Stage

    done: list[dict[str, Any]] = []

    def compact(context: JobContext) -> JobReport:
        care = session.lake.maintenance("compaction")
        for name in context.view.snapshots:
            result = care.compact(name)
            if result.files_after < result.files_before:
                done.append(
                    {"table": name, "files_before": result.files_before, "files_after": result.files_after}
                    | {"rows": result.rows}
                )
        return JobReport({"tables": len(done)})

    mend(session)
    everything = tuple(session.lake.specs)
    job = Job("data.compact", Stage.DATA, "Merge small files", reads=(), writes=everything, run=compact)
    run_job(session, job, force=True)
    session.lake.maintenance("compaction").purge_history(session.ledger.runs.published().values())
    return done
