"""Schedules of a workspace: when the loop is carried out by itself, written as cron writes times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gridloop.domain.errors import NothingToDo, UsageError, did_you_mean
from gridloop.engine.workspace import ScheduleSettings, Workspace

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
EXAMPLES = ("Every night at 2:30: `30 2 * * *`.", "At 6 on working days: `0 6 * * mon-fri`.")


def trigger_of(at: str, zone: str) -> CronTrigger:
    """The times that an expression means.

    A field of days and one of weekdays hold both, where cron lets either suffice; a time that the clock change leaves
    out is skipped that day, one that comes twice is used once.

    Args:
        at: minute, hour, day, month, weekday; weekdays by name, since programs count them from different days.
        zone: IANA name.

    Raises:
        UsageError: the expression has no such form, or never comes.
    """
    from apscheduler.triggers.cron import CronTrigger

    weekday = at.split()[-1]
    if re.search(r"(?<!/)\d", weekday):
        raise UsageError(
            "Weekdays of a schedule are written by name, since programs count them from different days.",
            evidence={"weekday": weekday},
            ways_out=("Write mon, tue, wed, thu, fri, sat or sun, such as `mon-fri`.",),
        )
    try:
        trigger = CronTrigger.from_crontab(at, timezone=ZoneInfo(zone))
        comes = trigger.get_next_fire_time(None, datetime.now(UTC)) is not None
    except ValueError as error:
        raise UsageError(
            f"{at!r} is not a time of a schedule.", evidence={"reason": str(error)}, ways_out=EXAMPLES
        ) from error
    if not comes:
        raise UsageError(f"{at!r} never comes.", ways_out=EXAMPLES)
    return trigger


def next_times(at: str, zone: str, after: datetime, count: int = 3) -> list[datetime]:
    """The next times of an expression after a moment (aware), in the zone; raises like `trigger_of`."""
    trigger = trigger_of(at, zone)
    found: list[datetime] = []
    last: datetime | None = None
    moment = after
    while len(found) < count:
        last = trigger.get_next_fire_time(last, moment)
        if last is None:
            break
        found.append(last)
        moment = last
    return found


def is_missed(at: str, zone: str, since: datetime, now: datetime) -> bool:
    """Whether a time of the expression passed after `since` and up to `now` (both aware)."""
    first = next_times(at, zone, since, 1)
    return bool(first) and first[0] <= now


def set_schedule(workspace: Workspace, name: str, settings: Mapping[str, object]) -> Workspace:
    """Write a schedule into the workspace's settings, in place of one of the same name.

    Args:
        workspace: whose lock is held.
        name: small letters, digits, `-` and `_`.
        settings: fields of `ScheduleSettings`.

    Raises:
        UsageError: the name or a setting is impossible; nothing was changed.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a schedule.",
            ways_out=("Use small letters, digits, `-` and `_`, such as `nightly`.",),
        )
    present = Workspace.open(workspace.root)
    known = {one: value.model_dump() for one, value in present.config.schedules.items()}
    at = " ".join(str(settings.get("at", "")).split())
    if len(at.split()) != len(ScheduleSettings.FIELDS):
        raise UsageError(
            f"{at!r} is not a time of a schedule.",
            evidence={"fields": len(at.split())},
            ways_out=EXAMPLES,
        )
    trigger_of(at, present.config.zone)
    return present.with_settings(schedules={**known, name: {**settings, "at": at}})


def drop_schedule(workspace: Workspace, name: str) -> Workspace:
    """Take a schedule out of the workspace's settings.

    Args:
        workspace: whose lock is held.
        name: of the schedule.

    Raises:
        UsageError: there is none of that name.
        NothingToDo: there is none at all.
    """
    present = Workspace.open(workspace.root)
    known = present.config.schedules
    if not known:
        raise NothingToDo("There is no schedule.")
    if name not in known:
        raise UsageError(f"There is no schedule {name!r}.", ways_out=did_you_mean(name, known))
    rest = {one: value.model_dump() for one, value in known.items() if one != name}
    return present.with_settings(schedules=rest)
