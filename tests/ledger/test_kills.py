"""A process that writes runs is killed at random moments: what it had committed is there, and nothing half."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from gridloop.ledger.store import Ledger

KILLS = 25
LONGEST_SECONDS = 0.12

# Imports once, then forks a writer for every line it reads: a fresh interpreter a kill would cost most of the time.
NURSERY = """
import os, sys
from gridloop.ledger.store import Ledger

def write(url, number):
    with Ledger.open(url) as ledger:
        while True:
            number += 1
            run = ledger.runs.start("import", "data", "d", "v", {"number": number})
            ledger.audit.record("import", "run.start", f"run:{run}", {"number": number})
            ledger.runs.succeed(run, {name: number for name in ("reading", "meter", "feature")}, {"rows": number})
            os.write(1, f"{number}\\n".encode())

# Loads what a writer would load only with its first statement.
with Ledger.open(sys.argv[1]) as warm:
    warm.runs.published()

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        write(sys.argv[1], int(line))
    os.write(1, f"pid {pid}\\n".encode())
    os.waitpid(pid, 0)
    os.write(1, b"gone\\n")
"""


@pytest.fixture
def nursery(url):
    """The process that forks writers."""
    process = subprocess.Popen(
        [sys.executable, "-c", NURSERY, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.communicate()


def kill_one(nursery, last, after_seconds):
    """Let a writer go on from `last`, kill it, and answer the last number it said it had committed."""
    nursery.stdin.write(f"{last}\n")
    nursery.stdin.flush()
    said = []
    while True:
        line = nursery.stdout.readline().strip()
        if line.startswith("pid"):
            time.sleep(after_seconds)
            os.kill(int(line.split()[1]), signal.SIGKILL)
        elif line == "gone":
            return max([last, *said])
        else:
            said.append(int(line))


def test_killed_writers_lose_nothing_and_leave_nothing_half(url, nursery):
    seed = int(os.environ.get("GRIDLOOP_KILL_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed} (repeat with GRIDLOOP_KILL_SEED)")
    moments = random.Random(seed)
    last, reached = 0, set()
    for _ in range(KILLS):
        said = kill_one(nursery, last, moments.uniform(0, LONGEST_SECONDS))
        with Ledger.open(url) as ledger:
            published = ledger.runs.published()
            numbers = set(published.values())
            assert len(numbers) <= 1, published
            assert set(published) in ({"reading", "meter", "feature"}, set())
            number = max(numbers, default=0)
            # Committed but not yet said is possible, said but not committed is not.
            assert number in (said, said + 1)
            assert ledger.audit.verify() == []
            running = ledger.runs.running()
            assert len(running) <= 1
            assert ledger.runs.abandon_dead() == [run.run_id for run in running]
            runs = ledger.runs.recent(10_000)
        succeeded = [run.counts["rows"] for run in runs if run.outcome == "succeeded"]
        assert sorted(succeeded) == list(range(1, number + 1))
        reached.add((number > last, bool(running)))
        last = number
    print(f"{last} runs over {KILLS} kills; (progress, killed inside a run): {sorted(reached)}")
    assert last > 0
