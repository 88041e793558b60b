"""Runs of jobs and the manifests they publish: outcome and manifest in one transaction (docs/conventions.md §12)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from gridloop.domain.clock import Clock
from gridloop.domain.errors import LedgerConflict, UsageError, did_you_mean
from gridloop.domain.ids import RunId
from gridloop.domain.table import Stage
from gridloop.ledger.canonical import document
from gridloop.ledger.database import Database
from gridloop.ledger.lifecycle import RUN
from gridloop.ledger.liveness import Life, life_of, place_of
from gridloop.ledger.schema import TABLES

_RUN = TABLES["job_run"]
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job, as the table `job_run` declares it.

    Attributes:
        outcome: running, succeeded, failed, killed or skipped.
        manifest: table → snapshot id of everything that was published when this run succeeded; None unless it did.
        host: host name and, behind a slash, what tells the process from a later one with the same number.
    """

    run_id: RunId
    job: str
    stage: Stage
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    inputs_digest: str
    code_version: str
    settings: Mapping[str, object]
    manifest: Mapping[str, int] | None
    counts: Mapping[str, object] | None
    error_code: str | None
    error_text: str | None
    pid: int
    host: str | None
    heartbeat_at: datetime | None


class Runs:
    """The runs of a ledger; made by `Ledger`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def start(
        self,
        job: str,
        stage: Stage | str,
        inputs_digest: str,
        code_version: str,
        settings: Mapping[str, object],
        pid: int | None = None,
    ) -> RunId:
        """Record that a run of `job` begins; a run of the same job whose process is dead is marked `killed` first.

        Args:
            job: its name; one run of a job at a time.
            stage: the stage it belongs to.
            inputs_digest: digest of everything it reads.
            code_version: version of the code.
            settings: its settings, as JSON.
            pid: number of the process that does it; this one when not given.

        Raises:
            LedgerConflict: the job is already running; names run, process, host and since when.
            UsageError: there is no such stage.
        """
        if stage not in list(Stage):
            raise UsageError(
                f"There is no stage {stage!r}.", ways_out=did_you_mean(stage, [one.value for one in Stage])
            )
        pid = os.getpid() if pid is None else pid
        with self._database.write("runs") as connection:
            running = connection.execute(
                select(_RUN).where(_RUN.c.job == job, _RUN.c.outcome == "running")
            ).one_or_none()
            if running is not None:
                self._give_way(connection, running)
            now = self._clock.now()
            row = {
                "run_id": RunId(f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(5)}"),
                "job": job,
                "stage": Stage(stage).value,
                "started_at": now,
                "outcome": "running",
                "inputs_digest": inputs_digest,
                "code_version": code_version,
                "settings": document(settings),
                "pid": pid,
                "host": place_of(pid),
                "heartbeat_at": now,
            }
            connection.execute(insert(_RUN), row)
        return RunId(str(row["run_id"]))

    def heartbeat(self, run_id: str) -> None:
        """Record a sign of life.

        Raises:
            LedgerConflict: the run has ended, perhaps because it was taken for dead: its process must stop.
        """
        with self._database.write() as connection:
            # A run that may still succeed is one that runs.
            self._require(connection, run_id, "succeeded")
            self._change(connection, run_id, {"heartbeat_at": self._clock.now()})

    def succeed(
        self,
        run_id: str,
        manifest: Mapping[str, int],
        counts: Mapping[str, object],
        inputs_digest: str | None = None,
    ) -> None:
        """End the run and publish its manifest, together or not at all.

        Args:
            run_id: the run.
            manifest: table → snapshot id, of the tables it wrote or of all; what it leaves out stays as published.
            counts: rows in and out, as JSON.
            inputs_digest: what the result depends on as it stands now, for a job that reads what it wrote;
                the one given at the start stays when None.

        Raises:
            LedgerConflict: the run has ended already; nothing was published.
            UsageError: a snapshot id is no whole number.
        """
        for name, snapshot in manifest.items():
            if not isinstance(snapshot, int) or isinstance(snapshot, bool):
                raise UsageError(
                    f"The snapshot of {name} is no whole number.", evidence={"type": type(snapshot).__name__}
                )
        with self._database.write("runs") as connection:
            self._require(connection, run_id, "succeeded")
            full = {**self._published(connection), **manifest}
            values: dict[str, object] = {"manifest": full, "counts": document(counts)}
            if inputs_digest is not None:
                values["inputs_digest"] = inputs_digest
            self._finish(connection, run_id, "succeeded", values)

    def skip(self, run_id: str, counts: Mapping[str, object] | None = None) -> None:
        """End a run that found nothing to do; it publishes nothing.

        Raises:
            LedgerConflict: the run has ended already.
        """
        with self._database.write("runs") as connection:
            self._require(connection, run_id, "skipped")
            self._finish(connection, run_id, "skipped", {"counts": document(counts or {})})

    def fail(self, run_id: str, error_code: str, error_text: str) -> None:
        """End a run that did not succeed; it publishes nothing.

        Args:
            run_id: the run.
            error_code: name of the error's class.
            error_text: what it says; never personal data.

        Raises:
            LedgerConflict: the run has ended already.
        """
        with self._database.write("runs") as connection:
            self._require(connection, run_id, "failed")
            self._finish(connection, run_id, "failed", {"error_code": error_code, "error_text": error_text})

    def abandon_dead(self, silent_for: timedelta | None = None) -> list[RunId]:
        """Mark as `killed` every run whose process is dead, and answer which.

        Args:
            silent_for: also runs on other hosts, whose processes cannot be seen from here, when their last sign of
                life is at least this old. None leaves them alone.
        """
        dead: list[RunId] = []
        with self._database.write("runs") as connection:
            query = select(_RUN).where(_RUN.c.outcome == "running").order_by(_RUN.c.run_id).with_for_update()
            for run in connection.execute(query).all():
                life = life_of(run.pid, run.host)
                silent = silent_for is not None and self._clock.now() - run.heartbeat_at >= silent_for
                if life is Life.DEAD or (life is Life.UNKNOWN and silent):
                    self._kill(connection, run)
                    dead.append(RunId(run.run_id))
        return dead

    def abandon(self, run_id: str) -> None:
        """Mark a run as `killed` because a person knows that it is; for runs of hosts that are gone.

        Raises:
            LedgerConflict: the run has ended already, or its process is alive on this host.
        """
        with self._database.write("runs") as connection:
            run = self._require(connection, run_id, "killed")
            if life_of(run.pid, run.host) is Life.ALIVE:
                raise _already_running(run)
            self._kill(connection, run)

    def published(self) -> dict[str, int]:
        """Table → snapshot id of everything published up to the latest successful run; empty before the first."""
        with self._database.read() as connection:
            return self._published(connection)

    def run(self, run_id: str) -> JobRun:
        """The run of that id.

        Raises:
            UsageError: there is none.
        """
        with self._database.read() as connection:
            return _job_run(self._row(connection, run_id))

    def outcome(self, run_id: str) -> str | None:
        """The outcome of a run, None when the ledger does not know it."""
        with self._database.read() as connection:
            return connection.scalar(select(_RUN.c.outcome).where(_RUN.c.run_id == run_id))

    def running(self) -> list[JobRun]:
        """Runs that have not ended, oldest first; some of their processes may be dead."""
        with self._database.read() as connection:
            query = select(_RUN).where(_RUN.c.outcome == "running").order_by(_RUN.c.started_at)
            return [_job_run(row) for row in connection.execute(query)]

    def last_success(self, job: str) -> JobRun | None:
        """The latest successful run of the job, None when it never succeeded."""
        query = select(_RUN).where(_RUN.c.job == job, _RUN.c.outcome == "succeeded")
        with self._database.read() as connection:
            row = connection.execute(query.order_by(_RUN.c.finished_at.desc()).limit(1)).one_or_none()
        return None if row is None else _job_run(row)

    def latest(self, job: str) -> JobRun | None:
        """The run of the job that started last, None when it never ran."""
        query = select(_RUN).where(_RUN.c.job == job)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(_RUN.c.started_at.desc()).limit(1)).one_or_none()
        return None if row is None else _job_run(row)

    def recent(self, limit: int = 20) -> list[JobRun]:
        """The runs that started last, latest first."""
        query = select(_RUN).order_by(_RUN.c.started_at.desc(), _RUN.c.run_id.desc()).limit(limit)
        with self._database.read() as connection:
            return [_job_run(row) for row in connection.execute(query)]

    def _give_way(self, connection: Connection, running: Row[Any]) -> None:
        if life_of(running.pid, running.host) is not Life.DEAD:
            raise _already_running(running)
        self._kill(connection, running)

    def _kill(self, connection: Connection, run: Row[Any]) -> None:
        text = f"Process {run.pid} ended without saying how; what it had not published does not count."
        self._finish(connection, run.run_id, "killed", {"error_code": "Killed", "error_text": text})

    def _finish(
        self, connection: Connection, run_id: str, outcome: str, values: Mapping[str, object]
    ) -> None:
        # Strictly increasing even when the clock is not: "the latest" must mean the one that was written last.
        last = connection.scalar(select(func.max(_RUN.c.finished_at)))
        now = self._clock.now()
        at = now if last is None else max(now, last + _TICK)
        self._change(connection, run_id, {"outcome": outcome, "finished_at": at, **values})

    def _change(self, connection: Connection, run_id: str, values: Mapping[str, object]) -> None:
        connection.execute(update(_RUN).where(_RUN.c.run_id == run_id).values(**values))

    def _require(self, connection: Connection, run_id: str, wanted: str) -> Row[Any]:
        row = self._row(connection, run_id, lock=True)
        RUN.require(run_id, row.outcome, wanted)
        return row

    def _row(self, connection: Connection, run_id: str, *, lock: bool = False) -> Row[Any]:
        query = select(_RUN).where(_RUN.c.run_id == run_id)
        row = connection.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise UsageError(f"There is no run {run_id!r}.", ways_out=("List them: `gridloop doctor`.",))
        return row

    def _published(self, connection: Connection) -> dict[str, int]:
        query = select(_RUN.c.manifest).where(_RUN.c.outcome == "succeeded")
        return dict(connection.scalar(query.order_by(_RUN.c.finished_at.desc()).limit(1)) or {})


def _job_run(row: Row[Any]) -> JobRun:
    values = dict(row._mapping)
    return JobRun(**{**values, "run_id": RunId(values["run_id"]), "stage": Stage(values["stage"])})


def _already_running(run: Row[Any]) -> LedgerConflict:
    return LedgerConflict(
        f"The job {run.job} is already running.",
        evidence={
            "run": run.run_id,
            "pid": run.pid,
            "host": (run.host or "").partition("/")[0],
            "since": run.started_at.isoformat(timespec="seconds"),
        },
        ways_out=(
            "Wait until it has ended.",
            "If its process hangs, stop it and start again: the run is then marked as killed.",
            "If its host is gone, abandon the run.",
        ),
    )
