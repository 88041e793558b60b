"""Runs that start by themselves while the console is served."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from gridloop.apps.console.running import Runner
from gridloop.apps.console.timetable import ACTION, Timetable
from gridloop.apps.scheduling import set_schedule
from gridloop.apps.wiring import opened
from gridloop.domain.clock import FixedClock
from gridloop.engine.workspace import Workspace


def starts(folder, name: str) -> int:
    """How often the trail says that a schedule has started a run."""
    with opened(folder) as session:
        return sum(one.action == ACTION for one in session.ledger.audit.entries(subject=f"schedule:{name}"))


def waited(check) -> bool:
    """Whether something became true within a minute."""
    deadline = time.monotonic() + 60
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_time_chosen_on_the_page_is_kept_shown_and_taken_away(demo_copy, site_of):
    with site_of(demo_copy.workspace) as site:
        assert "Nothing runs by itself." in site.page("/jobs").text
        answer = site.submit("/jobs/schedule", time="02:30", days="mon-fri", through="data")
        assert answer.headers["location"] == "/jobs#schedules"
        (row,) = site.get("/jobs.json").json()["facts"]["schedules"]
        assert (row["name"], row["at"], row["through"]) == ("workdays-0230-data", "30 2 * * mon-fri", "data")
        assert site.submit("/jobs/schedule", time="half past two", days="*").status_code == 422
        assert "周一至周五" in site.page("/jobs", "zh").text
        site.submit("/jobs/unschedule", name=row["name"])
        assert site.get("/jobs.json").json()["facts"]["schedules"] == []


def test_a_run_starts_when_its_time_has_come_and_one_at_work_is_not_doubled(demo_copy):
    folder = demo_copy.workspace
    set_schedule(Workspace.open(folder), "nightly", {"at": "30 2 * * *", "through": "data"})
    runner = Runner(folder, "ann")
    timetable = Timetable(folder, runner)
    timetable.begin()
    try:
        timetable.start("nightly")
        assert runner.progress.active
        timetable.start("nightly")
        (entry,) = timetable.entries()
        assert entry.last == "busy"
        assert waited(lambda: not runner.progress.active)
        assert runner.progress.state == "done"
        timetable.start("gone")
        set_schedule(Workspace.open(folder), "nightly", {"at": "15 4 * * *"})
        (entry,) = timetable.entries()
        assert (entry.at, entry.last) == ("15 4 * * *", "busy")
        assert entry.next_at is not None
        assert entry.next_at > datetime.now(UTC)
    finally:
        timetable.close()
        runner.close()
    assert starts(folder, "nightly") == 1


def test_a_time_that_passed_while_nothing_was_served_is_made_up_for_once(demo_copy):
    folder = demo_copy.workspace
    for name, catch_up in (("nightly", True), ("never", False)):
        set_schedule(
            Workspace.open(folder), name, {"at": "30 2 * * *", "through": "data", "catch_up": catch_up}
        )
        with opened(folder) as session:
            session.ledger.audit.record(f"schedule {name}", ACTION, f"schedule:{name}")
    runner = Runner(folder, "ann")
    timetable = Timetable(folder, runner, FixedClock(datetime.now(UTC) + timedelta(days=2)))
    timetable.begin()
    try:
        assert waited(lambda: starts(folder, "nightly") == 2)
        assert waited(lambda: runner.progress.state == "done")
    finally:
        timetable.close()
        runner.close()
    assert starts(folder, "never") == 1


def test_a_schedule_written_by_hand_that_cannot_be_read_says_so_and_leaves_the_others(demo_copy):
    folder = demo_copy.workspace
    set_schedule(Workspace.open(folder), "nightly", {"at": "30 2 * * *"})
    path = folder / "gridloop.toml"
    path.write_text(
        path.read_text(encoding="utf-8") + '\n[schedules.broken]\nat = "61 2 * * *"\n', encoding="utf-8"
    )
    broken, nightly = Timetable(folder, Runner(folder, "ann")).entries()
    assert "is not a time of a schedule" in broken.problem
    assert broken.next_at is None
    assert nightly.next_at is not None
