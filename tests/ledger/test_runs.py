"""One run of a job at a time; what is published is what the last successful run said, whole."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from gridloop.domain.errors import LedgerConflict, UsageError
from gridloop.domain.table import Stage
from gridloop.ledger.schema import TABLES

SETTINGS = {"buckets": 16, "label": "读数"}


@pytest.fixture
def dead_pid():
    """Number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def start(ledger, job="import", pid=None):
    return ledger.runs.start(job, Stage.DATA, "d1", "0.1.0", SETTINGS, pid)


def test_a_run_is_read_back_as_it_was_written(ledger, clock):
    run_id = start(ledger)
    clock.later(seconds=5)
    ledger.runs.succeed(run_id, {"reading": 7}, {"rows_in": 3})
    run = ledger.runs.run(run_id)
    assert (run.job, run.stage, run.outcome, run.pid) == ("import", Stage.DATA, "succeeded", os.getpid())
    assert run.settings == SETTINGS
    assert run.counts == {"rows_in": 3}
    assert run.started_at == datetime(2026, 7, 1, 8, 0, 0, 123456, tzinfo=UTC)
    assert run.started_at.tzinfo is UTC
    assert run.finished_at - run.started_at == timedelta(seconds=5)


def test_what_is_published_is_complete_after_every_run(ledger):
    assert ledger.runs.published() == {}
    ledger.runs.succeed(start(ledger), {"reading": 1, "meter": 1}, {})
    ledger.runs.succeed(start(ledger, "features"), {"feature": 4}, {})
    ledger.runs.succeed(start(ledger), {"reading": 2}, {})
    assert ledger.runs.published() == {"reading": 2, "meter": 1, "feature": 4}
    assert ledger.runs.last_success("import").manifest == ledger.runs.published()


def test_a_run_that_did_not_succeed_publishes_nothing(ledger):
    ledger.runs.succeed(start(ledger), {"reading": 1}, {})
    ledger.runs.fail(start(ledger), "SourceUnreadable", "The file ends early.")
    ledger.runs.skip(start(ledger, "features"))
    start(ledger, "check")
    assert ledger.runs.published() == {"reading": 1}
    assert [run.outcome for run in ledger.runs.running()] == ["running"]


def test_the_latest_is_the_one_written_last_whatever_the_clock_says(ledger, clock):
    ledger.runs.succeed(start(ledger), {"reading": 1}, {})
    clock.later(hours=-3)
    ledger.runs.succeed(start(ledger), {"reading": 2}, {})
    clock.later(hours=-3)
    ledger.runs.fail(start(ledger), "Killed", "")
    ledger.runs.succeed(start(ledger), {"reading": 3}, {})
    assert ledger.runs.published() == {"reading": 3}


def test_a_manifest_holds_whole_numbers_up_to_63_bits(ledger):
    ledger.runs.succeed(start(ledger), {"reading": 2**63 - 1}, {})
    assert ledger.runs.published() == {"reading": 9223372036854775807}
    with pytest.raises(UsageError, match="whole number"):
        ledger.runs.succeed(start(ledger), {"reading": 1.5}, {})


def test_a_run_ends_once(ledger):
    run_id = start(ledger)
    ledger.runs.succeed(run_id, {"reading": 1}, {})
    for again in (
        lambda: ledger.runs.succeed(run_id, {"reading": 2}, {}),
        lambda: ledger.runs.fail(run_id, "X", ""),
        lambda: ledger.runs.heartbeat(run_id),
        lambda: ledger.runs.abandon(run_id),
    ):
        with pytest.raises(LedgerConflict, match="is succeeded and cannot become"):
            again()
    assert ledger.runs.published() == {"reading": 1}


def test_documents_that_json_cannot_hold_are_refused(ledger):
    run_id = start(ledger)
    with pytest.raises(UsageError, match="finite numbers"):
        ledger.runs.succeed(run_id, {"reading": 1}, {"share": float("nan")})
    assert ledger.runs.run(run_id).outcome == "running"


def test_a_job_that_runs_cannot_be_started_again(ledger):
    run_id = start(ledger)
    with pytest.raises(LedgerConflict) as told:
        start(ledger)
    assert "already running" in str(told.value)
    assert told.value.evidence["run"] == run_id
    assert told.value.evidence["pid"] == os.getpid()
    start(ledger, "another job")


def test_the_database_itself_allows_one_running_row_a_job(ledger):
    first = start(ledger)
    ledger.runs.fail(first, "X", "")
    start(ledger)
    run = TABLES["job_run"]
    with pytest.raises(LedgerConflict, match="rule of the ledger"), ledger._database.write() as connection:
        connection.execute(update(run).where(run.c.run_id == first).values(outcome="running"))


def test_a_run_of_a_dead_process_gives_way(ledger, dead_pid):
    lost = start(ledger, pid=dead_pid)
    run_id = start(ledger)
    assert ledger.runs.run(lost).outcome == "killed"
    assert ledger.runs.run(lost).manifest is None
    assert ledger.runs.run(run_id).outcome == "running"


def test_dead_runs_are_abandoned_and_live_ones_are_not(ledger, dead_pid):
    lost, alive = start(ledger, "a", dead_pid), start(ledger, "b")
    assert ledger.runs.abandon_dead() == [lost]
    assert ledger.runs.abandon_dead() == []
    assert ledger.runs.run(alive).outcome == "running"


def test_a_later_process_with_the_same_number_is_not_mistaken_for_the_dead_one(ledger):
    run_id = start(ledger)
    run = TABLES["job_run"]
    host, _, mark = ledger.runs.run(run_id).host.partition("/")
    earlier = f"{host}/{mark.rpartition(':')[0]}:1"
    with ledger._database.write() as connection:
        connection.execute(update(run).values(host=earlier))
    assert ledger.runs.abandon_dead() == [run_id]


def test_a_silent_run_of_another_host_is_left_alone_until_told_otherwise(ledger, clock):
    run_id = start(ledger)
    run = TABLES["job_run"]
    with ledger._database.write() as connection:
        connection.execute(update(run).values(host="elsewhere/x:1"))
    clock.later(minutes=30)
    ledger.runs.heartbeat(run_id)
    clock.later(minutes=59)
    assert ledger.runs.abandon_dead() == []
    assert ledger.runs.abandon_dead(silent_for=timedelta(hours=1)) == []
    with pytest.raises(LedgerConflict, match="already running"):
        start(ledger)
    clock.later(minutes=1)
    assert ledger.runs.abandon_dead(silent_for=timedelta(hours=1)) == [run_id]


def test_a_person_can_abandon_a_run_of_a_host_that_is_gone_but_not_a_live_one(ledger):
    run_id = start(ledger)
    with pytest.raises(LedgerConflict, match="already running"):
        ledger.runs.abandon(run_id)
    with ledger._database.write() as connection:
        connection.execute(update(TABLES["job_run"]).values(host="elsewhere/x:1"))
    ledger.runs.abandon(run_id)
    assert ledger.runs.run(run_id).outcome == "killed"


def test_recent_runs_come_latest_first(ledger, clock):
    ids = []
    for job in ("a", "b", "c"):
        ids.append(start(ledger, job))
        clock.later(seconds=1)
    assert [run.run_id for run in ledger.runs.recent(2)] == [ids[2], ids[1]]
    assert ledger.runs.last_success("a") is None


def test_an_unknown_stage_is_named(ledger):
    with pytest.raises(UsageError, match="no stage 'dta'") as told:
        ledger.runs.start("import", "dta", "d1", "0.1.0", {})
    assert "Did you mean 'data'" in str(told.value)


def test_an_unknown_run_is_named(ledger):
    with pytest.raises(UsageError, match="no run 'nothing'"):
        ledger.runs.run("nothing")


def test_two_processes_start_the_same_job_and_one_is_refused(url, at_once):
    program = """
with Ledger.open(url) as ledger:
    try:
        print("run", ledger.runs.start("import", "data", "d", "v", {}))
    except LedgerConflict as error:
        print(error.what)
    finish()
"""
    refused, started = sorted(at_once(2, program, url), key=lambda line: line.startswith("run"))
    assert refused == "The job import is already running."
    assert started.startswith("run 20")


def test_runs_that_end_at_once_publish_all_of_their_tables(ledger):
    ids = [start(ledger, f"job{number}") for number in range(8)]
    threads = [
        threading.Thread(target=ledger.runs.succeed, args=(run_id, {f"table{number}": number}, {}))
        for number, run_id in enumerate(ids)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.runs.published() == {f"table{number}": number for number in range(8)}
