"""Repair of missing intervals, flagged and never silent: linear for short gaps, similar days for longer ones.

A value that a meter measured is never changed; suspects are replaced only where the settings ask for it.
Every number that no meter measured carries an ESTIMATED code. Method and limits:
docs/methods/reading-estimation.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.domain.errors import GridloopError
from gridloop.domain.reading import INTERVAL_MINUTES
from gridloop.kernels.detectors import MISSING_CODE

Float32 = NDArray[np.float32]
Int8 = NDArray[np.int8]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]

# Numbers of `ReadingQuality`, which the compiler cannot read from an enum.
_FIRST_SUSPECT, _LINEAR, _SIMILAR_DAY = 10, 20, 21


def _knob(default: float, text: str) -> Any:
    """A settings field that carries its one sentence."""
    return field(default=default, metadata={"text": text})


@dataclass(frozen=True, slots=True)
class EstimationSettings:
    """What may be estimated; every field states its meaning in its metadata."""

    linear_longest_hours: float = _knob(
        2.0, "Hours up to which a gap is filled by a straight line; 0 for none."
    )
    similar_day: bool = _knob(False, "Whether longer gaps are filled by the mean of similar days.")
    similar_longest_hours: float = _knob(24.0, "Hours up to which a gap may be filled by similar days.")
    similar_weeks: int = _knob(3, "Weeks before and after in which similar days are looked for.")
    similar_least_days: int = _knob(2, "Similar days with a measured value that an estimate needs.")
    replace_suspects: bool = _knob(False, "Whether suspect values are estimated as if they were missing.")

    def __post_init__(self) -> None:
        sizes = ("linear_longest_hours", "similar_longest_hours", "similar_weeks", "similar_least_days")
        wrong = {name: getattr(self, name) for name in sizes if not getattr(self, name) >= 0}
        if wrong:
            raise GridloopError("Estimation settings must not be negative.", evidence=wrong)


@dataclass(frozen=True, slots=True)
class Estimation:
    """Readings with their gaps filled as far as the settings allow.

    Attributes:
        wh: float32[meters, days, width], a new cube; estimates are whole Wh, NaN is still missing.
        codes: uint8[meters, days, width], `ReadingQuality`, `MISSING_CODE` where still missing.
        estimated_linear: int64[meters], intervals filled by a straight line.
        estimated_similar_day: int64[meters], intervals filled by similar days.
        still_missing: int64[meters], intervals of the days' slots without a value.
    """

    wh: Float32
    codes: UInt8
    estimated_linear: Int64
    estimated_similar_day: Int64
    still_missing: Int64


class _Rules(NamedTuple):
    linear_longest: int
    similar_longest: int
    window_days: int
    least_days: int
    replace_suspects: bool
    normal_slots: int


def estimate_missing(
    cube: Float32,
    codes: UInt8,
    slots: Int32,
    interval_minutes: int,
    *,
    day_kind: Int8 | None = None,
    wall_slot: Int16 | None = None,
    settings: EstimationSettings | None = None,
) -> Estimation:
    """Fill gaps between readings; nothing is invented before a meter's first or after its last reading.

    Linear: between the values a and b on either side of g missing intervals, the k-th is a + (b − a)·k/(g +
        1).
    Similar day: the mean of the measured values at the same wall-clock time on days of the same kind within
    `similar_weeks`; all intervals of a gap or none. Neighbours and donors are measured values, never
    suspects or estimates. Estimates are rounded to whole Wh.

    Args:
        cube: float32[meters, days, width], Wh per interval, NaN missing.
        codes: uint8[meters, days, width] from `validate_readings`.
        slots: int32[days], intervals of each day.
        interval_minutes: length of an interval.
        day_kind: int8[days], days of equal number are similar (workday, weekend, holiday); by default the
            weekday.
        wall_slot: int16[days, width], wall-clock slot of each position; by default the position itself.
        settings: what may be estimated.

    Returns:
        `Estimation`; the arguments are left as they were.

    Raises:
        GridloopError: shapes do not fit, or the interval length is unknown.
    """
    chosen = settings or EstimationSettings()
    days = cube.shape[1] if cube.ndim == 3 else -1
    kind = np.arange(max(days, 0), dtype=np.int64) % 7 if day_kind is None else np.asarray(day_kind, np.int64)
    _check(cube, codes, slots, interval_minutes, kind)
    if wall_slot is None:
        wall_slot = np.broadcast_to(np.arange(cube.shape[2], dtype=np.int16), cube.shape[1:])
    hour = 60 / interval_minutes
    rules = _Rules(
        linear_longest=int(chosen.linear_longest_hours * hour),
        similar_longest=int(chosen.similar_longest_hours * hour) if chosen.similar_day else 0,
        window_days=7 * int(chosen.similar_weeks),
        least_days=max(int(chosen.similar_least_days), 1),
        replace_suspects=bool(chosen.replace_suspects),
        normal_slots=1440 // interval_minutes,
    )
    filled, marks = np.array(cube, np.float32), np.array(codes, np.uint8)
    counts = np.zeros((cube.shape[0], 3), np.int64)
    lengths, walls = np.ascontiguousarray(slots, np.int32), np.ascontiguousarray(wall_slot, np.int16)
    _estimate_meters(filled, marks, lengths, kind, walls, rules, counts)
    return Estimation(filled, marks, counts[:, 0], counts[:, 1], counts[:, 2])


def _check(cube: Float32, codes: UInt8, slots: Int32, interval_minutes: int, kind: Int64) -> None:
    fits = cube.ndim == 3 and codes.shape == cube.shape and len(slots) == len(kind) == cube.shape[1]
    if not fits or (len(slots) and int(slots.max()) > cube.shape[2]):
        raise GridloopError(
            "Codes, day lengths or day kinds do not fit the cube of readings [meters, days, width].",
            evidence={"cube": cube.shape, "codes": codes.shape, "slots": slots.shape, "day_kind": kind.shape},
        )
    if interval_minutes not in INTERVAL_MINUTES:
        raise GridloopError(
            "Readings of this interval length are not known.",
            evidence={"interval_minutes": interval_minutes, "known": INTERVAL_MINUTES},
        )


@njit(nogil=True, cache=True)
def _trusted(code: int) -> bool:
    """Measured by the meter, or estimated by its source."""
    return code < _FIRST_SUSPECT


@njit(nogil=True, cache=True)
def _fill_linear(series: Float32, filled: Float32, codes: UInt8, first: int, end: int) -> int:
    """A straight line from the value before `first` to the value at `end`; returns intervals filled."""
    before, after = float(series[first - 1]), float(series[end])
    step = (after - before) / (end - first + 1)
    for i in range(first, end):
        filled[i] = np.round(before + step * (i - first + 1))
        codes[i] = _LINEAR
    return end - first


@njit(nogil=True, cache=True)
def _similar_mean(
    series: Float32, given: UInt8, day_start: Int64, kind: Int64, day: int, wall: int, rules: _Rules
) -> float:
    """Mean of measured values at a wall-clock slot on similar days; NaN with too few of them."""
    total, count = 0.0, 0
    for d in range(max(day - rules.window_days, 0), min(day + rules.window_days + 1, len(kind))):
        normal = day_start[d + 1] - day_start[d] == rules.normal_slots
        if d != day and kind[d] == kind[day] and normal and wall < rules.normal_slots:
            i = day_start[d] + wall
            if _trusted(given[i]):
                total += series[i]
                count += 1
    return total / count if count >= rules.least_days else np.nan


@njit(nogil=True, cache=True)
def _fill_similar(
    series: Float32,
    given: UInt8,
    filled: Float32,
    codes: UInt8,
    day_start: Int64,
    kind: Int64,
    wall_slot: Int16,
    first: int,
    end: int,
    rules: _Rules,
) -> int:
    """Similar-day means for a whole gap, or nothing if one of them cannot be had; returns intervals
    filled.
    """
    means = np.empty(end - first, np.float64)
    d = int(np.searchsorted(day_start, first, side="right")) - 1
    for i in range(first, end):
        while day_start[d + 1] <= i:
            d += 1
        wall = wall_slot[d, i - day_start[d]]
        means[i - first] = _similar_mean(series, given, day_start, kind, d, wall, rules)
        if means[i - first] != means[i - first]:
            return 0
    for i in range(first, end):
        filled[i] = np.round(means[i - first])
        codes[i] = _SIMILAR_DAY
    return end - first


@njit(nogil=True, cache=True)
def _estimate_meter(
    series: Float32,
    given: UInt8,
    filled: Float32,
    codes: UInt8,
    day_start: Int64,
    kind: Int64,
    wall_slot: Int16,
    rules: _Rules,
    counts: Int64,
) -> None:
    """Fill one meter's gaps; `series` and `given` stay, `filled` and `codes` receive."""
    i = 0
    while i < len(series):
        j = i
        while j < len(series) and (
            given[j] == MISSING_CODE or (rules.replace_suspects and not _trusted(given[j]))
        ):
            j += 1
        inside = j > i and i > 0 and j < len(series)
        done = 0
        if inside and j - i <= rules.linear_longest and _trusted(given[i - 1]) and _trusted(given[j]):
            done = _fill_linear(series, filled, codes, i, j)
            counts[0] += done
        elif inside and j - i <= rules.similar_longest:
            done = _fill_similar(series, given, filled, codes, day_start, kind, wall_slot, i, j, rules)
            counts[1] += done
        if done == 0:
            for k in range(i, j):
                counts[2] += given[k] == MISSING_CODE
        i = max(j, i + 1)


@njit(nogil=True, cache=True)
def _estimate_meters(
    cube: Float32, codes: UInt8, slots: Int32, kind: Int64, wall_slot: Int16, rules: _Rules, counts: Int64
) -> None:
    """Every meter of a cube, in place."""
    day_start = np.zeros(len(slots) + 1, np.int64)
    day_start[1:] = np.cumsum(slots.astype(np.int64))
    series, given = np.empty(day_start[-1], np.float32), np.empty(day_start[-1], np.uint8)
    filled, marks = np.empty_like(series), np.empty_like(given)
    for m in range(cube.shape[0]):
        for d in range(len(slots)):
            for p in range(slots[d]):
                x, at = cube[m, d, p], day_start[d] + p
                series[at] = x
                given[at] = codes[m, d, p] if x == x else MISSING_CODE
        filled[:], marks[:] = series, given
        _estimate_meter(series, given, filled, marks, day_start, kind, wall_slot, rules, counts[m])
        for d in range(len(slots)):
            for p in range(slots[d]):
                at = day_start[d] + p
                cube[m, d, p], codes[m, d, p] = filled[at], marks[at]
