"""Jobs of the evaluation stage: outcomes are measured and effects are told."""

from __future__ import annotations

from gridloop.apps.jobs.job import Job

JOBS: tuple[Job, ...] = ()
"""In the order of the loop."""
