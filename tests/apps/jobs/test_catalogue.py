"""The loop's jobs can be run up to a stage."""

from __future__ import annotations

import pytest

from gridloop.apps.jobs.catalogue import JOBS, LOOP, jobs_through
from gridloop.domain.errors import UsageError
from gridloop.domain.table import Stage


def test_without_a_stage_all_jobs_are_meant():
    assert jobs_through(None) == list(JOBS)


def test_jobs_end_with_the_stage_that_is_named():
    assert [job.name for job in jobs_through("data")] == ["data.validate", "data.check"]
    assert {job.stage for job in jobs_through("insight")} == {Stage.DATA, Stage.INSIGHT}


def test_a_stage_that_is_none_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match="no stage 'insigth'") as refused:
        jobs_through("insigth")
    assert refused.value.ways_out == ("Did you mean 'insight'?",)


def test_jobs_stand_in_the_order_of_the_loop_with_names_of_their_own():
    assert [LOOP.index(job.stage) for job in JOBS] == sorted(LOOP.index(job.stage) for job in JOBS)
    assert len({job.name for job in JOBS}) == len(JOBS)


def test_whoever_reads_a_table_comes_after_whoever_makes_it_but_for_results_that_the_next_turn_reads():
    results = {name for job in JOBS if job.stage is Stage.EVALUATION for name in job.writes}
    for place, job in enumerate(JOBS):
        later = {name for after in JOBS[place + 1 :] for name in after.writes} - {
            name for before in JOBS[: place + 1] for name in before.writes
        }
        assert not set(job.reads) & later - results
