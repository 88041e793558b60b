"""Rows of readings become day-vectors: one list of intervals for each meter and civil day
(docs/conventions.md §1).

Long rows (one reading a row) are grouped by a linear-time radix sort; wide rows (one day a row) are cut to
the length of their day. Every input row leaves with a `RowVerdict`, so that rows in always equal rows
explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.domain.errors import GridloopError
from gridloop.domain.reading import MISSING_WH
from gridloop.kernels.civil_time import (
    NO_DAY,
    FoldRule,
    LocalStamp,
    civil_positions,
    day_slots,
    local_to_utc,
    zone_transitions,
)

__all__ = [
    "NO_DAY",
    "DayVectors",
    "FoldRule",
    "LocalStamp",
    "RowVerdict",
    "WideDayVectors",
    "civil_positions",
    "day_slots",
    "group_into_day_vectors",
    "local_to_utc",
    "wide_to_day_vectors",
    "zone_transitions",
]

Int8 = NDArray[np.int8]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

_MAX_VALUES = 2**31 - 1


class RowVerdict(IntEnum):
    """What became of one long row.

    ACCEPTED holds a slot of a day-vector; DUPLICATE repeats the value its slot already held; REVISED was
    replaced by a later row with another value for the same slot; OUT_OF_DAY has a slot, day or meter that
    does not exist; NO_VALUE carries no reading. ACCEPTED rows equal the valid values of the day-vectors,
    one to one.
    """

    ACCEPTED = 0
    DUPLICATE = 1
    REVISED = 2
    OUT_OF_DAY = 3
    NO_VALUE = 4


@dataclass(frozen=True, slots=True)
class DayVectors:
    """Day-vectors in flat form, sorted by meter and then by day.

    Attributes:
        offsets: int32[rows + 1]; row r owns `values[offsets[r]:offsets[r + 1]]`, as many as its day has
            slots.
        values: int32, energy in Wh per interval; 0 where `valid` is False.
        valid: bool, False where the interval is missing.
        row_meter: int32[rows], meter index of each row.
        row_day: int32[rows], day index of each row.
        verdict: int8[n], the `RowVerdict` of each input row.
    """

    offsets: Int32
    values: Int32
    valid: Bool
    row_meter: Int32
    row_day: Int32
    verdict: Int8

    @property
    def rows(self) -> int:
        """How many meter-days there are."""
        return len(self.row_meter)


@dataclass(frozen=True, slots=True)
class WideDayVectors:
    """Wide rows cut to the length of their day; row r of the input is row r here.

    Attributes:
        offsets: int32[n + 1], as in `DayVectors`.
        values: int32, Wh per interval; 0 where `valid` is False.
        valid: bool, False where the interval is missing.
        surplus: int32[n], present values beyond the last slot of the day; they are in no day-vector.
    """

    offsets: Int32
    values: Int32
    valid: Bool
    surplus: Int32


def group_into_day_vectors(
    meter: Int32, day: Int32, position: Int16, value_wh: Int32, slots: Int16
) -> DayVectors:
    """Group long rows, in any order, into one day-vector for each meter and day that has a reading.

    Rule for one slot delivered more than once: the same value again is a DUPLICATE; with another value the
    row delivered last in source order wins and the earlier one is REVISED. Time and memory are linear in
    the rows.

    Args:
        meter: int32[n], meter index from 0.
        day: int32[n], day index from 0, an index into `slots`.
        position: int16[n], slot within the civil day (elapsed intervals since local midnight).
        value_wh: int32[n], Wh; `MISSING_WH` marks a row without a reading.
        slots: int16[days], intervals of each day (46, 48 or 50 for half-hours).

    Returns:
        `DayVectors`, in which ACCEPTED verdicts equal valid values.

    Raises:
        GridloopError: the arrays differ in length, or the result would pass 2³¹ values (give fewer rows at
            a time).
    """
    columns: dict[str, NDArray[np.generic]] = {
        "meter": meter,
        "day": day,
        "position": position,
        "value_wh": value_wh,
    }
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise GridloopError("The columns of long rows differ in length.", evidence=lengths)
    meter, day, value_wh = (np.ascontiguousarray(column, np.int32) for column in (meter, day, value_wh))
    position, slots = np.ascontiguousarray(position, np.int16), np.ascontiguousarray(slots, np.int16)
    verdict, meters, in_order = _judge_rows(meter, day, position, value_wh, slots)
    order = _source_order(verdict) if in_order else _meter_day_order(meter, day, verdict, meters, len(slots))
    rows, total = _count_days(order, meter, day, slots)
    _refuse_overflow(total)
    offsets = np.zeros(rows + 1, np.int32)
    values, valid = np.zeros(total, np.int32), np.zeros(total, np.bool_)
    row_meter, row_day = np.empty(rows, np.int32), np.empty(rows, np.int32)
    _fill_days(
        order, meter, day, position, value_wh, slots, offsets, values, valid, row_meter, row_day, verdict
    )
    return DayVectors(offsets, values, valid, row_meter, row_day, verdict)


def wide_to_day_vectors(columns: Int32, valid: Bool, slots: Int16) -> WideDayVectors:
    """Cut wide rows (P1…P96) to the length of their day.

    Args:
        columns: int32[n, width], Wh, column p holding slot p of the day.
        valid: bool[n, width], False where the source had no reading.
        slots: int16[n], intervals of each row's day; beyond `width` the day is missing.

    Raises:
        GridloopError: shapes differ, or the result would pass 2³¹ values.
    """
    if columns.ndim != 2 or columns.shape != valid.shape or len(columns) != len(slots):
        raise GridloopError(
            "The matrix of wide rows, its validity and its day lengths do not fit together.",
            evidence={"columns": columns.shape, "valid": valid.shape, "slots": slots.shape},
        )
    lengths = np.asarray(slots, np.int64)
    _refuse_overflow(int(lengths.sum()))
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    values, present = np.zeros(offsets[-1], np.int32), np.zeros(offsets[-1], np.bool_)
    surplus = np.zeros(len(lengths), np.int32)
    _cut_rows(
        np.ascontiguousarray(columns, np.int32),
        np.ascontiguousarray(valid),
        offsets,
        values,
        present,
        surplus,
    )
    return WideDayVectors(offsets, values, present, surplus)


def _refuse_overflow(total: int) -> None:
    if total > _MAX_VALUES:
        raise GridloopError(
            "Too many readings for one batch of day-vectors.",
            evidence={"values": total, "most": _MAX_VALUES},
            ways_out=("Give fewer rows at a time, for example one month.",),
        )


@njit(nogil=True, cache=True)
def _judge_rows(
    meter: Int32, day: Int32, position: Int16, value_wh: Int32, slots: Int16
) -> tuple[Int8, int, bool]:
    """Verdicts of rows that can hold no slot; the number of meters; whether the rest is sorted by meter and
    day.
    """
    verdict = np.zeros(len(meter), np.int8)
    meters, in_order, last_meter, last_day = 0, True, -1, -1
    for i in range(len(meter)):
        m, d = meter[i], day[i]
        if m < 0 or d < 0 or d >= len(slots) or position[i] < 0 or position[i] >= slots[d]:
            verdict[i] = 3
        elif value_wh[i] == MISSING_WH:
            verdict[i] = 4
        else:
            meters = max(meters, m + 1)
            if m < last_meter or (m == last_meter and d < last_day):
                in_order = False
            last_meter, last_day = m, d
    return verdict, meters, in_order


@njit(nogil=True, cache=True)
def _source_order(verdict: Int8) -> Int64:
    """Indices of the rows that may hold a slot, as delivered."""
    order = np.empty(len(verdict), np.int64)
    count = 0
    for i in range(len(verdict)):
        if verdict[i] == 0:
            order[count] = i
            count += 1
    return order[:count]


@njit(nogil=True, cache=True)
def _meter_day_order(meter: Int32, day: Int32, verdict: Int8, meters: int, days: int) -> Int64:
    """Stable radix sort by day, then by meter: O(rows + days + meters)."""
    count = 0
    by_day = np.zeros(days + 1, np.int64)
    by_meter = np.zeros(meters + 1, np.int64)
    for i in range(len(meter)):
        if verdict[i] == 0:
            by_day[day[i] + 1] += 1
            by_meter[meter[i] + 1] += 1
            count += 1
    by_day = np.cumsum(by_day)
    by_meter = np.cumsum(by_meter)
    first = np.empty(count, np.int64)
    for i in range(len(meter)):
        if verdict[i] == 0:
            first[by_day[day[i]]] = i
            by_day[day[i]] += 1
    second = np.empty(count, np.int64)
    for j in range(count):
        i = first[j]
        second[by_meter[meter[i]]] = i
        by_meter[meter[i]] += 1
    return second


@njit(nogil=True, cache=True)
def _count_days(order: Int64, meter: Int32, day: Int32, slots: Int16) -> tuple[int, int]:
    """How many meter-days there are and how many values they need."""
    rows, total, last_meter, last_day = 0, 0, -1, -1
    for j in range(len(order)):
        i = order[j]
        if meter[i] != last_meter or day[i] != last_day:
            last_meter, last_day = meter[i], day[i]
            rows += 1
            total += slots[last_day]
    return rows, total


@njit(nogil=True, cache=True)
def _fill_days(
    order: Int64,
    meter: Int32,
    day: Int32,
    position: Int16,
    value_wh: Int32,
    slots: Int16,
    offsets: Int32,
    values: Int32,
    valid: Bool,
    row_meter: Int32,
    row_day: Int32,
    verdict: Int8,
) -> None:
    """Second pass: put every value in its slot and settle duplicates and revisions."""
    widest = 0
    for d in range(len(slots)):
        widest = max(widest, slots[d])
    holder = np.empty(widest, np.int64)
    row, last_meter, last_day, start = -1, -1, -1, 0
    for j in range(len(order)):
        i = order[j]
        if meter[i] != last_meter or day[i] != last_day:
            last_meter, last_day = meter[i], day[i]
            row += 1
            start = offsets[row]
            offsets[row + 1] = start + slots[last_day]
            row_meter[row], row_day[row] = last_meter, last_day
        p = position[i]
        slot = start + p
        if valid[slot]:
            if values[slot] == value_wh[i]:
                verdict[i] = 1
                continue
            verdict[holder[p]] = 2
        values[slot], valid[slot], holder[p] = value_wh[i], True, i


@njit(nogil=True, cache=True)
def _cut_rows(
    columns: Int32, valid: Bool, offsets: Int32, values: Int32, present: Bool, surplus: Int32
) -> None:
    for r in range(columns.shape[0]):
        start = offsets[r]
        length = offsets[r + 1] - start
        for p in range(columns.shape[1]):
            if valid[r, p]:
                if p < length:
                    values[start + p] = columns[r, p]
                    present[start + p] = True
                else:
                    surplus[r] += 1
