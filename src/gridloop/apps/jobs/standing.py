"""Whether what a job makes is there, and whether it still is what it would make today."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gridloop.apps.jobs.catalogue import JOBS
from gridloop.apps.jobs.execute import is_fresh

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session


class Standing(StrEnum):
    """NEVER: the job has not succeeded yet. STALE: what it depends on has changed since. FRESH: it has not."""

    NEVER = "never"
    STALE = "stale"
    FRESH = "fresh"


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
