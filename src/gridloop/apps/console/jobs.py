"""The page of jobs: what ran and how it ended; start, watch and stop a run of the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gridloop.apps.jobs.catalogue import JOBS, LOOP
from gridloop.apps.jobs.execute import is_fresh
from gridloop.apps.web.page import Action, Answer, Context, Page, mark
from gridloop.ledger.runs import JobRun

MOST = 50
STAGE_OF = {"evaluation": "evaluate"}
"""Stages of jobs that the navigation calls otherwise."""

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


def _row(run: JobRun, context: Context) -> dict[str, Any]:
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


def jobs_page(context: Context) -> Answer:
    """Newest runs, how each job of the loop stands, and the run that this console has started."""
    wanted = context.query.get("outcome", "")
    runs = context.session.ledger.runs.recent(MOST if not wanted else MOST * 20)
    rows = [_row(run, context) for run in runs if not wanted or run.outcome == wanted][:MOST]
    loop = [
        {
            "job": job.name,
            "stage": stage_name(job.stage.value),
            "does": job.title,
            "ran": last.finished_at if last is not None else None,
            "fresh": last is not None and is_fresh(context.session, job),
        }
        for job in JOBS
        for last in (context.session.ledger.runs.last_success(job.name),)
    ]
    facts = {
        "loop": loop,
        "current": asdict(context.base["runner"].progress),
        "stages": [stage.value for stage in LOOP],
        "outcomes": {name: [context.text(text), colour] for name, (text, colour) in OUTCOMES.items()},
        "wanted": wanted,
    }
    return Answer(rows, facts)


def start(context: Context, fields: Mapping[str, str]) -> str:
    """Start a run of the loop, through the stage that the form names."""
    context.base["runner"].start(fields.get("through") or None)
    return "/jobs"


def stop(context: Context, fields: Mapping[str, str]) -> str:
    """Stop it."""
    context.base["runner"].stop()
    return "/jobs"


PAGES = (Page("/jobs", mark("Jobs"), "govern", "jobs.html", jobs_page),)
ACTIONS = (Action("/jobs/start", start), Action("/jobs/stop", stop))
