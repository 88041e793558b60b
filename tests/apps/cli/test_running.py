"""`run` carries out what is not up to date, tells what it did, and leaves the workspace to one run at a time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gridloop.apps.jobs.catalogue import JOBS

NAMES = [job.name for job in JOBS]

HOLD = """
import sys
from pathlib import Path
from gridloop.engine.workspace import Workspace
with Workspace.open(Path(sys.argv[1])).lock(command="a long import"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def elsewhere():
    """Holds a workspace's lock from another process until the test ends."""
    holders = []

    def hold(workspace):
        arguments = [sys.executable, "-c", HOLD, str(workspace)]
        holder = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return holder

    yield hold
    for holder in holders:
        holder.communicate()


def test_a_loop_that_is_up_to_date_is_not_run_again(command, demo):
    answer = command("run", "-w", demo.workspace, "--json")
    assert answer.code == 0
    assert {row["job"]: row["outcome"] for row in answer.rows} == dict.fromkeys(NAMES, "fresh")
    assert "Everything is up to date." in command("run", "-w", demo.workspace).out


def test_a_run_through_a_stage_ends_with_it(command, demo_copy):
    answer = command("run", "-w", demo_copy.workspace, "--through", "data", "--force", "--json")
    assert [(row["job"], row["outcome"]) for row in answer.rows] == [
        ("data.validate", "done"),
        ("data.check", "done"),
    ]
    assert "rules" in answer.rows[1]["did"]


def test_a_stage_that_is_none_is_refused_with_the_nearest_one(command, demo):
    answer = command("run", "-w", demo.workspace, "--through", "insigth")
    assert answer.code == 2
    assert "'insight'" in answer.err


def test_a_dry_run_tells_and_changes_nothing(command, demo_copy, state):
    before = state(demo_copy.workspace)
    answer = command("run", "-w", demo_copy.workspace, "--dry-run", "--force", "--csv")
    assert answer.out.splitlines()[0] == "job,does,would_run"
    assert len(answer.out.splitlines()) == 1 + len(NAMES)
    assert state(demo_copy.workspace) == before
    assert len(command("job", "list", "-w", demo_copy.workspace, "--json").rows) == 1 + len(NAMES)


def test_a_second_run_is_refused_while_one_works_and_names_it(command, demo_copy, elsewhere):
    holder = elsewhere(demo_copy.workspace)
    answer = command("run", "-w", demo_copy.workspace)
    assert answer.code == 1
    assert "Another run is working" in answer.err
    assert f"pid: {holder.pid}" in answer.err
    assert "a long import" in answer.err
    findings = command("doctor", "-w", demo_copy.workspace, "--json")
    assert findings.code == 0
    (lock,) = [row for row in findings.rows if row["code"] == "doctor.lock"]
    assert "a long import" in lock["text"]


def test_a_run_that_is_killed_frees_the_workspace(command, demo_copy, elsewhere):
    elsewhere(demo_copy.workspace).kill()
    assert command("run", "-w", demo_copy.workspace, "--wait", "10").code == 0


def test_the_newest_runs_are_listed_first_with_what_they_counted(command, demo):
    rows = command("job", "list", "-w", demo.workspace, "--json").rows
    assert [row["job"] for row in rows] == [*reversed(NAMES), "import.county"]
    assert {row["outcome"] for row in rows} == {"succeeded"}
    assert rows[-1]["counts"]["customer"] >= 12
    assert all(row["seconds"] >= 0 for row in rows)
    assert len(command("job", "list", "-w", demo.workspace, "--json", "--most", "2").rows) == 2


def test_a_failed_job_is_listed_with_its_error(command, demo_copy, monkeypatch):
    def fail(*arguments: object, **named: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("gridloop.insight.features.extract.describe_customers", fail)
    assert command("run", "-w", demo_copy.workspace, "--force", "--quiet").code == 1
    newest = command("job", "list", "-w", demo_copy.workspace, "--json").rows[0]
    assert (newest["job"], newest["outcome"], newest["error"]) == (
        "insight.features",
        "failed",
        "RuntimeError",
    )


def test_a_workspace_without_runs_says_how_to_begin(command, workspace_path):
    command("init", workspace_path)
    assert "gridloop import --list" in command("job", "list", "-w", workspace_path).out
