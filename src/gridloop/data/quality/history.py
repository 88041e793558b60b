"""Whole histories of blocks of meters, because a meter's habit is learnt from all it ever did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gridloop.domain.reading import Channel
from gridloop.engine.readings import ReadingUnit, changed_meters, reading_span, reading_units

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

BLOCK_VALUES = 8_000_000
"""Intervals of a block at most, one meter aside; validation holds about ten arrays of that size a thread."""


@dataclass(frozen=True)
class MeterBlock:
    """Some meters of one bucket with all the months that have their readings.

    Attributes:
        units: by month.
        meters: ids, sorted.
        first_day, last_day: the days of the channel over all meters, both inclusive.
        changed: meters that have readings of another interval length or zone too; they are expected only as long as
            they delivered this one.
    """

    units: tuple[ReadingUnit, ...]
    meters: tuple[str, ...]
    first_day: date
    last_day: date
    changed: frozenset[str] = frozenset()

    @property
    def days(self) -> int:
        """Number of days from the first to the last."""
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True)
class History:
    """A block's readings, dense over all days.

    Attributes:
        delivered_wh: float32[meters, days, width], as the source delivered them last.
        delivered_quality: uint8 of the same shape, codes that came with them, or None.
        latest_wh, latest_quality: what readers see today; the same objects where validation never edited.
        delivered: bool[meters, days], whether any row was delivered.
        available_at_us: int64[meters, days], of the delivered rows, -1 for none.
        latest_available_at_us: the same of the rows that readers see today.
        latest_revision: int32[meters, days], of the rows that readers see today; 0 where validation never edited.
        slots: int32[days].
    """

    delivered_wh: npt.NDArray[np.float32]
    delivered_quality: npt.NDArray[np.uint8] | None
    latest_wh: npt.NDArray[np.float32]
    latest_quality: npt.NDArray[np.uint8] | None
    delivered: npt.NDArray[np.bool_]
    available_at_us: npt.NDArray[np.int64]
    latest_available_at_us: npt.NDArray[np.int64]
    latest_revision: npt.NDArray[np.int32]
    slots: npt.NDArray[np.int32]


def meter_blocks(view: LakeView, channel: Channel) -> Iterator[MeterBlock]:
    """All meters of a channel in blocks, by bucket."""
    grouped: dict[tuple[int, str, int], list[ReadingUnit]] = defaultdict(list)
    for unit in reading_units(view, channel):
        grouped[unit.bucket, unit.zone, unit.interval_minutes].append(unit)
    spans: dict[tuple[str, int], tuple[date, date] | None] = {}
    changed = changed_meters(grouped)
    for (_, zone, interval), units in sorted(grouped.items()):
        if (zone, interval) not in spans:
            spans[zone, interval] = reading_span(view, units[0])
        span = spans[zone, interval]
        if span is None:
            continue
        meters = sorted({meter for unit in units for meter in unit.meters()})
        of_one = ((span[1] - span[0]).days + 1) * (1500 // interval)
        count = max(1, BLOCK_VALUES // of_one)
        for start in range(0, len(meters), count):
            yield MeterBlock(tuple(units), tuple(meters[start : start + count]), *span, changed)


def load_history(block: MeterBlock) -> History:
    """Decode a block's readings; months without any stay missing."""
    from gridloop.kernels.civil_time import day_slots, zone_transitions

    unit = block.units[0]
    width, shape = 25 * 60 // unit.interval_minutes, (len(block.meters), block.days)
    wh = np.full((*shape, width), np.nan, dtype=np.float32)
    latest = wh
    quality = latest_quality = None
    known = np.full(shape, -1, dtype=np.int64)
    latest_known = known
    revision = np.zeros(shape, dtype=np.int32)
    for part in block.units:
        here, there = _overlap(block, part)
        cube = part.cube(block.meters, delivered=True)
        wh[:, here] = cube.wh[:, there]
        known[:, here] = cube.available_at_us[:, there]
        quality = _placed(quality, cube.quality, here, there, wh.shape)
        if not part.edited():
            if latest is not wh:
                latest[:, here], latest_known[:, here] = wh[:, here], known[:, here]
                latest_quality = _placed(latest_quality, cube.quality, here, there, wh.shape)
            continue
        if latest is wh:
            latest, latest_known = wh.copy(), known.copy()
            latest_quality = None if quality is None else quality.copy()
        cube = part.cube(block.meters)
        latest[:, here], latest_known[:, here] = cube.wh[:, there], cube.available_at_us[:, there]
        revision[:, here] = cube.revision[:, there]
        latest_quality = _placed(latest_quality, cube.quality, here, there, wh.shape)
    if latest is wh:
        latest_quality = quality
    epoch = date(1970, 1, 1)
    first = (block.first_day - epoch).days
    transitions, offsets = zone_transitions(
        unit.zone, (first - 2) * 86_400_000_000, (first + block.days + 2) * 86_400_000_000
    )
    slots = day_slots(first, block.days, transitions, offsets, unit.interval_minutes).astype(np.int32)
    return History(wh, quality, latest, latest_quality, known >= 0, known, latest_known, revision, slots)


def _overlap(block: MeterBlock, unit: ReadingUnit) -> tuple[slice, slice]:
    """The block's days that lie in a unit's month, and the same days counted from the month's first."""
    start = max(block.first_day, unit.month)
    stop = min(block.last_day + timedelta(days=1), unit.month + timedelta(days=unit.days))
    count = (stop - start).days
    here, there = (start - block.first_day).days, (start - unit.month).days
    return slice(here, here + count), slice(there, there + count)


def _placed(
    target: npt.NDArray[np.uint8] | None,
    codes: npt.NDArray[np.uint8] | None,
    here: slice,
    there: slice,
    shape: tuple[int, ...],
) -> npt.NDArray[np.uint8] | None:
    if codes is None:
        if target is not None:
            target[:, here] = 0
        return target
    if target is None:
        target = np.zeros(shape, dtype=np.uint8)
    target[:, here] = codes[:, there]
    return target
