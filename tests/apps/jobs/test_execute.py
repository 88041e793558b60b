"""A job is published as a whole or not at all, and carried out only when something it reads has changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gridloop.apps.jobs.catalogue import JOBS
from gridloop.apps.jobs.execute import inputs_digest, is_fresh, mend, run_job, run_jobs
from gridloop.apps.jobs.job import Job, JobContext, JobReport, Outcome
from gridloop.domain.errors import GridloopError, LedgerConflict, NothingToDo, WriterNotOwner
from gridloop.domain.finding import Finding
from gridloop.domain.table import Stage

Action = Callable[[JobContext], object]


def job(
    action: Action,
    *,
    name: str = "data.name",
    reads: tuple[str, ...] = (),
    writes: tuple[str, ...] = ("region",),
    **settings: object,
) -> Job:
    """A job of the data stage."""

    def run(context: JobContext) -> JobReport:
        made = action(context)
        return made if isinstance(made, JobReport) else JobReport({"done": 1})

    return Job(name, Stage.DATA, "A test", reads, writes, run, settings)


@pytest.fixture
def write(regions):
    """Makes an action that puts these regions in the place of all."""
    return lambda *names: lambda context: context.writer.replace("region", regions(*names))


def names(session) -> list[str]:
    """Published region ids."""
    view = session.published()
    found = sorted(view.arrow("region")["region_id"].to_pylist()) if view.exists("region") else []
    view.close()
    return found


def test_a_job_that_succeeds_is_published_with_its_counts(session, write):
    outcome = run_job(session, job(write("north")))
    assert (outcome.outcome, dict(outcome.report.counts)) == (Outcome.DONE, {"done": 1})
    assert names(session) == ["north"]
    run = session.ledger.runs.last_success("data.name")
    assert dict(run.manifest) == session.lake.heads()
    assert (dict(run.counts), run.pid) == ({"done": 1}, os.getpid())


def test_findings_of_a_job_are_in_its_outcome(session):
    finding = Finding("test.one", "One thing.")
    outcome = run_job(session, job(lambda context: JobReport({}, (finding,)), writes=()))
    assert outcome.report.findings == (finding,)


def test_a_job_sees_the_tables_as_published_when_it_began(session, write):
    run_job(session, job(write("north")))
    seen = []

    def look(context: JobContext) -> None:
        write("south")(context)
        seen.extend(context.view.arrow("region")["region_id"].to_pylist())

    run_job(session, job(look, name="data.look"))
    assert seen == ["north"]
    assert names(session) == ["south"]


def test_a_second_run_is_up_to_date_until_it_is_forced(session, write):
    first = job(write("north"))
    assert [o.outcome for o in run_jobs(session, [first])] == [Outcome.DONE]
    assert [o.outcome for o in run_jobs(session, [first])] == [Outcome.FRESH]
    assert [o.outcome for o in run_jobs(session, [first], force=True)] == [Outcome.DONE]
    assert len(session.ledger.runs.recent(10)) == 2


def test_a_job_is_stale_when_what_it_reads_changes_and_only_then(session, write, rows_of):
    reader = job(lambda context: None, name="data.read", reads=("region",), writes=())
    assert not is_fresh(session, reader)
    run_job(session, job(write("north")))
    run_job(session, reader)
    assert is_fresh(session, reader)
    feeder = rows_of("feeder", [{"feeder_id": "f1"}])
    run_job(session, job(lambda c: c.writer.append("feeder", feeder), name="data.other", writes=("feeder",)))
    assert is_fresh(session, reader)
    run_job(session, job(write("south")), force=True)
    assert not is_fresh(session, reader)


def test_a_job_that_writes_what_it_reads_is_up_to_date_afterwards(session, regions):
    def add_one(context: JobContext) -> None:
        context.writer.append("region", regions(f"r{len(names(session))}"))

    own = job(add_one, reads=("region",))
    run_job(session, own)
    assert is_fresh(session, own)
    run_job(session, own, force=True)
    assert is_fresh(session, own)
    assert names(session) == ["r0", "r1"]


def test_other_settings_or_another_version_make_a_job_stale(session, write, monkeypatch):
    run_job(session, job(write("north"), limit=1))
    assert is_fresh(session, job(write("north"), limit=1))
    assert not is_fresh(session, job(write("north"), limit=2))
    monkeypatch.setattr("gridloop.apps.jobs.execute.__version__", "99")
    assert not is_fresh(session, job(write("north"), limit=1))


def test_compaction_makes_nothing_stale(session, regions):
    run_job(session, job(lambda c: c.writer.append("region", regions("a")), name="data.a"))
    run_job(session, job(lambda c: c.writer.append("region", regions("b")), name="data.b"))
    reader = job(lambda context: None, name="data.read", reads=("region",), writes=())
    run_job(session, reader)

    def compact(context: JobContext) -> None:
        done = session.lake.maintenance("test").compact("region")
        assert (done.files_before, done.files_after, done.rows) == (2, 1, 2)

    run_job(session, job(compact, name="data.compact"))
    assert is_fresh(session, reader)
    assert names(session) == ["a", "b"]


def test_a_write_that_was_not_declared_is_refused_and_undone(session, write):
    run_job(session, job(write("north")))
    with pytest.raises(WriterNotOwner, match="does not declare") as refused:
        run_job(session, job(write("south"), name="data.sneak", writes=("feeder",)))
    assert refused.value.evidence == {"undeclared": ["region"], "declared": ["feeder"]}
    assert names(session) == ["north"]
    assert session.lake.heads() == session.ledger.runs.published()


def test_a_table_of_another_stage_cannot_be_written(session, rows_of):
    with pytest.raises(WriterNotOwner, match="may not write table 'feature'"):
        run_job(
            session, job(lambda c: c.writer.append("feature", rows_of("feature", [])), writes=("feature",))
        )


@pytest.mark.parametrize(
    "error", [GridloopError("No more."), ValueError("secret"), KeyboardInterrupt(), SystemExit(3)]
)
def test_a_job_that_fails_leaves_every_table_as_it_was(session, write, error):
    run_job(session, job(write("north")))
    before = session.lake.heads()

    def fail(context: JobContext) -> None:
        write("south")(context)
        raise error

    with pytest.raises(type(error)):
        run_job(session, job(fail, name="data.fail"))
    assert session.lake.heads() == before == session.ledger.runs.published()
    run = session.ledger.runs.recent(1)[0]
    assert (run.job, run.outcome, run.error_code) == ("data.fail", "failed", type(error).__name__)
    assert run.error_text == ("No more." if isinstance(error, GridloopError) else type(error).__name__)


def test_a_job_that_fails_on_its_first_write_leaves_no_table(session, write):
    def fail(context: JobContext) -> None:
        write("south")(context)
        raise ValueError

    with pytest.raises(ValueError):
        run_job(session, job(fail))
    assert session.lake.heads() == {}
    assert not session.lake.folder("region").exists()


def test_a_job_with_nothing_to_do_is_recorded_as_skipped_not_as_failed(session):
    def nothing(context: JobContext) -> None:
        raise NothingToDo("All there.")

    with pytest.raises(NothingToDo):
        run_job(session, job(nothing))
    assert session.ledger.runs.recent(1)[0].outcome == "skipped"


def test_a_job_that_failed_runs_again(session, write):
    def fail(context: JobContext) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        run_job(session, job(fail))
    assert run_job(session, job(write("north"))).outcome is Outcome.DONE


def test_jobs_after_one_that_failed_are_not_carried_out(session, write):
    def fail(context: JobContext) -> None:
        raise ValueError

    ran = []
    jobs = [job(write("north")), job(fail, name="data.fail"), job(lambda c: ran.append(1), name="data.after")]
    with pytest.raises(ValueError):
        for _ in run_jobs(session, jobs):
            pass
    assert ran == []
    assert names(session) == ["north"]


def test_a_job_that_runs_elsewhere_is_not_started_a_second_time(session, write):
    session.ledger.runs.start("data.name", Stage.DATA, "x", "1", {}, pid=os.getpid())
    with pytest.raises(LedgerConflict, match="already running"):
        run_job(session, job(write("north")))


def test_what_a_killed_run_left_behind_is_mended(session, write, regions):
    run_job(session, job(write("north")))
    dead = _dead_process()
    killed = session.ledger.runs.start("data.name", Stage.DATA, "x", "1", {}, pid=dead)
    session.lake.writer(Stage.DATA).append("region", regions("half"))
    stray = session.lake.folder("region") / "data" / "stray.parquet"
    stray.write_bytes(b"cut off")
    assert mend(session) == ["region"]
    assert session.ledger.runs.run(killed).outcome == "killed"
    assert names(session) == ["north"]
    assert session.lake.heads() == session.ledger.runs.published()
    assert not stray.exists()
    assert mend(session) == []


def test_an_interrupt_after_the_publication_undoes_nothing(session, write, monkeypatch):
    succeed = session.ledger.runs.succeed

    def interrupted(*words, **named):
        succeed(*words, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(session.ledger.runs, "succeed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_job(session, job(write("north")))
    assert names(session) == ["north"]
    assert session.ledger.runs.recent(1)[0].outcome == "succeeded"
    assert mend(session) == []


def _dead_process() -> int:
    import subprocess
    import sys

    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_the_digest_names_everything_a_result_depends_on(session, write):
    run_job(session, job(write("north")))
    published = session.ledger.runs.published()
    reader = job(lambda context: None, reads=("region", "feeder"))
    one = inputs_digest(session, reader, published)
    assert one == inputs_digest(session, reader, published)
    assert one != inputs_digest(session, job(lambda context: None, reads=("feeder",)), published)
    assert one != inputs_digest(session, job(lambda c: None, name="data.b", reads=("region",)), published)


def test_progress_and_threads_reach_the_job(session):
    told = []

    def tell(context: JobContext) -> None:
        context.progress("counting", 1, context.threads)

    run_job(session, job(tell, writes=()), progress=lambda *words: told.append(words), threads=7)
    assert told == [("counting", 1, 7)]


@pytest.mark.parametrize("one", JOBS, ids=lambda one: one.name)
def test_every_job_of_the_loop_names_tables_that_are_there(session, one):
    assert sorted({*one.reads, *one.writes} - set(session.lake.specs)) == []
    assert {session.lake.spec(name).owner for name in one.writes} <= {one.stage}
    assert one.name.startswith(f"{one.stage.value}.")


def test_the_jobs_run_on_an_empty_workspace(session, workspace_path: Path):
    assert [o.outcome for o in run_jobs(session, JOBS)] == [Outcome.DONE] * len(JOBS)
    assert [o.outcome for o in run_jobs(session, JOBS)] == [Outcome.FRESH] * len(JOBS)


def test_a_failure_that_the_ledger_cannot_record_is_told_and_undone(session, write, monkeypatch):
    run_job(session, job(write("north")))
    before = session.lake.heads()

    def fails(context: JobContext) -> None:
        write("south")(context)
        raise GridloopError("The job's own reason.")

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(session.ledger.runs, "fail", no_room)
    with pytest.raises(GridloopError, match="own reason"):
        run_job(session, job(fails), force=True)

    assert session.lake.heads() == before
    assert names(session) == ["north"]
