"""Imports as jobs: published as a whole, or undone."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridloop.apps.jobs.execute import run_job
from gridloop.apps.jobs.job import Job, JobContext, JobReport, Progress, silent
from gridloop.apps.jobs.mending import mend
from gridloop.domain.errors import SourceUnreadable
from gridloop.domain.finding import Finding
from gridloop.domain.table import Stage, Store

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.data.ingest import ImportReport
    from gridloop.data.plan import ImportPlan

DEFAULT_CURRENCY = "CNY"


def recipe_rows(workspace: Path) -> list[dict[str, Any]]:
    """The recipes that can be imported, for `import --list`."""
    from gridloop.data.recipe_store import list_recipes

    root = workspace if (workspace / "gridloop.toml").exists() else None
    return [
        {
            "name": recipe.name,
            "title": recipe.title,
            "zone": recipe.zone.name,
            "files": ", ".join(file.role for file in recipe.files),
            "licence": recipe.origin.licence,
        }
        for recipe in list_recipes(root)
    ]


def workspace_settings(name: str, data: Path) -> dict[str, Any]:
    """Zone and currency of a new workspace made for a recipe.

    Raises:
        UsageError: there is no such recipe.
        SourceUnreadable: the folder of its files is not there.
    """
    from gridloop.data.recipe_store import load_recipe

    recipe = load_recipe(name)
    if not data.is_dir():
        raise SourceUnreadable(
            f"There is no folder {data}.", ways_out=("Give the folder of the source's files with --data.",)
        )
    return {"zone": recipe.zone.name, "currency": recipe.currency or DEFAULT_CURRENCY}


def plan_files(session: Session, name: str, data: Path) -> ImportPlan:
    """What an import would read, file by file; nothing is changed."""
    from gridloop.data.plan import plan_import
    from gridloop.data.recipe_store import load_recipe

    view = session.published()
    try:
        return plan_import(load_recipe(name, session.workspace.root), data, view)
    finally:
        view.close()


def plan_rows(session: Session, name: str, data: Path) -> list[dict[str, Any]]:
    """The plan as rows for people; a file that no role of the recipe reads has neither role nor table."""
    plan = plan_files(session, name, data)
    read = [
        {
            "file": file.name,
            "role": file.role,
            "megabytes": round(file.bytes / 1e6, 2),
            "becomes": ", ".join(file.becomes),
            "already_imported": file.imported,
        }
        for file in plan.files
    ]
    left_out = [
        {
            "file": unclaimed,
            "role": None,
            "megabytes": round((data / unclaimed).stat().st_size / 1e6, 2),
            "becomes": "not read",
            "already_imported": None,
        }
        for unclaimed in plan.unclaimed
    ]
    return [*read, *left_out]


def import_files(
    session: Session, name: str, data: Path, progress: Progress = silent
) -> tuple[list[dict[str, Any]], tuple[Finding, ...]]:
    """Bring a recipe's files in as one published run; the caller holds the workspace lock.

    Args:
        session: the workspace.
        name: recipe.
        data: folder of its files.
        progress: told the file and the bytes done.

    Returns:
        One row per file with its row account, and what was found on the way.

    Raises:
        NothingToDo: all files were imported before.
        SourceUnreadable, SourceMismatch, AccountingError: nothing was published.
    """
    mend(session)
    plan = plan_files(session, name, data)
    reports: list[ImportReport] = []

    def bring_in(context: JobContext) -> JobReport:
        from gridloop.data.ingest import ImportContext, execute_import

        target = ImportContext(
            session.lake, session.landing, session.vault, datetime.now(UTC), context.progress
        )
        report = execute_import(plan, target)
        reports.append(report)
        return JobReport(dict(report.counts), tuple(report.findings))

    lake_tables = tuple(n for n, spec in session.lake.specs.items() if spec.store is Store.LAKE)
    job = Job(f"import.{name}", Stage.DATA, f"Import {name}", reads=(), writes=lake_tables, run=bring_in)
    run_job(session, job, force=True, progress=progress)
    names = {file.file_id: file.name for file in plan.files}
    rows = [_account_row(asdict(account), names) for account in reports[0].accounts]
    return rows, reports[0].findings


def _account_row(account: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    file_id = account.pop("file_id")
    account.pop("recipe", None)
    return {"file": names.get(file_id, file_id[:12]), **account}
