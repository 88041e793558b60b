"""Two people use one workspace at the same time: writers take turns or are refused, readers see what was published."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gridloop.apps.jobs.catalogue import JOBS

pytestmark = pytest.mark.slow

# Holds the workspace as a run does, in the middle of a job that has written but not published.
HOLDER = """
import sys
from gridloop.apps.wiring import opened
from gridloop.domain.table import Stage

with opened(sys.argv[1]) as session, session.workspace.lock(command="run"):
    rows = session.published().arrow("region")
    session.lake.writer(Stage.DATA).replace("region", rows.slice(0, 1))
    print("holding", flush=True)
    sys.stdin.read()
"""


def start(*words):
    """Start `gridloop` with these words in a process of its own."""
    program = [sys.executable, "-m", "gridloop.apps.cli", *map(str, words)]
    return subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


@pytest.fixture
def held(place):
    """The county's workspace while another process holds it with work that is not published."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place.workspace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "holding\n"
    yield place, holder
    holder.communicate()


def test_every_command_that_writes_is_refused_with_the_name_of_the_writer_at_work(held, command):
    place, holder = held
    imported = ("import", "county", "--data", place.sources)
    for words in (("run",), imported, ("data", "compact"), ("vault", "rotate"), ("doctor", "--mend")):
        answer = command(*words, "-w", place.workspace)
        assert (words, answer.code, answer.out) == (words, 1, "")
        assert "Another run is working in this workspace." in answer.err
        assert f"pid: {holder.pid}" in answer.err and "command: run" in answer.err and "--wait" in answer.err
    started = time.monotonic()
    answer = command("run", "--wait", 0.3, "-w", place.workspace)
    assert answer.code == 1 and "waited_seconds: 0.3" in answer.err
    assert 0.3 <= time.monotonic() - started < 10


def test_readers_see_the_published_state_while_a_writer_works(held, command, digests):
    place, _ = held
    tables = command("data", "profile", "-w", place.workspace, "--json")
    counts = {row["table"]: row["rows"] for row in tables.rows}
    assert counts["region"] > 1, "the writer has cut it to one row, unpublished"
    assert command("data", "profile", "region", "-w", place.workspace).code == 0
    assert command("data", "check", "-w", place.workspace, "--json").code == 0
    assert command("data", "quarantine", "-w", place.workspace).code == 0
    assert command("job", "list", "-w", place.workspace).code == 0
    assert digests(place.workspace)["region"].startswith(f"{counts['region']}:")
    doctor = command("doctor", "-w", place.workspace)
    assert doctor.code == 0 and "Another run is working here" in doctor.out


def test_a_writer_that_waited_undoes_what_the_dead_one_had_not_published(held, digests):
    place, holder = held
    before = digests(place.workspace)
    waiting = start("run", "--wait", 60, "-w", place.workspace, "--json")
    time.sleep(1.0)
    holder.kill()
    out, err = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, err
    assert {row["outcome"] for row in json.loads(out)} == {"fresh"}
    assert digests(place.workspace) == before


def test_two_imports_and_runs_at_once_end_like_one(
    county, done_once, tmp_path, monkeypatch, digests, command
):
    workspace = tmp_path / "workspace"
    shutil.copytree(done_once.keys, tmp_path / "keys")
    empty_copy(done_once.workspace, workspace)
    both = [
        start("import", "county", "--data", county / "sources", "--wait", 60, "-w", workspace, "-q")
        for _ in range(2)
    ]
    codes = sorted((one.communicate(timeout=120), one.returncode)[1] for one in both)
    assert codes == [0, 5], "one imports, the other waits and then finds nothing to do"
    both = [start("run", "--wait", 60, "-w", workspace, "--json", "-q") for _ in range(2)]
    answers = [one.communicate(timeout=180) for one in both]
    assert [one.returncode for one in both] == [0, 0], answers
    outcomes = [[row["outcome"] for row in json.loads(out)] for out, _ in answers]
    assert sorted(outcomes) == [["done"] * len(JOBS), ["fresh"] * len(JOBS)]
    assert digests(workspace) == digests(done_once.workspace)
    runs = command("job", "list", "-w", workspace, "--json").rows
    assert sorted(run["outcome"] for run in runs) == ["skipped", *["succeeded"] * (1 + len(JOBS))]


def empty_copy(of: Path, to: Path) -> None:
    """The workspace as it was before anything was imported: its settings and its vault, whose keys make the ids."""
    to.mkdir()
    shutil.copy(of / "gridloop.toml", to)
    shutil.copytree(of / "vault", to / "vault")
    from gridloop.engine.workspace import Workspace
    from gridloop.ledger.store import Ledger

    ledger = Ledger.open(Workspace.open(to).ledger_url)
    ledger.upgrade()
    ledger.close()
