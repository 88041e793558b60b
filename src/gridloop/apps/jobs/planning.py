"""Jobs of the strategy stage: offers are valued and plans are made, up to what a person has to approve."""

from __future__ import annotations

from gridloop.apps.jobs import offering
from gridloop.apps.jobs.job import Job

JOBS: tuple[Job, ...] = (*offering.JOBS,)
"""In the order of the loop."""
