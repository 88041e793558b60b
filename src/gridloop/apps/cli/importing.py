"""The command `import`: bring the files of a known source in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    DryRunOption,
    JsonOption,
    NoColorOption,
    QuietOption,
    WaitOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import ProgressLine, Style, say, show_findings, show_rows
from gridloop.domain.errors import UsageError


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the program."""
    app.command("import")(import_source)


def import_source(
    name: Annotated[str | None, typer.Argument(help="Recipe, such as lcl; see --list.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Folder that holds the source's files.")] = None,
    workspace: WorkspaceOption = HERE,
    show_list: Annotated[bool, typer.Option("--list", help="Name the recipes that ship.")] = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Bring a source's files in: kept encrypted as they came, checked row by row, published as a whole."""
    style = style_of(as_json=as_json, as_csv=as_csv, quiet=quiet, no_color=no_color)
    if show_list:
        from gridloop.apps.jobs.importing import recipe_rows

        show_rows(recipe_rows(workspace), style, title="Recipes")
        return
    if name is None or data is None:
        raise UsageError(
            "An import needs a recipe and the folder of its files.",
            ways_out=(
                "gridloop import NAME --data DIR -w WORKSPACE",
                "See the names: gridloop import --list",
            ),
        )
    from gridloop.apps.jobs.importing import import_files, plan_rows
    from gridloop.apps.wiring import opened

    if not (workspace / "gridloop.toml").exists() and not dry_run:
        _make_workspace(workspace, name, data, style)
    with opened(workspace) as session:
        if dry_run:
            show_rows(plan_rows(session, name, data), style, title="Would import (nothing was changed)")
            return
        with session.workspace.lock(command=f"import {name}", wait_seconds=wait):
            rows, findings = import_files(session, name, data, ProgressLine(style))
    _show_accounts(rows, style)
    if style.form == "text":
        show_findings(findings, style)
    quarantined = sum(row["rows_quarantined"] for row in rows)
    if quarantined:
        say(
            f"{quarantined:,} rows are kept with their reason: gridloop data quarantine -w {workspace}", style
        )
    say(f"Next: gridloop run -w {workspace}", style)


def _make_workspace(folder: Path, recipe: str, data: Path, style: Style) -> None:
    """A new workspace with the zone and currency of a recipe."""
    from gridloop.apps.jobs.importing import workspace_settings
    from gridloop.apps.wiring import create

    settings = workspace_settings(recipe, data)
    create(folder, **settings).close()
    say(f"Made workspace {folder} ({settings['zone']}, {settings['currency']}).", style)


def _show_accounts(rows: list[dict[str, Any]], style: Style) -> None:
    """Row accounts, all columns for machines and the rows alone for people."""
    if style.form == "text":
        names = ["file", *(f"rows_{part}" for part in ("in", "accepted", "superseded", "quarantined"))]
        rows = [
            {name.removeprefix("rows_"): row[name] for name in [*names, "intervals_missing"]} for row in rows
        ]
    show_rows(rows, style, title="Rows in = accepted + superseded (repeated or revised) + quarantined")
