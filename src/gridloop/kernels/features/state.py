"""From a cube of readings to the state of a month."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.calendar import DayCalendar
from gridloop.kernels.cube import read_only, require_cube
from gridloop.kernels.features.accumulate import accumulate
from gridloop.kernels.features.layout import Count, Edge, MonthState, Run, Sum
from gridloop.kernels.features.merge import merge
from gridloop.kernels.features.rules import NIGHT_HOURS
from gridloop.kernels.features.sketch import BINS, LARGEST_COUNT

__all__ = ["MonthState", "merge", "month_state"]


def month_state(cube: NDArray[np.float32], calendar: DayCalendar) -> MonthState:
    """The state of the days of `calendar`, usually one month; the lock of the interpreter is free while the loops run.

    Args:
        cube: float32[meters, days, width], Wh per interval by position in the day, NaN for missing; values beyond the
            day's last interval are not read.
        calendar: the cube's days.

    Raises:
        SchemaMismatch: the cube is of another type, or its shape is not that of the calendar.
    """
    require_cube(cube)
    if cube.shape[1:] != (calendar.days, calendar.width):
        raise SchemaMismatch(
            "The cube does not have the days and the width of the calendar.",
            evidence={"cube": cube.shape[1:], "calendar": (calendar.days, calendar.width)},
            ways_out=("Build the calendar for the cube's first day, days and interval length.",),
        )
    schedule, schedules = _distinct_schedules(calendar)
    target = _empty_arrays(cube.shape[0], calendar)
    wh = read_only(cube, np.float32)
    bits = wh.view(np.int32)
    days = (calendar.slots, calendar.wall_slot, calendar.normal, calendar.ordinal, schedule, schedules)
    night = NIGHT_HOURS * calendar.slots_per_day // 24
    accumulate(wh, bits, *days, night, *target.values())
    entries = int(target["night_offset"][-1])
    for name in ("night_bin", "night_count"):
        target[name] = target[name][:entries].copy()
    return MonthState(calendar, **target)


def _distinct_schedules(calendar: DayCalendar) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """The row of each day among the distinct rows of `period`, and those rows."""
    rows: dict[bytes, int] = {}
    schedule = np.array([rows.setdefault(row.tobytes(), len(rows)) for row in calendar.period])
    distinct = np.frombuffer(b"".join(rows), dtype=np.int8).reshape(len(rows), calendar.slots_per_day)
    return read_only(schedule, np.int32), read_only(distinct, np.int8)


def _empty_arrays(meters: int, calendar: DayCalendar) -> dict[str, NDArray[Any]]:
    """The arrays of a state by name, in the order that `accumulate` takes them."""
    days, slots = calendar.days, calendar.slots_per_day
    # A long day adds an hour that may be a night hour.
    night_values = (NIGHT_HOURS + 1) * slots // 24 * days
    room = 1 + meters * min(night_values, BINS + night_values // LARGEST_COUNT)
    return {
        "daily_wh": np.zeros((meters, days)),
        "daily_present": np.zeros((meters, days), dtype=np.int16),
        "sums": np.empty((meters, len(Sum))),
        "counts": np.empty((meters, len(Count)), dtype=np.int32),
        "edges": np.empty((meters, len(Edge)), dtype=np.float32),
        "runs": np.empty((meters, len(Run)), dtype=np.int32),
        "peak_day": np.empty(meters, dtype=np.int32),
        "peak_slot": np.empty(meters, dtype=np.int16),
        "profile_wh": np.empty((meters, slots)),
        "profile_count": np.empty((meters, slots), dtype=np.int16),
        "edge_hours": np.empty((meters, 2, 24), dtype=np.float32),
        "night_offset": np.empty(meters + 1, dtype=np.int64),
        "night_bin": np.empty(room, dtype=np.int16),
        "night_count": np.empty(room, dtype=np.uint16),
    }
