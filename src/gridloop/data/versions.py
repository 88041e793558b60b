"""Versions of days: which one a delivered row is compared with, and what it adds to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.data.vectors import DayVectorRows, joined, with_available

_NEVER = np.iinfo(np.int64).min


class Versions:
    """Known versions of some days, in the order they became known.

    Args:
        rows: any order; several versions of a day may be among them.
    """

    def __init__(self, rows: DayVectorRows) -> None:
        self._rows = rows
        self._sort()

    def _sort(self) -> None:
        rows = self._rows
        self.rows = rows.take(np.lexsort((rows.available_us, rows.key)))
        self.key = self.rows.key

    def add(self, rows: DayVectorRows) -> None:
        """Take in further versions."""
        self._rows = joined([self._rows, rows])
        self._sort()

    def latest_of(self, key: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[k], index of the latest version of each day; -1 where there is none."""
        at = np.searchsorted(self.key, key, side="right") - 1
        found = (
            (at >= 0) & (self.key[np.maximum(at, 0)] == key)
            if len(self.key)
            else np.zeros(len(key), np.bool_)
        )
        return np.where(found, at, -1)

    def known_at(self, key: NDArray[np.int64], available_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[k], index of the latest version known at each instant; -1 where there is none."""
        latest = self.latest_of(key)
        index = latest.copy()
        while True:
            safe = np.maximum(index, 0)
            younger = (index >= 0) & (self.key[safe] == key) & (self.rows.available_us[safe] > available_us)
            if not younger.any():
                break
            index = np.where(younger, index - 1, index)
        same_day = (index >= 0) & (self.key[np.maximum(index, 0)] == key) if len(self.key) else index >= 0
        return np.where(same_day, index, -1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of delivered rows.

    Attributes:
        new: int64[r], values that differ from the known version or add to it.
        same: int64[r], values that repeat it.
        conflicting: bool[r], rows that contradict a version of the same knowledge time.
        revisions: rows to append, as they came or overlaid on the known version, with their knowledge time.
    """

    new: NDArray[np.int64]
    same: NDArray[np.int64]
    conflicting: NDArray[np.bool_]
    revisions: DayVectorRows


def settled(
    rows: DayVectorRows, versions: Versions, floor_us: NDArray[np.int64], *, ordered: bool
) -> Outcome:
    """Compare rows, one for each day, with what is known of their days.

    Args:
        rows: one row per meter, channel and day.
        versions: what is known.
        floor_us: int64[r], least knowledge time of a revision that the source does not order.
        ordered: whether the rows' own knowledge times order versions.
    """
    key = rows.key
    latest = versions.latest_of(key)
    base = versions.known_at(key, rows.available_us) if ordered else latest
    overlay, new = _overlaid(rows, versions.rows, base)
    same = rows.present - new
    base_us = (
        np.where(base >= 0, versions.rows.available_us[np.maximum(base, 0)], _NEVER)
        if len(versions.key)
        else np.full(len(rows), _NEVER)
    )
    latest_us = (
        np.where(latest >= 0, versions.rows.available_us[np.maximum(latest, 0)], _NEVER)
        if len(versions.key)
        else base_us
    )
    tied = (base >= 0) & (base_us == rows.available_us) if ordered else base >= 0
    pushed = np.maximum(np.maximum(latest_us + 1, floor_us), rows.available_us)
    available = np.where(tied, pushed, rows.available_us)
    changed = np.flatnonzero(new > 0)
    revisions = with_available(overlay, available).take(changed)
    return Outcome(new, same, tied & (new > 0) & ordered, revisions)


def _overlaid(
    rows: DayVectorRows, known: DayVectorRows, base: NDArray[np.int64]
) -> tuple[DayVectorRows, NDArray[np.int64]]:
    """Rows laid over the version they are compared with.

    A row without one, or one of another interval length, stays as it is and is all new.

    Returns:
        the rows, and int64[r] how many of their own values differ from or add to the version.
    """
    lengths = rows.offsets[1:] - rows.offsets[:-1]
    values, valid = rows.values.copy(), rows.valid.copy()
    if len(known) == 0:
        return rows, rows.present
    known_lengths = known.offsets[1:] - known.offsets[:-1]
    safe = np.maximum(base, 0)
    usable = (base >= 0) & (known_lengths[safe] == lengths)
    owner = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(values)) - np.repeat(rows.offsets[:-1], lengths)
    cell = np.where(usable[owner], known.offsets[:-1][safe][owner] + within, 0)
    known_valid = known.valid[cell] & usable[owner]
    known_value = known.values[cell]
    differs = rows.valid & ~(known_valid & (known_value == rows.values))
    new = np.bincount(owner, differs, len(rows)).astype(np.int64)
    filled = ~rows.valid & known_valid
    values[filled], valid[filled] = known_value[filled], True
    laid = DayVectorRows(
        rows.meter,
        rows.channel,
        rows.day,
        rows.interval_minutes,
        rows.available_us,
        rows.offsets,
        values,
        valid,
        rows.file,
        rows.source_row,
    )
    return laid, new
