"""Commands about the data: `data check`, `profile`, `quarantine`, `compact`."""

from __future__ import annotations

from typing import Annotated

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    JsonOption,
    NoColorOption,
    WaitOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import say, show_findings, show_rows, sparkline

app = typer.Typer(
    help="What the data holds, what is wrong with it, and what was kept out.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("check")
def check(
    workspace: WorkspaceOption = HERE,
    gate: Annotated[
        str | None,
        typer.Option(
            help="End with exit code 3 when a finding is at least this grave: warning, error, critical."
        ),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many findings to print.")] = 40,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show what the last run found wrong with the data, gravest first."""
    from gridloop.apps.checks import gate_on, quality_findings
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        findings = quality_findings(session)
    if findings is None:
        say(f"Nothing has been checked yet. Next: gridloop run --through data -w {workspace}", style)
        raise typer.Exit(1)
    show_findings(findings, style, most=most)
    if not findings:
        say("Every rule holds.", style)
    gate_on(findings, gate)


@app.command("profile")
def profile(
    subject: Annotated[
        str | None, typer.Argument(help="A table, a customer or a meter; all tables when not given.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Describe all tables, the columns of one, or one customer's use with a sparkline of the mean day."""
    from gridloop.apps.checks import profile_rows
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        rows, shapes = profile_rows(session, subject)
    show_rows(rows, style, empty=f"Nothing was imported yet. Next: gridloop import --list -w {workspace}")
    for name, values in shapes.items():
        say(f"{name}  00h {sparkline(values)} 24h", style)


@app.command("quarantine")
def quarantine(
    workspace: WorkspaceOption = HERE,
    reason: Annotated[
        str | None, typer.Option(help="Only rows with this reason code; then they are listed.")
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Open the sealed rows (recorded in the audit).")
    ] = False,
    most: Annotated[int, typer.Option(min=1, help="How many rows to list.")] = 50,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Count the rows that were kept out, by reason; list them when a reason is named."""
    from gridloop.apps.checks import quarantine_rows
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        rows = quarantine_rows(session, reason=reason, reveal=reveal, most=most)
    show_rows(rows, style, empty="Nothing is in quarantine.")


@app.command("compact")
def compact(
    workspace: WorkspaceOption = HERE,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Merge small files and drop those that no published state needs; what the tables say does not change."""
    from gridloop.apps.checks import compact_tables
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session, session.workspace.lock(command="data compact", wait_seconds=wait):
        rows = compact_tables(session)
    show_rows(rows, style, empty="Nothing to compact.")
