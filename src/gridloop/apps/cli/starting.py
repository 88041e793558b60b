"""Commands to begin with: `init`, `doctor`, `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    JsonOption,
    NoColorOption,
    QuietOption,
    WaitOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import say, show_findings


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the program."""
    app.command("init")(init)
    app.command("doctor")(doctor)
    app.command("demo")(demo)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new workspace.")],
    zone: Annotated[str, typer.Option(help="Time zone of the utility.")] = "Asia/Shanghai",
    currency: Annotated[str, typer.Option(help="Currency of all money (ISO 4217).")] = "CNY",
    name: Annotated[
        str | None, typer.Option(help="What people call it; the folder's name when not given.")
    ] = None,
    buckets: Annotated[
        int,
        typer.Option(
            help="Buckets the meters are spread over; cannot be changed later. One for every 8,000 to 16,000 meters."
        ),
    ] = 4,
    ledger_url: Annotated[
        str | None, typer.Option(help="PostgreSQL URL of the ledger; SQLite in the workspace when not given.")
    ] = None,
    keys_folder: Annotated[
        Path | None, typer.Option(help="Folder of the vault's key; your configuration folder when not given.")
    ] = None,
    no_color: NoColorOption = False,
) -> None:
    """Make an empty workspace: a folder with settings, lake, ledger and vault."""
    from gridloop.apps.wiring import create

    keys = str(keys_folder.expanduser().resolve()) if keys_folder else None
    given = {"name": name, "ledger_url": ledger_url, "keys_folder": keys}
    chosen = {key: value for key, value in given.items() if value is not None}
    session = create(folder, zone=zone, currency=currency, buckets=buckets, **chosen)
    style = style_of(no_color=no_color)
    say(f"Made workspace {session.workspace.root}", style)
    say(
        f"The vault's key lies in {session.vault.keys.path}: back it up (`gridloop vault export-key`).", style
    )
    say(f"Next: gridloop import --list, then gridloop import NAME --data DIR -w {folder}", style)
    session.close()


def doctor(
    workspace: WorkspaceOption = HERE,
    mend: Annotated[bool, typer.Option("--mend", help="Undo what killed runs left behind.")] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring an older workspace to this version.")
    ] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Say what is missing or wrong with the machine and the workspace, and how to mend it."""
    from gridloop.apps.doctor import examine, mend_workspace, migrate_workspace
    from gridloop.domain.finding import Severity

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    if migrate:
        migrate_workspace(workspace)
    if mend:
        mend_workspace(workspace)
    findings = examine(workspace)
    show_findings(findings, style, most=100)
    if any(finding.severity.rank >= Severity.ERROR.rank for finding in findings):
        raise typer.Exit(1)


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder for the demo: sources, truth and workspace.")] = Path(
        "demo"
    ),
    customers: Annotated[int, typer.Option(min=1, help="Customers of the synthetic county.")] = 2000,
    days: Annotated[int, typer.Option(min=1, max=3000, help="Days of readings.")] = 400,
    seed: Annotated[int, typer.Option(help="Seed; the same seed makes the same county.")] = 42,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Make a synthetic county, import its files, run the loop over it and show what came out. Works offline."""
    from gridloop.apps.cli.demonstrating import run_demo

    style = style_of(as_json=as_json, quiet=quiet, no_color=no_color)
    run_demo(folder, customers=customers, days=days, seed=seed, wait=wait, style=style)
