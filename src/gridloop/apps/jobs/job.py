"""What a job is: a named step of the loop that reads some tables and writes others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from gridloop.domain.finding import Finding
from gridloop.domain.table import Stage

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.engine.view import LakeView
    from gridloop.engine.writer import LakeWriter

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, units done, units in all)."""


def silent(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class JobContext:
    """What a job gets.

    Attributes:
        session: the workspace.
        view: every table as published when the job started.
        writer: writes the tables of the job's stage.
        progress: see `Progress`.
        threads: how many threads kernels may use.
        actor: in whose name records of the ledger are made.
    """

    session: Session
    view: LakeView
    writer: LakeWriter
    progress: Progress = silent
    threads: int = 2
    actor: str = ""


@dataclass(frozen=True)
class JobReport:
    """What a job did: counts by name, and what it found."""

    counts: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Job:
    """One step of the loop.

    Attributes:
        name: `stage.verb`, unique.
        stage: in whose name it writes.
        title: what it does, for people.
        reads, writes: tables; lineage and staleness are derived from them.
        run: does it; may be killed at any time and run again.
        settings: whatever changes its result, recorded with the run.
        depends: what else its result depends on in a workspace, such as a file of rules; None for nothing.
    """

    name: str
    stage: Stage
    title: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    run: Callable[[JobContext], JobReport]
    settings: Mapping[str, object] = field(default_factory=dict)
    depends: Callable[[Session], Mapping[str, object]] | None = None


class Outcome(StrEnum):
    """How carrying out a job ended."""

    DONE = "done"
    FRESH = "fresh"


@dataclass(frozen=True)
class JobOutcome:
    """A job that was carried out, or found to be up to date.

    Attributes:
        job: its name.
        outcome: DONE or FRESH (nothing it reads has changed since it last ran).
        report: what it did; empty when FRESH.
        seconds: wall time.
    """

    job: str
    outcome: Outcome
    report: JobReport
    seconds: float
