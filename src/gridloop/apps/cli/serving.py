"""The command `serve`: the console on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from gridloop.apps.cli.options import (
    HERE,
    ActorOption,
    NoColorOption,
    QuietOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import say

PORT = 8765


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the program."""
    app.command("serve")(serve)


def serve(
    workspace: WorkspaceOption = HERE,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")
    ] = PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; of this machine only, until there are accounts.")
    ] = "127.0.0.1",
    actor: ActorOption = None,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Serve the console: the loop on a screen, for a browser on this machine."""
    from gridloop.apps.web.guard import require_loopback

    require_loopback(host)
    from gridloop.apps.console.app import create_app
    from gridloop.apps.web.listening import listen

    style = style_of(quiet=quiet, no_color=no_color)
    app = create_app(workspace, actor)
    listen(app, host, port, lambda url: say(f"The console: {url}\nStop it with Ctrl-C.", style))
