"""Commands about tags: `tag list`, `tag show`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    JsonOption,
    NoColorOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import Style, cell, say, show_rows

if TYPE_CHECKING:
    from gridloop.apps.jobs.standing import Standing

app = typer.Typer(
    help="Tags: what is said of each customer, by which rule, how surely.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_tags(
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the catalogue of tags: meaning, rule, history needed, and how many customers have each value or lack it."""
    from gridloop.apps.jobs.standing import standing
    from gridloop.apps.tags import tag_rows
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        rows = tag_rows(session)
        state = standing(session, "insight.tags")
    if style.form != "text":
        show_rows(rows, style)
        return
    for row in rows:
        _show_tag(row, style)
    say_standing(state, "Customers have not been tagged yet.", "These counts", workspace, style)
    say(f"One customer's tags: gridloop tag show CUSTOMER -w {workspace}", style)


def _show_tag(row: dict[str, Any], style: Style) -> None:
    """One tag of the catalogue as lines of text."""
    say(f"{row['tag']}: {row['label']}", style)
    say(f"  {row['definition']}", style)
    unit = f" · in {row['unit']}" if row["unit"] != "1" else ""
    say(f"  {row['formula']}{unit} · from {row['minimum_days']} days on · owner {row['owner']}", style)
    if row["customers"] is None:
        say("  not given yet", style)
    else:
        lacking = ", ".join(f"{reason} {cell(n)}" for reason, n in row["reasons"].items())
        rest = f"; {cell(row['lacking'])} lack it: {lacking}" if row["lacking"] else ""
        say(f"  {_who_has(row)}{rest}", style)
    say("", style)


def _who_has(row: dict[str, Any]) -> str:
    if row["kind"] == "number":
        middle = f", half of them below {cell(row['median'])}" if row["customers"] else ""
        return f"{cell(row['customers'])} customers have it{middle}"
    if row["kind"] == "decile":
        return f"{cell(row['customers'])} customers have it, in ten parts of about equal size"
    return ", ".join(f"{value} {cell(n)}" for value, n in row["values"].items()) or "nobody has it"


@app.command("show")
def show_customer(
    customer: Annotated[str, typer.Argument(help="The customer, by pseudonym.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show one customer's tags with confidence, or the reason why there is none."""
    from gridloop.apps.jobs.standing import Standing, standing
    from gridloop.apps.tags import customer_tags
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        state = standing(session, "insight.tags")
        rows = []
        if state is not Standing.NEVER:
            with closing(session.published()) as view:
                rows = customer_tags(session, view, customer)
    if style.form != "text" or not rows:
        show_rows(rows, style)
    else:
        shown = [
            {
                "tag": row["tag"],
                "says": row["says"] if row["number"] is None or row["unit"] == "1" else row["number"],
                "unit": None if row["unit"] == "1" else row["unit"],
                "confidence": row["confidence"],
                "from": row["window_start"],
                "to": row["window_end"],
                "why_not": row["why_not"],
            }
            for row in rows
        ]
        show_rows(shown, style, title=f"Customer {customer}")
        say("Confidence is how much was seen, not how far a value lies from its threshold.", style)
    say_standing(state, "Customers have not been tagged yet.", "These tags", workspace, style)
    if state is Standing.NEVER:
        raise typer.Exit(1)


def say_standing(state: Standing, never: str, these: str, workspace: Path, style: Style) -> None:
    """Say that something was not computed yet, or is older than what it rests on, and how to mend that."""
    from gridloop.apps.jobs.standing import Standing

    if state is Standing.NEVER:
        say(f"{never} Next: gridloop run --through insight -w {workspace}", style)
    elif state is Standing.STALE:
        say(f"{these} are older than the data or the definitions. Next: gridloop run -w {workspace}", style)
