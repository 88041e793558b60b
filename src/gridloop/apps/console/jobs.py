"""The page of jobs: what ran and how it ended; start, watch and stop a run of the loop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from gridloop.apps.jobs.catalogue import JOBS, LOOP, jobs_through
from gridloop.apps.jobs.standing import as_good
from gridloop.apps.scheduling import drop_schedule, set_schedule
from gridloop.apps.web.page import Action, Answer, Context, Page, mark
from gridloop.domain.errors import UsageError
from gridloop.ledger.runs import JobRun

SHOWN = 20
"""Runs at a time."""
MOST = 5_000
"""Runs that are looked at, newest first."""
STAGE_OF = {"evaluation": "evaluate"}
"""Stages of jobs that the navigation calls otherwise."""

TITLES: Mapping[str, str] = {
    "data.validate": mark("Find gaps, spikes and zero runs in the readings; estimate short gaps, flagged"),
    "data.check": mark("Check keys, references, ranges, closed sets and timeliness of every table"),
    "insight.features": mark("Describe every customer's use"),
    "insight.tags": mark("Tag every customer, with confidence or the reason why not"),
    "insight.segments": mark("Find the members of every segment and certify it"),
    "strategy.offers": mark("Price every customer's past year under the offers of the plays"),
    "strategy.recommend": mark("Say whom each play is for, who is left out and why, and who is best"),
    "strategy.plan": mark("Make the plan of each play and hand it in for approval"),
    "reach.deliver": mark("Send what is due of running campaigns, and take in what came back"),
    "evaluation.effects": mark("Judge every launched campaign against its holdout"),
}
"""What the jobs of the loop do, as they say it themselves; here for translation."""

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "running": (mark("running"), "calm"),
    "succeeded": (mark("succeeded"), "good"),
    "failed": (mark("failed"), "bad"),
    "killed": (mark("killed"), "bad"),
    "skipped": (mark("nothing to do"), "calm"),
}
"""What an outcome is called, and its colour."""


def stage_name(stage: str) -> str:
    """A stage as the navigation calls it."""
    return STAGE_OF.get(stage, stage)


def _row(run: JobRun) -> dict[str, Any]:
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    return {
        "started": run.started_at,
        "job": run.job,
        "stage": stage_name(run.stage.value),
        "outcome": run.outcome,
        "seconds": seconds,
        "counts": dict(run.counts or {}),
        "error": run.error_text,
        "run": str(run.run_id),
        "code_version": run.code_version,
    }


def standing(context: Context) -> list[dict[str, Any]]:
    """How each job of the loop stands: when it was last done, and whether that is up to date."""
    session = context.session

    def look() -> list[dict[str, Any]]:
        return [
            {
                "job": job.name,
                "stage": stage_name(job.stage.value),
                "does": job.title,
                "ran": last.finished_at if last is not None else None,
                "fresh": last is not None and as_good(session, job),
            }
            for job in JOBS
            for last in (session.ledger.runs.last_success(job.name),)
        ]

    found: list[dict[str, Any]] = context.remembered("jobs.standing", look)
    return found


STARTS: Mapping[str, str] = {
    "": "",
    "started": mark("Started last time."),
    "busy": mark("Left out last time, since a run from here had not ended."),
    "failed": mark("Could not be started last time."),
}
"""How the last start of a schedule went."""
WEEKDAYS: Mapping[str, str] = {"*": mark("every day"), "mon-fri": mark("Monday to Friday")}
"""Days that the form of schedules offers."""


def schedules(context: Context) -> list[dict[str, Any]]:
    """The schedules of the settings: when each comes next, by the machine's clock in a demo too, and how it went."""
    return [
        {
            "name": one.name,
            "at": one.at,
            "through": one.through,
            "next": one.next_at,
            "says": context.text(STARTS[one.last]) if one.last else "",
            "problem": one.problem,
        }
        for one in context.base["timetable"].entries()
    ]


def whole(text: str) -> int:
    """A whole number of the query string; 0 when it is none."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def jobs_page(context: Context) -> Answer:
    """Newest runs, how each job of the loop stands, and the run that this console has started."""
    wanted = context.query.get("outcome", "")
    first = whole(context.query.get("first", ""))
    runs = context.session.ledger.runs.recent(MOST)
    found = [run for run in runs if not wanted or run.outcome == wanted]
    rows = [_row(run) for run in found[first : first + SHOWN]]
    again = _again(runs)
    for row, run in zip(rows, found[first : first + SHOWN], strict=True):
        row["again"] = again.get(str(run.run_id))
    facts = {
        "loop": standing(context),
        "first": first,
        "size": SHOWN,
        "total": len(found),
        "schedules": schedules(context),
        "weekdays": {name: context.text(text) for name, text in WEEKDAYS.items()},
        "current": asdict(context.base["runner"].progress),
        "stages": [stage.value for stage in LOOP],
        "outcomes": {name: [context.text(text), colour] for name, (text, colour) in OUTCOMES.items()},
        "wanted": wanted,
    }
    return Answer(rows, facts)


def not_made_good(runs: Iterable[JobRun]) -> list[JobRun]:
    """Runs that failed or were killed and whose job has not run since.

    Args:
        runs: the newest first.
    """
    newest: dict[str, JobRun] = {}
    for run in runs:
        newest.setdefault(run.job, run)
    return [run for run in newest.values() if run.outcome in ("failed", "killed")]


def _again(runs: Iterable[JobRun]) -> dict[str, str]:
    """Runs of jobs of the loop that can be tried again, with the stage that does it."""
    stage = {job.name: job.stage.value for job in JOBS}
    return {str(run.run_id): stage[run.job] for run in not_made_good(runs) if run.job in stage}


def start(context: Context, fields: Mapping[str, str]) -> str:
    """Start a run of the loop, through the stage that the form names."""
    context.base["runner"].start(fields.get("through") or None)
    return "/jobs"


def stop(context: Context, fields: Mapping[str, str]) -> str:
    """Stop it."""
    context.base["runner"].stop()
    return "/jobs"


def plan_run(context: Context, fields: Mapping[str, str]) -> str:
    """Let the loop be carried out by itself at a time of day, on the days that the form names."""
    time = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", fields.get("time", ""))
    days = fields.get("days", "*")
    if time is None or days not in WEEKDAYS:
        raise UsageError(
            mark("That is no time of day."), ways_out=(mark("Write hours and minutes, such as 02:30."),)
        )
    through = fields.get("through", "")
    jobs_through(through or None)
    at = f"{int(time[2])} {int(time[1])} * * {days}"
    name = f"{'workdays' if days != '*' else 'daily'}-{time[1]}{time[2]}" + (f"-{through}" if through else "")
    with context.session.workspace.lock(command="schedule set"):
        settings = {"at": at, **({"through": through} if through else {})}
        set_schedule(context.session.workspace, name, settings)
    return "/jobs#schedules"


def unplan_run(context: Context, fields: Mapping[str, str]) -> str:
    """Take the schedule that the form names away."""
    with context.session.workspace.lock(command="schedule drop"):
        drop_schedule(context.session.workspace, fields.get("name", ""))
    return "/jobs#schedules"


PAGES = (Page("/jobs", mark("Jobs"), "govern", "jobs.html", jobs_page),)
ACTIONS = (
    Action("/jobs/start", start),
    Action("/jobs/stop", stop),
    Action("/jobs/schedule", plan_run),
    Action("/jobs/unschedule", unplan_run),
)
