"""Times of schedules as cron writes them, in the zone of the workspace, kept in its settings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gridloop.apps.scheduling import drop_schedule, is_missed, next_times, set_schedule, trigger_of
from gridloop.domain.errors import NothingToDo, UsageError
from gridloop.engine.workspace import Workspace

SHANGHAI = "Asia/Shanghai"


@pytest.fixture
def workspace(tmp_path):
    return Workspace.create(tmp_path / "ws", zone=SHANGHAI, currency="CNY")


def test_times_are_of_the_zone_and_skip_other_days():
    friday = datetime(2026, 11, 27, 0, 0, tzinfo=UTC)  # 8:00 in Shanghai
    times = next_times("30 2 * * mon-fri", SHANGHAI, friday)
    assert [f"{one:%a %H:%M %z}" for one in times] == [
        "Mon 02:30 +0800",
        "Tue 02:30 +0800",
        "Wed 02:30 +0800",
    ]


def test_a_time_that_the_clock_change_leaves_out_does_not_stop_the_next_days():
    before = datetime(2024, 3, 30, 0, 0, tzinfo=UTC)
    days = [one.day for one in next_times("30 1 * * *", "Europe/London", before, 3)]
    assert days[0] == 30
    assert days[-1] in (1, 2)


def test_a_passed_time_is_missed_once_it_has_come():
    since = datetime(2026, 11, 26, 0, 0, tzinfo=UTC)
    assert not is_missed("0 12 * * *", "UTC", since, datetime(2026, 11, 26, 11, 59, tzinfo=UTC))
    assert is_missed("0 12 * * *", "UTC", since, datetime(2026, 11, 26, 12, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "at", ["61 3 * * *", "0 3 * *", "at three", "0 3 31 2 *", "0 3 * * 0", "0 3 * * mon,5"]
)
def test_a_time_that_means_nothing_or_two_things_is_refused_with_a_way_out(at):
    with pytest.raises(UsageError) as caught:
        trigger_of(at, SHANGHAI)
    assert caught.value.ways_out


def test_a_schedule_is_kept_in_the_settings_changed_and_dropped(workspace):
    set_schedule(workspace, "nightly", {"at": "30  2 * * *"})
    set_schedule(workspace, "hourly", {"at": "0 * * * *", "through": "data", "catch_up": False})
    set_schedule(workspace, "nightly", {"at": "0 3 * * */2"})
    kept = Workspace.open(workspace.root).config.schedules
    assert (kept["nightly"].at, kept["nightly"].through) == ("0 3 * * */2", None)
    assert (kept["hourly"].through, kept["hourly"].catch_up) == ("data", False)
    drop_schedule(workspace, "nightly")
    assert set(Workspace.open(workspace.root).config.schedules) == {"hourly"}
    with pytest.raises(UsageError, match="no schedule 'nightly'"):
        drop_schedule(workspace, "nightly")
    drop_schedule(workspace, "hourly")
    with pytest.raises(NothingToDo):
        drop_schedule(workspace, "hourly")


@pytest.mark.parametrize(
    ("name", "settings"), [("Night ly", {"at": "0 3 * * *"}), ("n", {"at": "0 3"}), ("n", {})]
)
def test_what_cannot_be_kept_changes_nothing(workspace, name, settings):
    before = (workspace.root / "gridloop.toml").read_bytes()
    with pytest.raises(UsageError):
        set_schedule(workspace, name, settings)
    assert (workspace.root / "gridloop.toml").read_bytes() == before
