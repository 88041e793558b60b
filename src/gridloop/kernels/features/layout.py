"""The state of a month: what is kept per meter so that months add up to a year without rereading it.

Arrays are contiguous and meter-major. At 15 minutes a meter-month takes about 2 KB: 0.8 KB of slot sums, 0.2 KB of
slot counts, 0.3 KB of days, 0.2 KB of edge hours, 0.4 KB of night histogram, the rest sums, maxima and runs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gridloop.kernels.calendar import DayCalendar


class Sum(IntEnum):
    """Columns of `MonthState.sums`, all additive; Wh where nothing else is said."""

    SQUARES = 0  # Σ v², Wh²
    NEGATIVE = 1  # Σ v over v < 0
    VALLEY = 2
    FLAT = 3
    PEAK = 4
    CRITICAL = 5
    RAMP = 6  # Σ |v[i+1] − v[i]|
    DAY_PEAK = 7  # Σ over complete days of max v
    DAY_LOAD_FACTOR = 8  # Σ over complete days with max v > 0 of mean v / max v
    DAY_VALLEY_RATE = 9  # Σ over the same days of (max v − min v) / max v
    HOUR_X = 10  # hours of a day and of the day after it: Σ x, Σ y, Σ x², Σ y², Σ xy
    HOUR_Y = 11
    HOUR_XX = 12
    HOUR_YY = 13
    HOUR_XY = 14


class Count(IntEnum):
    """Columns of `MonthState.counts`, all additive."""

    ZERO = 0  # intervals with v = 0
    RAMP = 1  # steps between neighbouring present intervals
    COMPLETE_DAYS = 2
    LOADED_DAYS = 3  # complete days with max v > 0
    HOUR_PAIRS = 4


class Edge(IntEnum):
    """Columns of `MonthState.edges`, Wh: maxima, and the first and last interval for the step over midnight."""

    PEAK = 0
    RAMP = 1
    HOUR = 2
    FIRST = 3
    LAST = 4


class Run(IntEnum):
    """Columns of `MonthState.runs`, intervals: the longest run, the one from the start, the one up to the end."""

    ZERO_LONGEST = 0
    ZERO_LEADING = 1
    ZERO_TRAILING = 2
    MISSING_LONGEST = 3
    MISSING_LEADING = 4
    MISSING_TRAILING = 5


@dataclass(frozen=True, slots=True)
class MonthState:
    """What the features need of consecutive days: usually a calendar month, a year after merging, or a single new day.

    Attributes:
        calendar: the days.
        daily_wh: float64[meters, days], Wh, sum of the present values.
        daily_present: int16[meters, days], present intervals.
        sums: float64[meters, len(Sum)].
        counts: int32[meters, len(Count)].
        edges: float32[meters, len(Edge)].
        runs: int32[meters, len(Run)].
        peak_day: int32[meters], ordinal of the day of the maximum, 0 without a value.
        peak_slot: int16[meters], wall-clock slot of the maximum, -1 without a value.
        profile_wh: float64[meters, slots_per_day], Wh by wall-clock slot.
        profile_count: int16[meters, slots_per_day], present intervals by wall-clock slot.
        edge_hours: float32[meters, 2, 24], Wh by clock hour of the first and of the last day; NaN where a value is
            missing and on days on which the clocks change.
        night_offset: int64[meters + 1], where each meter starts in the two arrays below.
        night_bin: int16[n], bins of the night histogram (`sketch.bin_of`), ascending.
        night_count: uint16[n], values in that bin; a bin is repeated where a count would pass 65535.
    """

    calendar: DayCalendar
    daily_wh: NDArray[np.float64]
    daily_present: NDArray[np.int16]
    sums: NDArray[np.float64]
    counts: NDArray[np.int32]
    edges: NDArray[np.float32]
    runs: NDArray[np.int32]
    peak_day: NDArray[np.int32]
    peak_slot: NDArray[np.int16]
    profile_wh: NDArray[np.float64]
    profile_count: NDArray[np.int16]
    edge_hours: NDArray[np.float32]
    night_offset: NDArray[np.int64]
    night_bin: NDArray[np.int16]
    night_count: NDArray[np.uint16]

    @property
    def meters(self) -> int:
        """Number of meters."""
        return int(self.daily_wh.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays by meter."""
        arrays = (getattr(self, field.name) for field in fields(self))
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
