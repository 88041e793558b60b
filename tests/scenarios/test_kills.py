"""Killed at any moment and started again, the work ends with the tables of an uninterrupted run (conventions §12)."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter

import pytest

from gridloop.apps.jobs.catalogue import JOBS

KILLS = 50
REAL_KILLS = 12
CHAIN = 1 if os.environ.get("GRIDLOOP_KILL_CHAIN") == "1" else 8
"""How many kills a workspace suffers before the work is completed in it; 1, by the variable, takes long."""

pytestmark = pytest.mark.slow


def assert_as_if_nothing_had_happened(found, reference):
    """What was published equals the uninterrupted result, and nothing else is left."""
    assert found["digests"] == reference["digests"]
    assert not any(found["accounts"]), "rows in must equal accepted + superseded + quarantined"
    assert found["landed"] == reference["landed"]
    assert found["unpublished"] == []
    assert found["orphans"] == 0
    assert found["leftovers"] == []
    assert found["broken_audit"] == 0


def assert_runs_are_told_as_they_ended(found, jobs):
    """No run is left open, and every job succeeded exactly once: kills came before that, or after it for good."""
    outcomes = Counter(map(tuple, found["outcomes"]))
    assert {outcome for _, outcome in outcomes} <= {"succeeded", "killed", "skipped"}
    assert {job: outcomes[job, "succeeded"] for job in jobs} == dict.fromkeys(jobs, 1)


def seeded():
    """A random source whose seed is printed."""
    seed = int(os.environ.get("GRIDLOOP_KILL_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed} (repeat with GRIDLOOP_KILL_SEED)")
    return random.Random(seed)


def chains(names, length):
    """Every name once, in lists of at most `length`, each in the order of the work and spread over all of it."""
    count = -(-len(names) // length)
    return [names[start::count] for start in range(count)]


def kill_at_each(nursery, start, step, names, expected):
    """Kill `step` once at each boundary, after a few kills complete it and compare; answers how many there were."""
    kills = 0
    waiting = chains(names, CHAIN)
    while waiting:
        chain = waiting.pop()
        workspace = nursery.copy(start)
        for number, name in enumerate(chain):
            attempt = nursery.work(workspace, step, stop_at=name)
            if attempt.killed:
                kills += 1
                assert attempt.boundaries[-1] == name
                continue
            print(f"not reached after {chain[:number]}: {name}")
            # An earlier kill of the chain came after this was done for good: it has to come first elsewhere.
            assert number > 0, f"no work reaches {name!r} any more:\n{attempt.output}"
            waiting.append(chain[number:])
            break
        completed = nursery.work(workspace, step, "inspect")
        assert completed.answers[step] in (0, 5), completed.output
        assert_as_if_nothing_had_happened(completed.answers["inspect"], expected)
        assert_runs_are_told_as_they_ended(completed.answers["inspect"], jobs_of(nursery, step))
        shutil.rmtree(workspace)
    return kills


def jobs_of(nursery, *steps):
    """The jobs that the steps carry out."""
    jobs = {"import": [f"import.{nursery.recipe}"], "run": [job.name for job in JOBS]}
    return [name for step in steps for name in jobs[step]]


def boundaries_of(nursery, start, step):
    """All boundaries that the step passes when nobody kills it."""
    workspace = nursery.copy(start)
    attempt = nursery.work(workspace, step, stop_at="never")
    assert attempt.answers == {step: 0}, attempt.output
    shutil.rmtree(workspace)
    kinds = Counter(kind_of(name) for name in attempt.boundaries)
    print(f"{step}: {len(attempt.boundaries)} boundaries: {dict(kinds)}")
    return list(attempt.boundaries)


def kind_of(boundary):
    """What happens at a boundary, without the table, the file and the how-manieth time."""
    words = boundary.split()
    return " ".join(words[:3] if "commit" in words else [*words[:2], *words[-3:-1]])


def test_the_uninterrupted_work_accounts_for_every_row_and_repeats_itself(nursery):
    again = nursery.copy()
    answers = nursery.work(again, "import", "run", "inspect").answers
    assert (answers["import"], answers["run"]) == (0, 0)
    print(f"uninterrupted: {nursery.import_seconds:.1f} s to import, {nursery.seconds:.1f} s in all")
    assert_as_if_nothing_had_happened(answers["inspect"], nursery.reference["done"])
    assert set(nursery.reference["imported"]["digests"]) < set(answers["inspect"]["digests"])


HALVES = pytest.mark.parametrize("half", [0, 1])
"""Two halves of one work, so that they can be done at the same time."""


@HALVES
def test_an_import_killed_at_every_commit_boundary_is_as_if_nothing_had_happened(nursery, half):
    names = boundaries_of(nursery, None, "import")
    assert {"before ledger commit #1", "after ledger commit #2", "before vault commit #1"} <= set(names)
    assert "before lake commit reading #1" in names
    mine = names[half::2]
    assert kill_at_each(nursery, None, "import", mine, nursery.reference["imported"]) == len(mine)


@HALVES
def test_a_run_killed_at_every_commit_boundary_is_as_if_nothing_had_happened(nursery, half):
    names = boundaries_of(nursery, nursery.imported, "run")
    last = f"after ledger commit #{2 * len(JOBS)}"
    assert {"before ledger commit #1", last, "before lake commit feature #1"} <= set(names)
    mine = names[half::2]
    assert kill_at_each(nursery, nursery.imported, "run", mine, nursery.reference["done"]) == len(mine)


@pytest.mark.parametrize(
    ("step", "boundary"),
    [
        ("import", "after vault commit #1"),
        ("import", "after lake commit reading #1"),
        ("run", "before lake commit feature #1"),
        ("run", "after lake commit feature #1"),
    ],
)
def test_mending_killed_at_every_boundary_still_ends_with_what_was_published(nursery, step, boundary):
    start = None if step == "import" else nursery.imported
    dead = nursery.copy(start)
    assert nursery.work(dead, step, stop_at=boundary).killed
    whole = nursery.copy(dead)
    names = list(nursery.work(whole, "mend", stop_at="never").boundaries)
    expected = nursery.work(whole, "inspect").answers["inspect"]
    assert expected["orphans"] == 0 and expected["unpublished"] == []
    print(f"mending a killed {step}: {len(names)} boundaries")
    for name in thinned(names):
        workspace = nursery.copy(dead)
        assert nursery.work(workspace, "mend", stop_at=name).killed
        mended = nursery.work(workspace, "mend", "inspect").answers["inspect"]
        assert (name, mended) == (name, expected)
        shutil.rmtree(workspace)


def thinned(names, most=3):
    """At most `most` boundaries of each kind: the first, the last and those between, evenly."""
    kinds = {}
    for name in names:
        kinds.setdefault(kind_of(name), []).append(name)
    return [
        name
        for listed in kinds.values()
        for name in dict.fromkeys(listed[round(i * (len(listed) - 1) / (most - 1))] for i in range(most))
    ]


def kill_at_random(nursery, kills, longest):
    """Kill the whole work `kills` times at uniformly random moments, completing it whenever it got through."""
    moments = seeded()
    workspace, done, completed = nursery.copy(), 0, 0
    jobs = jobs_of(nursery, "import", "run")
    while True:
        wait = moments.uniform(0, longest) if done < kills else None
        attempt = nursery.work(workspace, "import", "run", after_seconds=wait)
        if attempt.killed:
            done += 1
            continue
        assert attempt.answers["import"] in (0, 5) and attempt.answers["run"] == 0, attempt.output
        found = nursery.work(workspace, "inspect").answers["inspect"]
        assert_as_if_nothing_had_happened(found, nursery.reference["done"])
        assert_runs_are_told_as_they_ended(found, jobs)
        completed += 1
        shutil.rmtree(workspace)
        if done >= kills:
            print(f"{done} kills within {longest:.1f} s, completed {completed} times")
            return done
        workspace = nursery.copy()


@HALVES
def test_work_killed_fifty_times_at_random_moments_is_as_if_nothing_had_happened(nursery, half):
    kills = (KILLS + half) // 2
    assert kill_at_random(nursery, kills, nursery.seconds) >= kills


@pytest.mark.realdata
def test_real_homes_killed_at_random_moments_come_out_the_same(new_nursery, realdata):
    nursery = new_nursery("lcl", realdata / "lcl", zone="Europe/London", currency="GBP", buckets=4)
    print(f"uninterrupted: {nursery.import_seconds:.1f} s to import, {nursery.seconds:.1f} s in all")
    assert kill_at_random(nursery, REAL_KILLS, nursery.seconds) >= REAL_KILLS
