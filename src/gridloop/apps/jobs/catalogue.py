"""The jobs of the loop, in its order; `gridloop run` carries out those that are not up to date."""

from __future__ import annotations

from gridloop.apps.jobs import checking, describing, judging, planning, reaching
from gridloop.apps.jobs.job import Job
from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.table import Stage

LOOP = (Stage.DATA, Stage.INSIGHT, Stage.STRATEGY, Stage.REACH, Stage.EVALUATION)

JOBS: tuple[Job, ...] = (
    *checking.JOBS,
    *describing.JOBS,
    *planning.JOBS,
    *reaching.JOBS,
    *judging.JOBS,
)
"""Every job of `gridloop run`."""


def jobs_through(stage: str | None) -> list[Job]:
    """The jobs up to and with a stage; all when none is named.

    Raises:
        UsageError: there is no such stage.
    """
    if stage is None:
        return list(JOBS)
    names = [part.value for part in LOOP]
    if stage not in names:
        raise UsageError(f"There is no stage {stage!r}.", ways_out=did_you_mean(stage, names))
    wanted = set(names[: names.index(stage) + 1])
    return [job for job in JOBS if job.stage.value in wanted]
