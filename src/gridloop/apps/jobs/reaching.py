"""Jobs of the reach stage: messages that are due go out, and what came back is taken in."""

from __future__ import annotations

from gridloop.apps.jobs.job import Job

JOBS: tuple[Job, ...] = ()
"""In the order of the loop."""
