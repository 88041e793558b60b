"""Whether what a job makes is there, and whether it still is what it would make today."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gridloop.apps.jobs.catalogue import JOBS
from gridloop.apps.jobs.execute import is_fresh

if TYPE_CHECKING:
    from gridloop.apps.jobs.job import Job
    from gridloop.apps.wiring import Session


AUTHORS = 20
"""Newest plans whose authors are looked at."""


class Standing(StrEnum):
    """NEVER: the job has not succeeded yet. STALE: what it depends on has changed since. FRESH: it has not."""

    NEVER = "never"
    STALE = "stale"
    FRESH = "fresh"


def as_good(session: Session, job: Job) -> bool:
    """Whether a job's result is up to date for whoever looks, or was for the author of an open plan.

    Only its author changes a plan, so that planning as somebody else is another job than the one that was done; a
    reader who only looks must not be told that it is out of date.
    """
    if is_fresh(session, job):
        return True
    reader = session.actor
    authors = {plan.created_by for plan in session.ledger.plans.recent(limit=AUTHORS)} - {reader}
    try:
        for author in sorted(authors):
            session.actor = author
            if is_fresh(session, job):
                return True
    finally:
        session.actor = reader
    return False


def standing(session: Session, name: str) -> Standing:
    """How a job's result stands.

    Args:
        session: the workspace.
        name: of a job of the loop.
    """
    job = next(job for job in JOBS if job.name == name)
    if session.ledger.runs.last_success(name) is None:
        return Standing.NEVER
    return Standing.FRESH if is_fresh(session, job) else Standing.STALE
