"""Carrying out jobs so that each is published as a whole or not at all (docs/conventions.md §12).

A run holds the workspace lock. Before it writes it puts every table back to what was published, so whatever a killed
run left behind is gone. When the job has written, one ledger transaction records its success together with the
snapshot of every table: from then on readers see the new state. A kill before it changes nothing, a kill after it
loses nothing. The lake notes the run before that transaction and confirms it after (`engine.publication`).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gridloop import __version__
from gridloop.apps.jobs.job import Job, JobContext, JobOutcome, JobReport, Outcome, Progress, silent
from gridloop.apps.jobs.mending import mend
from gridloop.domain.errors import GridloopError, NothingToDo, StorageFull, WriterNotOwner
from gridloop.engine.publication import PublicationNote, write_note

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session


def run_jobs(
    session: Session,
    jobs: Iterable[Job],
    *,
    force: bool = False,
    progress: Progress = silent,
    threads: int = 2,
    actor: str | None = None,
) -> Iterator[JobOutcome]:
    """Carry out jobs one after the other, leaving out those that are up to date.

    The caller holds the workspace lock.

    Args:
        session: the workspace.
        jobs: in the order of the loop.
        force: also those that are up to date.
        progress: told about every job's steps.
        threads: for kernels.
        actor: who acts; the session's when not given.

    Yields:
        One outcome per job, as soon as it is known.
    """
    session.actor = actor or session.actor
    mend(session)
    for job in jobs:
        yield run_job(session, job, force=force, progress=progress, threads=threads)


def is_fresh(session: Session, job: Job) -> bool:
    """Whether nothing that the job's result depends on has changed since it last succeeded."""
    last = session.ledger.runs.last_success(job.name)
    return last is not None and last.inputs_digest == inputs_digest(
        session, job, session.ledger.runs.published()
    )


def inputs_digest(session: Session, job: Job, manifest: Mapping[str, int]) -> str:
    """Digest of all that a job's result depends on: content of what it reads, its settings, the code's version."""
    read = {name: manifest[name] for name in job.reads if name in manifest}
    parts = {
        "job": job.name,
        "code": __version__,
        "settings": dict(job.settings),
        "depends": dict(job.depends(session)) if job.depends is not None else {},
        "reads": session.lake.contents(read),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def run_job(
    session: Session, job: Job, *, force: bool = False, progress: Progress = silent, threads: int = 2
) -> JobOutcome:
    """Carry out one job and publish what it wrote; the tables must be at their published state (`mend`).

    Raises:
        GridloopError: the job failed; its ledger row says why and every table is as it was.
    """
    started = time.monotonic()
    if not force and is_fresh(session, job):
        return JobOutcome(job.name, Outcome.FRESH, JobReport(), 0.0)
    runs = session.ledger.runs
    published = runs.published()
    run_id = runs.start(
        job.name,
        job.stage.value,
        inputs_digest(session, job, published),
        code_version=__version__,
        settings=dict(job.settings),
        pid=os.getpid(),
    )
    view = session.lake.view(published)
    writer = session.lake.writer(job.stage)
    try:
        report = job.run(JobContext(session, view, writer, progress, threads, session.actor))
        manifest = session.lake.heads()
        _check_writes(job, published, manifest)
        after = inputs_digest(session, job, manifest)
        note = PublicationNote(run_id, job.name, session.clock.now().isoformat())
        write_note(session.workspace.lake_dir, note)
        runs.succeed(run_id, manifest, dict(report.counts), inputs_digest=after)
    except NothingToDo:
        runs.skip(run_id)
        session.lake.restore(published)
        raise
    except BaseException as error:
        _undo(session, run_id, published, error)
        raise
    finally:
        view.close()
    with suppress(StorageFull):  # it is published; the next run confirms the note
        write_note(session.workspace.lake_dir, replace(note, confirmed=True))
    return JobOutcome(job.name, Outcome.DONE, report, time.monotonic() - started)


def _undo(session: Session, run_id: str, published: Mapping[str, int], error: BaseException) -> None:
    """Put every table back and record why the run failed; nothing when an interrupt came after it was published."""
    runs = session.ledger.runs
    if runs.outcome(run_id) == "succeeded":
        return
    code = type(error).__name__
    try:
        session.lake.restore(published)
    finally:
        with suppress(Exception):  # what failed first is told; the next run closes this one
            runs.fail(run_id, code, error.what if isinstance(error, GridloopError) else code)


def _check_writes(job: Job, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    undeclared = sorted(changed - set(job.writes))
    if undeclared:
        raise WriterNotOwner(
            f"Job {job.name!r} changed tables that it does not declare.",
            evidence={"undeclared": undeclared, "declared": sorted(job.writes)},
            ways_out=("Name the tables in the job's `writes`, so that lineage stays true.",),
        )
