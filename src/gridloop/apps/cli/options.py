"""Options that every command has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gridloop.apps.actor import USER_VARIABLE
from gridloop.apps.cli.output import Style

WORKSPACE_VARIABLE = "GRIDLOOP_WORKSPACE"

WorkspaceOption = Annotated[
    Path,
    typer.Option(
        "-w", "--workspace", envvar=WORKSPACE_VARIABLE, help="Folder of the workspace.", show_default="."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Answer as CSV.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no closing sentences.")]
NoColorOption = Annotated[bool, typer.Option("--no-color", help="Plain text.")]
WaitOption = Annotated[
    float, typer.Option("--wait", help="Seconds to wait for another run to finish.", min=0)
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
ActorOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        envvar=USER_VARIABLE,
        help="Who acts; the operating system's user when not given.",
        show_default=False,
    ),
]
HERE = Path()


def style_of(
    *, as_json: bool = False, as_csv: bool = False, quiet: bool = False, no_color: bool = False
) -> Style:
    """The style that the common options ask for.

    Raises:
        UsageError: both JSON and CSV were asked for.
    """
    from gridloop.domain.errors import UsageError

    if as_json and as_csv:
        raise UsageError("An answer cannot be JSON and CSV at once.", ways_out=("Give --json or --csv.",))
    form = "json" if as_json else "csv" if as_csv else "text"
    return Style(form=form, quiet=quiet, color=not (no_color or "NO_COLOR" in os.environ))
