"""The workspace's schedules at work: runs that start by themselves while the console is served."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gridloop.apps.console.running import Runner
from gridloop.apps.scheduling import is_missed, next_times, trigger_of
from gridloop.apps.wiring import opened
from gridloop.domain.clock import Clock, SystemClock
from gridloop.domain.errors import GridloopError, WorkspaceLocked
from gridloop.engine.workspace import SETTINGS_FILE, ScheduleSettings, Workspace

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

LOOK_SECONDS = 20
"""How often changed settings are looked for."""
LATE_SECONDS = 3600
"""How late a run may start, when the machine slept, before its time counts as missed."""
WAIT_SECONDS = 3600.0
"""How long a run that starts by itself waits for another one of this workspace."""
ACTION = "schedule.start"
LOOKED_BACK = 1000
"""Entries of the audit trail in which the last start is looked for."""

Last = Literal["", "started", "busy", "failed"]


@dataclass(frozen=True)
class Entry:
    """One schedule as it stands.

    Attributes:
        name, at, through: as in the settings.
        next_at: when it comes next (UTC); None when its times cannot be read, which `problem` then says.
        last: how the last start that this console tried went; `busy` when a run from here had not ended.
    """

    name: str
    at: str
    through: str | None
    next_at: datetime | None
    problem: str = ""
    last: Last = ""


class Timetable:
    """Starts the runs that the settings ask for; settings that change are followed within seconds.

    Args:
        folder: of the workspace.
        runner: that starts them.
        clock: tells the time; never a demo's, whose present lies behind.
    """

    def __init__(self, folder: Path, runner: Runner, clock: Clock | None = None) -> None:
        self.folder = folder
        self._clock = clock or SystemClock()
        self._runner = runner
        self._guard = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._entries: dict[str, Entry] = {}
        self._scheduler: BackgroundScheduler | None = None

    def begin(self) -> None:
        """Start the clockwork, and make up for a time that passed while nothing was served."""
        from apscheduler.schedulers.background import BackgroundScheduler

        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            daemon=True,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": LATE_SECONDS},
        )
        self._scheduler.add_job(self.refresh, "interval", seconds=LOOK_SECONDS, id=":settings")
        self._scheduler.start()
        self.refresh()
        self._catch_up()

    def entries(self) -> list[Entry]:
        """The schedules of the settings as they are now, by name."""
        self.refresh()
        now = self._clock.now()
        with self._guard:
            found = list(self._entries.values())
        zone = Workspace.open(self.folder).config.zone
        return [
            one if one.problem else replace(one, next_at=next_times(one.at, zone, now, 1)[0].astimezone(UTC))
            for one in sorted(found, key=lambda entry: entry.name)
        ]

    def refresh(self) -> None:
        """Follow the settings when their file has changed; settings that cannot be read leave all as it was."""
        try:
            told = (self.folder / SETTINGS_FILE).stat()
            stamp = (told.st_mtime_ns, told.st_ino)
            if stamp == self._seen:
                return
            config = Workspace.open(self.folder).config
        except (OSError, GridloopError):
            return
        with self._guard:
            self._seen = stamp
            before, self._entries = self._entries, {}
            for name in before.keys() - config.schedules.keys():
                self._drop(name)
            for name, settings in config.schedules.items():
                self._entries[name] = self._followed(name, settings, config.zone, before.get(name))

    def _followed(self, name: str, settings: ScheduleSettings, zone: str, before: Entry | None) -> Entry:
        last: Last = before.last if before is not None else ""
        try:
            trigger = trigger_of(settings.at, zone)
        except GridloopError as error:
            self._drop(name)
            return Entry(name, settings.at, settings.through, None, error.what, last)
        if self._scheduler is not None:
            self._scheduler.add_job(self.start, trigger, args=(name,), id=name, replace_existing=True)
        return Entry(name, settings.at, settings.through, None, "", last)

    def _drop(self, name: str) -> None:
        if self._scheduler is not None and self._scheduler.get_job(name) is not None:
            self._scheduler.remove_job(name)

    def start(self, name: str) -> None:
        """Start the run of a schedule now; nothing when it is gone, or a run from here has not ended."""
        with self._guard:
            entry = self._entries.get(name)
        if entry is None:
            return
        last: Last = "started"
        try:
            self._runner.start(entry.through, wait_seconds=WAIT_SECONDS, actor=f"schedule {name}")
            with opened(self.folder) as session:
                session.ledger.audit.record(
                    f"schedule {name}", ACTION, f"schedule:{name}", {"through": entry.through}
                )
        except WorkspaceLocked:
            last = "busy"
        except GridloopError:
            last = "failed"
        with self._guard:
            if name in self._entries:
                self._entries[name] = replace(self._entries[name], last=last)

    def _catch_up(self) -> None:
        """Start once, soon, each schedule one of whose times passed since its last start."""
        try:
            config = Workspace.open(self.folder).config
            wanted = [name for name, one in config.schedules.items() if one.catch_up]
            if not wanted:
                return
            with opened(self.folder) as session:
                found = session.ledger.audit.entries(LOOKED_BACK)
                # a demo's records carry its own present, which lies behind
                behind = timedelta(seconds=config.clock_behind_seconds)
        except GridloopError:
            return
        started = {one.subject: one.at + behind for one in reversed(found) if one.action == ACTION}
        now = self._clock.now()
        for name in wanted:
            since = started.get(f"schedule:{name}")
            entry = self._entries.get(name)
            if since is None or entry is None or entry.problem:
                continue
            if is_missed(entry.at, config.zone, since, now) and self._scheduler is not None:
                self._scheduler.add_job(self.start, args=(name,), id=f":{name}")

    def close(self) -> None:
        """Stop the clockwork; a run that it started is stopped by the runner."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
