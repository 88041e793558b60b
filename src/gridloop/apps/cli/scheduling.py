"""Commands of schedules: when the console carries the loop out by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    DryRunOption,
    JsonOption,
    NoColorOption,
    WaitOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import say, show_rows

app = typer.Typer(
    help="When the console carries the loop out by itself.", no_args_is_help=True, rich_markup_mode=None
)
NameArgument = Annotated[str, typer.Argument(help="Name of the schedule.", metavar="name")]


@app.command("list")
def list_schedules(
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the schedules with the next time of each."""
    from gridloop.apps.scheduling import next_times
    from gridloop.engine.workspace import Workspace

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    config = Workspace.open(workspace).config
    now = datetime.now(UTC)
    rows = [
        {
            "schedule": name,
            "at": one.at,
            "through": one.through or "evaluation",
            "next": next_times(one.at, config.zone, now, 1)[0].isoformat(timespec="minutes"),
        }
        for name, one in sorted(config.schedules.items())
    ]
    show_rows(
        rows, style, empty="Nothing runs by itself. Example: gridloop schedule set nightly '30 2 * * *'"
    )


@app.command("set")
def set_(
    name: NameArgument,
    at: Annotated[
        str,
        typer.Argument(help="Minute, hour, day, month, weekday, such as '30 2 * * mon-fri'.", metavar="at"),
    ],
    through: Annotated[
        str | None, typer.Option(help="Stop after this stage: data, insight, strategy, reach or evaluation.")
    ] = None,
    catch_up: Annotated[
        bool,
        typer.Option(help="Make up for a time that passed while the console was not served."),
    ] = True,
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
    wait: WaitOption = 0,
    no_color: NoColorOption = False,
) -> None:
    """Let the console carry the loop out at these times; in place of a schedule of the same name."""
    from gridloop.apps.scheduling import next_times, set_schedule, trigger_of
    from gridloop.engine.workspace import Workspace

    opened = Workspace.open(workspace)
    trigger_of(at, opened.config.zone)
    settings = {"at": at, "through": through, "catch_up": catch_up}
    if not dry_run:
        with opened.lock(command="schedule set", wait_seconds=wait):
            set_schedule(opened, name, settings)
    times = next_times(at, opened.config.zone, datetime.now(UTC))
    said = ", ".join(f"{one:%Y-%m-%d %H:%M}" for one in times)
    style = style_of(no_color=no_color)
    say(f"Next times ({opened.config.zone}): {said}", style)
    if not dry_run:
        say(f"They are kept as long as the console is served: gridloop serve -w {workspace}", style)


@app.command("remove")
def remove(
    name: NameArgument,
    workspace: WorkspaceOption = HERE,
    wait: WaitOption = 0,
    no_color: NoColorOption = False,
) -> None:
    """Take a schedule away."""
    from gridloop.apps.scheduling import drop_schedule
    from gridloop.engine.workspace import Workspace

    opened = Workspace.open(workspace)
    with opened.lock(command="schedule remove", wait_seconds=wait):
        drop_schedule(opened, name)
    say(f"Schedule {name} is gone.", style_of(no_color=no_color))
