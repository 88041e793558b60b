"""Commands about the data: `data check`, `profile`, `quarantine`, `compact`."""

from __future__ import annotations

from typing import Annotated, Any

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
from gridloop.apps.cli.output import Style, say, show_findings, show_rows, sparkline

app = typer.Typer(
    help="What the data holds, what is wrong with it, and what was kept out.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("check")
def check(
    rule: Annotated[
        str | None, typer.Argument(help="List the findings of one rule; a count by rule when not given.")
    ] = None,
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
    from gridloop.apps.checks import findings_by_rule, gate_on, of_rule, quality_findings
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        findings = quality_findings(session)
    if findings is None:
        say(f"Nothing has been checked yet. Next: gridloop run --through data -w {workspace}", style)
        raise typer.Exit(1)
    if rule is not None:
        findings = of_rule(findings, rule)
        show_findings(findings, style, most=most)
        if not findings:
            say(f"Rule {rule} has no finding.", style)
    elif style.form != "text":
        show_findings(findings, style)
    else:
        show_rows(findings_by_rule(findings), style, empty="Every rule holds.")
        say(f"One rule in full: gridloop data check RULE -w {workspace}", style)
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
    if rows and "feature" in rows[0] and style.form == "text":
        show_use(rows, shapes, style)
        return
    show_rows(rows, style, empty=f"Nothing was imported yet. Next: gridloop import --list -w {workspace}")


def show_use(rows: list[dict[str, Any]], shapes: dict[str, list[float]], style: Style) -> None:
    """Print one customer's or meter's features as text: a heading with the mean day, then the values."""
    headings = ("customer", "meter", "channel", "window_start", "window_end", "days_used", "coverage")
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in headings), []).append(row)
    for heading, members in groups.items():
        customer, meter, channel, start, end, days, coverage = heading
        say(f"Customer {customer}, meter {meter}, {channel}", style)
        say(f"{start} to {end}: {days} usable days, {coverage:.1%} of the intervals present", style)
        if f"{meter} {channel}" in shapes:
            say(f"mean day  00h {sparkline(shapes[f'{meter} {channel}'])} 24h", style)
        shown = [{name: value for name, value in row.items() if name not in headings} for row in members]
        show_rows(shown, style)
        say("", style)


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
