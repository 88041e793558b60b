"""A ledger that was restored from an old copy is told from one that a kill left behind, and undoes nothing."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from gridloop.apps import doctor
from gridloop.apps.jobs.execute import run_job
from gridloop.apps.jobs.job import Job, JobReport
from gridloop.apps.jobs.mending import check_ledger_age, mend
from gridloop.apps.wiring import opened
from gridloop.domain.errors import GridloopError
from gridloop.domain.table import Stage
from gridloop.engine.publication import NOTE_FILE, read_note


@pytest.fixture
def publish(regions):
    """Publishes one region in the place of all, as a run of its own."""

    def run(session, name):
        def replace(context):
            context.writer.replace("region", regions(name))
            return JobReport()

        job = Job("data.name", Stage.DATA, "A test", (), ("region",), replace)
        run_job(session, job, force=True)

    return run


@pytest.fixture
def copy(workspace_path, session):
    """Puts a copy of the ledger aside, or back, closing the session."""
    ledger, kept = workspace_path / "ledger.db", workspace_path.with_name("copy.db")

    def move(*, back=False):
        if back:
            session.close()
            for old in workspace_path.glob("ledger.db*"):
                old.unlink()
            shutil.copy(kept, ledger)
        else:
            with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(kept)) as target:
                source.backup(target)

    return move


def names(session):
    """Region ids at the lake's head, published or not."""
    return session.lake.view().arrow("region")["region_id"].to_pylist()


def test_an_old_copy_of_the_ledger_is_refused_and_nothing_is_changed(workspace_path, session, publish, copy):
    publish(session, "north")
    copy()
    publish(session, "south")
    copy(back=True)
    before = sorted(path for path in workspace_path.rglob("*") if "ledger" not in path.name)
    with opened(workspace_path) as again:
        assert again.ledger.runs.last_success("data.name") is not None
        with pytest.raises(GridloopError, match="The ledger is older than the lake") as refused:
            mend(again)
        assert names(again) == ["south"]
    assert refused.value.evidence["last publication"].startswith("data.name, ")
    assert refused.value.ways_out[0].startswith("Restore a copy of the ledger")
    assert sorted(path for path in workspace_path.rglob("*") if "ledger" not in path.name) == before


def test_doctor_tells_of_an_old_ledger(workspace_path, session, publish, copy):
    publish(session, "north")
    copy()
    publish(session, "south")
    copy(back=True)
    (found,) = [f for f in doctor.examine(workspace_path) if f.code == "doctor.lake"]
    assert "older than the lake" in found.text and "Ways out" in found.text


def test_who_deletes_the_note_goes_back_to_what_the_ledger_knows(workspace_path, session, publish, copy):
    publish(session, "north")
    copy()
    publish(session, "south")
    copy(back=True)
    (workspace_path / "lake" / NOTE_FILE).unlink()
    with opened(workspace_path) as again:
        assert mend(again) == ["region"]
        assert names(again) == ["north"]


def test_a_copy_made_while_the_run_was_at_work_is_refused_too(workspace_path, session, regions, copy):
    def write(context):
        copy()
        context.writer.replace("region", regions("south"))
        return JobReport()

    run_job(session, Job("data.name", Stage.DATA, "A test", (), ("region",), write))
    copy(back=True)
    with opened(workspace_path) as again, pytest.raises(GridloopError, match="older than the lake"):
        mend(again)


def test_a_newer_ledger_is_no_older_one(workspace_path, session, publish, copy):
    publish(session, "north")
    publish(session, "south")
    copy()
    copy(back=True)
    with opened(workspace_path) as again:
        assert check_ledger_age(again) is None
        assert mend(again) == []


@pytest.mark.parametrize("moment", ["before the ledger", "after the ledger"])
def test_a_kill_on_either_side_of_the_ledgers_commit_is_mended(session, publish, monkeypatch, moment):
    publish(session, "north")
    runs = session.ledger.runs
    succeed = runs.succeed

    class Killed(BaseException):
        pass

    def killed(*words, **named):
        if moment == "after the ledger":
            succeed(*words, **named)
        raise Killed

    monkeypatch.setattr(runs, "succeed", killed)
    monkeypatch.setattr("gridloop.apps.jobs.execute._undo", lambda *_: None)
    with pytest.raises(Killed):
        publish(session, "south")
    note = read_note(session.workspace.lake_dir)
    assert not note.confirmed
    _as_of_a_dead_process(session, note.run_id)
    assert mend(session) == (["region"] if moment == "before the ledger" else [])
    assert names(session) == (["north"] if moment == "before the ledger" else ["south"])
    assert read_note(session.workspace.lake_dir).confirmed is (moment == "after the ledger")
    assert mend(session) == []


def _as_of_a_dead_process(session, run_id):
    """Let a run that is still open be one of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with closing(sqlite3.connect(session.workspace.root / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE job_run SET pid = ? WHERE run_id = ?", (child.pid, run_id))


def test_a_note_that_was_cut_off_is_removed(session, publish):
    publish(session, "north")
    draft = session.workspace.lake_dir / f".{NOTE_FILE}.4711.part"
    draft.write_text("{")
    assert mend(session) == []
    assert not draft.exists()


def test_a_damaged_note_is_told_with_the_way_out(session, publish):
    publish(session, "north")
    note = session.workspace.lake_dir / NOTE_FILE
    note.write_text("{")
    with pytest.raises(GridloopError, match="damaged") as told:
        mend(session)
    assert told.value.evidence == {"file": str(note)}
    assert names(session) == ["north"]
