"""The program `gridloop`: its commands, and how every error ends."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from gridloop import __version__
from gridloop.apps.cli import (
    benchmarking,
    campaign,
    checking,
    importing,
    judging,
    keeping,
    planning,
    reaching,
    running,
    scheduling,
    segmenting,
    serving,
    starting,
    tagging,
    tariffs,
)
from gridloop.apps.cli.language import OPTION, VARIABLE, language_of, translate_help
from gridloop.apps.cli.output import Style, print_error, said, speak
from gridloop.apps.unforeseen import DEBUG_VARIABLE as DEBUG_VARIABLE
from gridloop.apps.unforeseen import unexpected as unexpected
from gridloop.domain.errors import GridloopError

STOPPED = 130

app = typer.Typer(
    name="gridloop",
    help="From a utility's own data to marketing decisions that are proven to work.",
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 data-quality gate, 4 not permitted, 5 nothing to do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
starting.add_commands(app)
importing.add_commands(app)
running.add_commands(app)
planning.add_commands(app)
serving.add_commands(app)
benchmarking.add_commands(app)
judging.add_commands(campaign.app)
app.add_typer(checking.app, name="data")
app.add_typer(planning.play, name="play")
reaching.add_commands(campaign.app)
app.add_typer(tagging.app, name="tag")
app.add_typer(segmenting.app, name="segment")
app.add_typer(tariffs.app, name="tariff")
app.add_typer(campaign.app, name="campaign")
app.add_typer(keeping.vault, name="vault")
app.add_typer(keeping.audit, name="audit")
app.add_typer(running.job, name="job")
app.add_typer(scheduling.app, name="schedule")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option(
            OPTION,
            envvar=VARIABLE,
            help="Language of everything for people: en or zh; the system's when not given.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Options before any command."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and end the process with its exit code.

    Args:
        arguments: the words after `gridloop`; the process's own when not given.
    """
    try:
        language = language_of(sys.argv[1:] if arguments is None else arguments)
        speak(language)
        command = typer.main.get_command(app)
        if language != "en":
            translate_help(command, language)
        command(args=arguments, prog_name="gridloop")
    except GridloopError as error:
        print_error(error, Style(color="--no-color" not in (arguments or sys.argv)))
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == STOPPED:  # typer has turned the keyboard's interrupt into this
            sys.stderr.write(f"\n{said('Stopped. Whatever was not published is undone by the next run.')}\n")
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        if DEBUG_VARIABLE in os.environ:
            raise
        print_error(unexpected(error), Style(color="--no-color" not in (arguments or sys.argv)))
        sys.exit(1)
    return 0
