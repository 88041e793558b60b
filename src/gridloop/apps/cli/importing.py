"""The command `import`: bring the files of a known source in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from gridloop.apps.cli.output import ProgressLine, say, show_rows
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
    from gridloop.apps.wiring import create, opened

    if not (workspace / "gridloop.toml").exists() and not dry_run:
        from gridloop.apps.jobs.importing import workspace_settings

        settings = workspace_settings(name)
        create(workspace, **settings).close()
        say(f"Made workspace {workspace} ({settings['zone']}, {settings['currency']}).", style)
    with opened(workspace) as session:
        if dry_run:
            show_rows(plan_rows(session, name, data), style, title="Would import (nothing was changed)")
            return
        with session.workspace.lock(command=f"import {name}", wait_seconds=wait):
            rows = import_files(session, name, data, ProgressLine(style))
    shown = rows
    if style.form == "text":
        names = (
            "file",
            "rows_in",
            "rows_accepted",
            "rows_superseded",
            "rows_quarantined",
            "intervals_missing",
        )
        shown = [{name.removeprefix("rows_"): row[name] for name in names} for row in rows]
    show_rows(shown, style, title="Rows in = accepted + superseded (repeated or revised) + quarantined")
    quarantined = sum(row["rows_quarantined"] for row in rows)
    if quarantined:
        say(
            f"{quarantined:,} rows are kept in quarantine with their reason: gridloop data quarantine -w {workspace}",
            style,
        )
    say(f"Next: gridloop run -w {workspace}", style)
