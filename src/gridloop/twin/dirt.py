# mypy: disallow-untyped-decorators=False
"""Compiled loops that spoil day-vectors of readings: where a fault sits and what it does to the values."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.twin.loads import Floats, Ints32, Keys, draw

KINDS = (
    "gap",
    "missing_day",
    "outage",
    "spike",
    "zero_run",
    "stuck",
    "duplicate",
    "late",
    "revised",
    "unknown_meter",
    "impossible_date",
    "negative",
    "unit_error",
)
"""Kinds of fault in a row of readings, by code; −1 stands for none."""

(
    GAP, MISSING_DAY, OUTAGE, SPIKE, ZERO_RUN, STUCK, DUPLICATE, LATE, REVISED,
    UNKNOWN_METER, IMPOSSIBLE_DATE, NEGATIVE, UNIT_ERROR,
) = range(13)  # fmt: skip
NO_FAULT = -1

_TRIES = 5


@njit(nogil=True, cache=True)
def _run(key: np.uint64, attempt: int, slots: int, shortest: int, longest: int) -> tuple[int, int]:
    """First position and length of a run; lengths are quarters of an hour, scaled to the interval."""
    length = shortest + int(draw(key, 10 + 2 * attempt) * (longest - shortest + 1))
    length = max(1, length * slots // 96)
    return int(draw(key, 11 + 2 * attempt) * (slots - length + 1)), length


@njit(nogil=True, cache=True)
def _plant_gap(missing: NDArray[np.bool_], key: np.uint64, slots: int) -> tuple[int, int]:
    longest = 4 if draw(key, 1) < 0.7 else 24
    begin, length = _run(key, 0, slots, 1, longest)
    for slot in range(begin, begin + length):
        missing[slot] = True
    return begin, begin + length - 1


@njit(nogil=True, cache=True)
def _plant_spike(values: Ints32, key: np.uint64, slots: int, limit: float) -> tuple[int, int]:
    """One or two intervals at 1.3–3 times what the connection can carry, or 8–30 times the day's peak if that
    is less.
    """
    top = 0
    for slot in range(slots):
        top = max(top, abs(values[slot]))
    if top < 5:
        return -1, -1
    begin = int(draw(key, 1) * (slots - 1))
    length = 1 if draw(key, 2) < 0.7 else 2
    for slot in range(begin, begin + length):
        height = min(top * (8.0 + 22.0 * draw(key, 3 + slot)), limit * (1.3 + 1.7 * draw(key, 3 + slot)))
        values[slot] = np.int32(height)
    return begin, begin + length - 1


@njit(nogil=True, cache=True)
def _plant_zero_run(values: Ints32, key: np.uint64, slots: int) -> tuple[int, int]:
    """Zeros over 6–48 quarters, only where energy flowed in every one of them."""
    for attempt in range(_TRIES):
        begin, length = _run(key, attempt, slots, 6, 48)
        flowing = True
        for slot in range(begin, begin + length):
            if values[slot] == 0:
                flowing = False
        if flowing:
            values[begin : begin + length] = 0
            return begin, begin + length - 1
    return -1, -1


@njit(nogil=True, cache=True)
def _plant_stuck(values: Ints32, key: np.uint64, slots: int) -> tuple[int, int]:
    """The value before the run is repeated over 8–40 quarters, only where at least half of them were different."""
    for attempt in range(_TRIES):
        begin, length = _run(key, attempt, slots, 8, 40)
        if begin == 0 or values[begin - 1] == 0:
            continue
        changed = 0
        for slot in range(begin, begin + length):
            if values[slot] != values[begin - 1]:
                changed += 1
        if 2 * changed >= length and changed > 0:
            values[begin : begin + length] = values[begin - 1]
            return begin, begin + length - 1
    return -1, -1


@njit(nogil=True, cache=True)
def _plant_whole_row(values: Ints32, key: np.uint64, slots: int, kind: int, limit: float) -> tuple[int, int]:
    """A thousandfold row beyond what the connection can carry, or a first guess that a revision will replace."""
    total = 0.0
    top = 0
    for slot in range(slots):
        total += values[slot]
        top = max(top, abs(values[slot]))
    if kind == UNIT_ERROR:
        if top * 1000.0 <= 2.0 * limit or top > 2_000_000:
            return -1, -1
        for slot in range(slots):
            values[slot] *= 1000
        return 0, slots - 1
    if top < 4:
        return -1, -1
    guess = total / slots * (0.7 + 0.6 * draw(key, 1))
    changed = False
    for slot in range(slots):
        wrong = np.int32(np.floor(0.5 * values[slot] + 0.5 * guess + 0.5))
        changed = changed or wrong != values[slot]
        values[slot] = wrong
    if changed:
        return 0, slots - 1
    return -1, -1


@njit(nogil=True, cache=True)
def _plant_negative(values: Ints32, key: np.uint64, slots: int) -> tuple[int, int]:
    for attempt in range(_TRIES):
        slot = int(draw(key, 1 + attempt) * slots)
        if values[slot] > 0:
            values[slot] = -values[slot]
            return slot, slot
    return -1, -1


@njit(nogil=True, cache=True)
def plant(
    values: Ints32,
    missing: NDArray[np.bool_],
    kind: NDArray[np.int8],
    keys: Keys,
    limit: Floats,
    first: NDArray[np.int16],
    last: NDArray[np.int16],
) -> None:
    """Spoil rows in place.

    Args:
        values: int32 [rows, slots] Wh. missing: bool [rows, slots].
        kind: int8 [rows] code of KINDS; set to NO_FAULT where the fault could not show (a row of zeros
            has no zero run).
        keys: uint64 [rows]. limit: float64 [rows] the most an interval of this connection can carry, Wh.
        first, last: int16 [rows] 0-based positions that were spoiled, filled; the whole row for faults of the row.
    """
    slots = values.shape[1]
    for row in range(values.shape[0]):
        begin, end = 0, slots - 1
        if kind[row] == GAP:
            begin, end = _plant_gap(missing[row], keys[row], slots)
        elif kind[row] == SPIKE:
            begin, end = _plant_spike(values[row], keys[row], slots, limit[row])
        elif kind[row] == ZERO_RUN:
            begin, end = _plant_zero_run(values[row], keys[row], slots)
        elif kind[row] == STUCK:
            begin, end = _plant_stuck(values[row], keys[row], slots)
        elif kind[row] == NEGATIVE:
            begin, end = _plant_negative(values[row], keys[row], slots)
        elif kind[row] == UNIT_ERROR or kind[row] == REVISED:
            begin, end = _plant_whole_row(values[row], keys[row], slots, kind[row], limit[row])
        if begin < 0:
            kind[row] = NO_FAULT
        first[row] = begin
        last[row] = end
