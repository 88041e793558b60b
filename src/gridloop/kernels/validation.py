"""Validation of interval readings: spikes, zero runs, stuck values, negatives and gaps, accused with
evidence.

One idea carries the detectors: what a meter did on more days than faults could plausibly explain is its
habit, and only what goes far beyond its habit is a suspect. No value is changed here; see
`kernels.estimation` for repair. Method, limits and measured recall: docs/methods/reading-validation.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.errors import GridloopError
from gridloop.domain.reading import INTERVAL_MINUTES
from gridloop.kernels.detectors import MISSING_CODE, Limits, validate_meters

__all__ = [
    "EVENT_DTYPE",
    "MISSING_CODE",
    "EventKind",
    "Validation",
    "ValidationSettings",
    "validate_readings",
]


class EventKind(IntEnum):
    """What an event says: 1–4 accuse values, 10–15 name gaps, 20–22 explain why nothing was accused."""

    SPIKE = 1
    ZERO_RUN = 2
    STUCK = 3
    NEGATIVE = 4
    GAP_SHORT = 10
    GAP_LONG = 11
    GAP_DAYS = 12
    LATE_START = 13
    EARLY_END = 14
    NO_DATA = 15
    VACANT = 20
    HABITUAL_ZERO = 21
    OVER_CAPACITY = 22


EVENT_DTYPE = np.dtype(
    [
        ("meter", np.int32),
        ("kind", np.uint8),
        ("first_day", np.int32),
        ("first_position", np.int16),
        ("last_day", np.int32),
        ("last_position", np.int16),
        ("intervals", np.int32),
        ("value", np.float32),
        ("reference", np.float32),
    ]
)
"""One event: meter and days as indices into the cube, positions as slots of their day, both ends inclusive.

`value` is the greatest Wh of a SPIKE, the repeated Wh of ZERO_RUN, VACANT and STUCK, the least Wh of
NEGATIVE, the share of zeros of HABITUAL_ZERO, the days above it of OVER_CAPACITY, NaN for gaps. `reference`
is the threshold it
passed: Wh for SPIKE and OVER_CAPACITY, intervals for runs, a share for HABITUAL_ZERO, NaN for gaps.
"""


def _knob(default: float, text: str) -> Any:
    """A settings field that carries its one sentence."""
    return field(default=default, metadata={"text": text})


@dataclass(frozen=True, slots=True)
class ValidationSettings:
    """How much the detectors believe a meter; every field states its unit and meaning in its metadata."""

    tolerated_day_share: float = _knob(
        0.02, "Share of days that faults may spoil before they count as the meter's habit."
    )
    tolerated_least: int = _knob(2, "Days or runs that faults may spoil, however short the history.")
    least_days: int = _knob(14, "Days with readings below which a meter's own history accuses nothing.")
    spike_factor: float = _knob(2.0, "A spike is more than this times the daily peak that the meter repeats.")
    spike_floor_w: float = _knob(
        3000.0, "Mean power in W that ordinary appliances reach; nothing below it is a spike."
    )
    spike_longest_minutes: int = _knob(
        60, "Minutes a spike lasts at most; what lasts longer is load, such as charging or heating."
    )
    spike_neighbour_share: float = _knob(0.5, "Share of a spike that the intervals beside it may reach.")
    spike_window_days: int = _knob(3, "Days before and after in which a third equal peak acquits a spike.")
    capacity_factor: float = _knob(1.25, "Times the connection's capacity that no interval can pass.")
    run_factor: float = _knob(
        2.0, "A zero or stuck run is longer than this times the run that the meter repeats."
    )
    zero_shortest_hours: float = _knob(6.0, "Hours of zeros below which none is accused.")
    zero_habit_share: float = _knob(
        0.5, "Share of zeros from which a meter is habitually zero and none is accused."
    )
    vacant_days: float = _knob(28.0, "Days of unbroken zeros from which the home is vacant, not faulty.")
    stuck_shortest_hours: float = _knob(12.0, "Hours of one repeated value below which none is accused.")
    stuck_least_steps: float = _knob(
        20.0, "Counting steps a stuck value has at least; smaller ones repeat by rounding."
    )
    short_gap_hours: float = _knob(2.0, "Hours up to which a gap counts as short.")

    def __post_init__(self) -> None:
        wrong = {f.name: getattr(self, f.name) for f in fields(self) if not getattr(self, f.name) >= 0}
        shares = ("tolerated_day_share", "spike_neighbour_share", "zero_habit_share")
        wrong |= {name: getattr(self, name) for name in shares if getattr(self, name) > 1}
        if wrong:
            raise GridloopError(
                "Validation settings must not be negative, and shares at most 1.", evidence=wrong
            )


@dataclass(frozen=True, slots=True)
class Validation:
    """What validation found.

    Attributes:
        codes: uint8[meters, days, width], `ReadingQuality` of each interval, `MISSING_CODE` without a value.
        events: structured array of `EVENT_DTYPE`, sorted by meter, first place and kind.
    """

    codes: NDArray[np.uint8]
    events: NDArray[np.void]

    def of_kind(self, kind: EventKind) -> NDArray[np.void]:
        """The events of one kind."""
        found: NDArray[np.void] = self.events[self.events["kind"] == kind]
        return found


def validate_readings(
    cube: NDArray[np.float32],
    slots: NDArray[np.int32],
    interval_minutes: int,
    *,
    capacity_wh: NDArray[np.float64] | None = None,
    quality: NDArray[np.uint8] | None = None,
    negative_allowed: bool = False,
    settings: ValidationSettings | None = None,
) -> Validation:
    """Accuse values that a meter's own history, its connection or physics contradict.

    The cube should hold a year or more: habits are learnt from it. The function holds no lock while it
    computes; callers run it in one thread for each block of meters.

    Args:
        cube: float32[meters, days, width], Wh per interval, NaN missing.
        slots: int32[days], intervals of each day; places beyond are ignored.
        interval_minutes: length of an interval.
        capacity_wh: float64[meters], Wh an interval at the connection's capacity, NaN unknown.
        quality: uint8[meters, days, width], codes the source gave; values it already flagged keep them.
        negative_allowed: True for a net channel.
        settings: thresholds.

    Returns:
        `Validation`; negative values carry the code SUSPECT_SPIKE and an event NEGATIVE.

    Raises:
        GridloopError: shapes do not fit, or the interval length is unknown.
    """
    chosen = settings or ValidationSettings()
    _check_cube(cube, slots, interval_minutes)
    meters = cube.shape[0]
    ceilings = np.full(meters, np.nan) if capacity_wh is None else np.asarray(capacity_wh, np.float64)
    codes = np.zeros(cube.shape, np.uint8) if quality is None else np.array(quality, np.uint8)
    if ceilings.shape != (meters,) or codes.shape != cube.shape:
        raise GridloopError(
            "Capacities or quality codes do not fit the cube of readings.",
            evidence={"cube": cube.shape, "capacity_wh": ceilings.shape, "quality": codes.shape},
        )
    limits = _limits(chosen, interval_minutes, negative_allowed)
    lengths = np.ascontiguousarray(slots, np.int32)
    numbers, values, begins = validate_meters(
        np.ascontiguousarray(cube, np.float32), lengths, ceilings * chosen.capacity_factor, limits, codes
    )
    return Validation(codes, _as_events(numbers, values, begins, lengths))


def _check_cube(cube: NDArray[np.float32], slots: NDArray[np.int32], interval_minutes: int) -> None:
    if cube.ndim != 3 or len(slots) != cube.shape[1] or (len(slots) and int(slots.max()) > cube.shape[2]):
        raise GridloopError(
            "The day lengths do not fit the cube of readings [meters, days, width].",
            evidence={"cube": cube.shape, "slots": slots.shape},
        )
    if interval_minutes not in INTERVAL_MINUTES:
        raise GridloopError(
            "Readings of this interval length are not known.",
            evidence={"interval_minutes": interval_minutes, "known": INTERVAL_MINUTES},
        )


def _limits(settings: ValidationSettings, interval_minutes: int, negative_allowed: bool) -> Limits:
    hour = 60 / interval_minutes
    return Limits(
        tolerated_share=float(settings.tolerated_day_share),
        tolerated_least=int(settings.tolerated_least),
        least_days=int(settings.least_days),
        spike_factor=float(settings.spike_factor),
        spike_floor_wh=float(settings.spike_floor_w / hour),
        spike_longest=max(int(settings.spike_longest_minutes // interval_minutes), 1),
        spike_neighbour_share=float(settings.spike_neighbour_share),
        spike_window_days=int(settings.spike_window_days),
        capacity_factor=float(settings.capacity_factor),
        run_factor=float(settings.run_factor),
        zero_shortest=max(int(np.ceil(settings.zero_shortest_hours * hour)), 1),
        zero_habit_share=float(settings.zero_habit_share),
        vacant_from=max(int(np.ceil(settings.vacant_days * 24 * hour)), 1),
        stuck_shortest=max(int(np.ceil(settings.stuck_shortest_hours * hour)), 2),
        stuck_least_steps=float(settings.stuck_least_steps),
        gap_short=int(settings.short_gap_hours * hour),
        negative_allowed=bool(negative_allowed),
    )


def _as_events(
    numbers: NDArray[np.int64],
    values: NDArray[np.float64],
    begins: NDArray[np.int64],
    slots: NDArray[np.int32],
) -> NDArray[np.void]:
    """Places in a series back to days and positions."""
    day_start = np.concatenate(([0], np.cumsum(slots, dtype=np.int64)))
    events = np.zeros(len(numbers), EVENT_DTYPE)
    events["meter"] = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
    events["kind"] = numbers[:, 0]
    for end, place in (("first", numbers[:, 1]), ("last", numbers[:, 2])):
        day = np.searchsorted(day_start, place, side="right") - 1
        events[f"{end}_day"], events[f"{end}_position"] = day, place - day_start[day]
    events["intervals"] = numbers[:, 2] - numbers[:, 1] + 1
    events["value"], events["reference"] = values[:, 0], values[:, 1]
    return events[np.lexsort((events["kind"], numbers[:, 1], events["meter"]))]
