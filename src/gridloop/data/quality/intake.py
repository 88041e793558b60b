"""What became of every source row: accounted for, refused with a reason, or a duplicate (S76, S86)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from gridloop.data.quality.rule import Check, Dimension, Found, Tables, Verdict, number, percent
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import TableSpec

UNITS = ("rows", "intervals")
OUTCOMES = ("accepted", "superseded", "quarantined")


def intake_checks(spec: TableSpec, tables: Tables) -> Iterator[Check]:
    """Checks of the accounts of what came in."""
    if spec.name == "row_account":
        yield Check("intake.unaccounted", Dimension.ACCURACY, spec.name, _unaccounted)
        yield Check("intake.quarantined", Dimension.ACCURACY, spec.name, _quarantined)
        yield Check("intake.superseded", Dimension.UNIQUENESS, spec.name, _superseded)
    if spec.name == "landing_file":
        if tables.has("row_account"):
            yield Check("intake.file_without_account", Dimension.COMPLETENESS, spec.name, _without_account)
        if tables.settings.now is not None:
            yield Check("timeliness.delivery", Dimension.TIMELINESS, spec.name, _deliveries)


def _accounts(tables: Tables) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tables.rows("row_account").to_pyarrow().to_pylist()
    return sorted(rows, key=lambda r: (r["recipe"], r["role"], r["file_id"]))


def _by_recipe(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["recipe"]].append(row)
    return grouped


def _unaccounted(tables: Tables) -> Iterator[Found | Verdict]:
    accounts = _accounts(tables)
    broken = 0
    for recipe, rows in _by_recipe(accounts).items():
        lost = {
            (row["role"], row["file_id"], unit): row[f"{unit}_in"] - sum(row[f"{unit}_{o}"] for o in OUTCOMES)
            for row in rows
            for unit in UNITS
        }
        lost = {place: difference for place, difference in lost.items() if difference}
        if lost:
            files = {file for _, file, _ in lost}
            broken += len({(role, file) for role, file, _ in lost})
            text = (
                f"{len(files)} of {len({r['file_id'] for r in rows})} files of recipe {recipe} do not balance: "
                "what came in is not what was accepted, superseded and quarantined."
            )
            evidence = {
                "files": sorted(files)[: tables.settings.examples],
                "rows_lost": sum(d for (_, _, unit), d in lost.items() if unit == "rows"),
                "intervals_lost": sum(d for (_, _, unit), d in lost.items() if unit == "intervals"),
            }
            finding = Finding("intake.unaccounted", text, evidence, Severity.CRITICAL, "row_account", recipe)
            yield Found(finding, Dimension.ACCURACY, len(files))
    yield Verdict(Dimension.ACCURACY, "row_account", len(accounts), broken)


def _quarantined(tables: Tables) -> Iterator[Found | Verdict]:
    accounts = _accounts(tables)
    reasons = _reasons(tables)
    for recipe, rows in _by_recipe(accounts).items():
        came = sum(row["rows_in"] for row in rows)
        refused = sum(row["rows_quarantined"] for row in rows)
        if not refused:
            continue
        share = refused / came if came else 1.0
        top = reasons.get(recipe, {})
        evidence: dict[str, object] = {
            "rows_in": came,
            "rows_quarantined": refused,
            "share": round(share, 6),
            "intervals_quarantined": sum(row["intervals_quarantined"] for row in rows),
            "reasons": top,
            "thresholds": [tables.settings.refused_share, tables.settings.refused_share_error],
        }
        text = f"{number(refused)} of {number(came)} rows of recipe {recipe} ({percent(share)}) are in quarantine"
        if top:
            first = next(iter(top))
            text += f", {number(top[first])} of them for {first}"
        finding = Finding(
            "intake.quarantined", f"{text}.", evidence, _graded(share, tables), "quarantine", recipe
        )
        yield Found(finding, Dimension.ACCURACY, refused)
    came = sum(row["rows_in"] for row in accounts)
    yield Verdict(Dimension.ACCURACY, "row_account", came, sum(row["rows_quarantined"] for row in accounts))
    yield from _refused_without_trace(accounts, reasons)


def _graded(share: float, tables: Tables) -> Severity:
    if share > tables.settings.refused_share_error:
        return Severity.ERROR
    return Severity.WARNING if share > tables.settings.refused_share else Severity.INFO


def _reasons(tables: Tables) -> dict[str, dict[str, int]]:
    """Rows by reason code of each recipe, the commonest first."""
    if not tables.has("quarantine"):
        return {}
    rows = tables.rows("quarantine")
    counted = rows.group_by(rows.recipe, rows.reason_code).aggregate(n=rows.count()).to_pyarrow().to_pylist()
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in sorted(counted, key=lambda r: (r["recipe"], -r["n"], r["reason_code"])):
        found[row["recipe"]][row["reason_code"]] = row["n"]
    return found


def _refused_without_trace(
    accounts: list[dict[str, Any]], reasons: dict[str, dict[str, int]]
) -> Iterator[Found]:
    for recipe, rows in _by_recipe(accounts).items():
        refused = sum(row["rows_quarantined"] for row in rows)
        if refused and not reasons.get(recipe):
            text = (
                f"{number(refused)} rows of recipe {recipe} were refused, but none of them is in quarantine."
            )
            finding = Finding(
                "intake.refused_without_trace", text, {"rows": refused}, Severity.ERROR, "quarantine", recipe
            )
            yield Found(finding, Dimension.COMPLETENESS, refused)


def _superseded(tables: Tables) -> Iterator[Found | Verdict]:
    for recipe, rows in _by_recipe(_accounts(tables)).items():
        came = sum(row["rows_in"] for row in rows)
        replaced = sum(row["rows_superseded"] for row in rows)
        if replaced:
            share = replaced / came if came else 1.0
            text = (
                f"{number(replaced)} of {number(came)} rows of recipe {recipe} ({percent(share)}) were duplicates "
                "or were replaced by a later revision."
            )
            evidence: dict[str, object] = {
                "rows_in": came,
                "rows_superseded": replaced,
                "share": round(share, 6),
            }
            finding = Finding("intake.superseded", text, evidence, Severity.INFO, "row_account", recipe)
            yield Found(finding, Dimension.UNIQUENESS, replaced)


def _without_account(tables: Tables) -> Iterator[Found | Verdict]:
    files, accounts = tables.rows("landing_file"), tables.rows("row_account")
    rows = files.select("recipe", "file_id").distinct().to_pyarrow().to_pylist()
    known = set(accounts.select("file_id").distinct().to_pyarrow().column("file_id").to_pylist())
    lost: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["file_id"] not in known:
            lost[row["recipe"]].append(row["file_id"])
    for recipe, ids in sorted(lost.items()):
        text = f"{number(len(ids))} files of recipe {recipe} landed, but no account says what became of their rows."
        evidence: dict[str, object] = {"files": sorted(ids)[: tables.settings.examples]}
        finding = Finding(
            "intake.file_without_account", text, evidence, Severity.ERROR, "landing_file", recipe
        )
        yield Found(finding, Dimension.COMPLETENESS, len(ids))
    yield Verdict(Dimension.COMPLETENESS, "landing_file", len(rows), sum(map(len, lost.values())))


def _deliveries(tables: Tables) -> Iterator[Found | Verdict]:
    """How long ago each recipe delivered last; only where the caller says what the time is."""
    now = tables.settings.now
    assert now is not None
    rows = tables.rows("landing_file")
    newest = rows.group_by(rows.recipe).aggregate(last=rows.received_at.max(), files=rows.count())
    for row in sorted(newest.to_pyarrow().to_pylist(), key=lambda r: str(r["recipe"])):
        days = (now - row["last"]).total_seconds() / 86_400
        late = days > tables.settings.grace
        text = f"Recipe {row['recipe']} delivered last {days:.1f} days ago."
        evidence: dict[str, object] = {
            "days": round(days, 2),
            "files": row["files"],
            "threshold_days": tables.settings.grace,
        }
        finding = Finding(
            "timeliness.delivery",
            text,
            evidence,
            Severity.WARNING if late else Severity.INFO,
            "landing_file",
            row["recipe"],
        )
        yield Found(finding, Dimension.TIMELINESS, 1)
