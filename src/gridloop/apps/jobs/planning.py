"""Jobs of the strategy stage: offers are valued and plans are made, up to what a person has to approve."""

from __future__ import annotations

from gridloop.apps.jobs import offering, proposing
from gridloop.apps.jobs.job import Job

JOBS: tuple[Job, ...] = (*offering.JOBS, *proposing.JOBS)
"""In the order of the loop."""
