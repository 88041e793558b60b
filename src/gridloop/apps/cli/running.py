"""Commands that carry the loop out and tell what ran: `run`, `job list`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gridloop.apps.actor import acting_user
from gridloop.apps.cli.options import (
    HERE,
    ActorOption,
    CsvOption,
    DryRunOption,
    JsonOption,
    NoColorOption,
    QuietOption,
    WaitOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import ProgressLine, Style, cell, say, show_rows
from gridloop.domain.errors import NothingToDo

if TYPE_CHECKING:
    from gridloop.apps.jobs.job import JobOutcome

job = typer.Typer(
    help="What ran, when, on what, and how it ended.", no_args_is_help=True, rich_markup_mode=None
)


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the program."""
    app.command("run")(run)


def run(
    workspace: WorkspaceOption = HERE,
    through: Annotated[
        str | None, typer.Option(help="Stop after this stage: data, insight, strategy, reach or evaluation.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also carry out what is up to date.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for number crunching.")] = 2,
    actor: ActorOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Carry out every step of the loop that is not up to date, up to plans that a person has to approve."""
    from gridloop.apps.cli.plan_page import say_next
    from gridloop.apps.jobs.catalogue import jobs_through
    from gridloop.apps.jobs.execute import is_fresh, run_jobs
    from gridloop.apps.plan_sentences import headline
    from gridloop.apps.remembering import waiting_plans
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, quiet=quiet, no_color=no_color)
    jobs = jobs_through(through)
    with opened(workspace) as session:
        session.actor = acting_user(actor)
        if dry_run:
            rows = [
                {"job": j.name, "does": j.title, "would_run": force or not is_fresh(session, j)} for j in jobs
            ]
            show_rows(rows, style)
            return
        if not session.ledger.runs.published():
            raise NothingToDo(
                "Nothing has been imported yet, so there is nothing to run.",
                ways_out=(
                    "See what can be imported: gridloop import --list",
                    "See a full example: gridloop demo",
                ),
            )
        with session.workspace.lock(command="run", wait_seconds=wait):
            outcomes = list(
                run_jobs(session, jobs, force=force, progress=ProgressLine(style), threads=threads)
            )
        waiting, config = waiting_plans(session), session.workspace.config
    _show_outcomes(outcomes, style)
    say(f"Next: gridloop data check -w {workspace}, gridloop segment list -w {workspace}", style)
    if not config.playbooks:
        say(f"No play is used, so nothing is planned: gridloop play list -w {workspace}", style)
    for plan in waiting:
        say(f"\n{headline(plan, config.currency)}", style)
        say(f"Read it: gridloop campaign show {plan.plan_id} -w {workspace}", style)
        say_next(plan, workspace, style)


def _show_outcomes(outcomes: Sequence[JobOutcome], style: Style) -> None:
    """Print what each job did and found."""
    from gridloop.apps.checks import findings_by_rule

    rows = [
        {
            "job": o.job,
            "outcome": o.outcome.value,
            "seconds": round(o.seconds, 2),
            "did": ", ".join(f"{cell(n)} {name.replace('_', ' ')}" for name, n in o.report.counts.items()),
        }
        for o in outcomes
    ]
    show_rows(rows, style)
    findings = [finding for o in outcomes for finding in o.report.findings]
    if findings and style.form == "text":
        show_rows(findings_by_rule(findings), style, title="\nWhat was found, gravest first")
    if all(o.outcome.value == "fresh" for o in outcomes):
        say("Everything is up to date.", style)


@job.command("list")
def list_jobs(
    workspace: WorkspaceOption = HERE,
    most: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the newest runs with what they counted."""
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        runs = session.ledger.runs.recent(most)
    rows = [
        {
            "started": run.started_at,
            "job": run.job,
            "outcome": run.outcome,
            "seconds": (run.finished_at - run.started_at).total_seconds() if run.finished_at else None,
            "counts": dict(run.counts or {}),
            "error": run.error_text,
        }
        for run in runs
    ]
    show_rows(rows, style, empty="Nothing has run yet. Next: gridloop import --list")
