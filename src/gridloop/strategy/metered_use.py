"""The energy of every holding by month and period under several price maps, read bucket by bucket."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.ids import bucket_of
from gridloop.domain.reading import FIRST_ESTIMATE, Channel, ReadingQuality
from gridloop.engine.readings import ReadingUnit, reading_units, scan_units
from gridloop.strategy.holdings import Stay
from gridloop.strategy.price_maps import PriceMaps
from gridloop.strategy.tariff.bill import MonthPart

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView


@dataclass(frozen=True)
class ReadingRules:
    """How readings are used.

    Attributes:
        months: the window, cut at the ends of months.
        usable_day_share: share of a day's intervals that makes it usable.
        least_donors: values that a fill needs.
        use_suspects: whether suspect values count as they are; else they are filled like gaps.
    """

    months: tuple[MonthPart, ...]
    usable_day_share: float
    least_donors: int
    use_suspects: bool

    @property
    def days(self) -> int:
        """Days of the window."""
        return sum(part.days for part in self.months)


@dataclass(frozen=True)
class Held:
    """Meters and days of so many holdings."""

    stays: Sequence[Stay]
    count: int


@dataclass(frozen=True)
class MeteredUse:
    """Energy of some holdings over the window, gaps filled.

    Attributes:
        wh: for each tariff int64[holdings, months, periods].
        usable: bool[holdings, days], days on which every meter that counted had enough intervals.
        present, expected: int64[holdings], intervals with a value, and of the days that were theirs.
        filled: int64[holdings], intervals filled.
        filled_wh: int64[holdings], energy filled in.
        unfilled: int64[holdings], intervals that nothing could fill.
        variance: float64[holdings], of the difference of the tariffs' charges, in the square of the currency.
        known_us: newest `available_at` of any reading used, µs since 1970 UTC; -1 for none.
    """

    wh: tuple[NDArray[np.int64], ...]
    usable: NDArray[np.bool_]
    present: NDArray[np.int64]
    expected: NDArray[np.int64]
    filled: NDArray[np.int64]
    filled_wh: NDArray[np.int64]
    unfilled: NDArray[np.int64]
    variance: NDArray[np.float64]
    known_us: int


@dataclass(frozen=True)
class _Bucket:
    """The stays of one bucket and interval length, with the units that hold their readings, by month."""

    stays: tuple[Stay, ...]
    units: Mapping[date, ReadingUnit]
    maps: PriceMaps


@dataclass(frozen=True)
class _Counted:
    """What one bucket counted, by stay; `counts` int64[stays, 3]: filled, Wh filled, unfilled."""

    bucket: _Bucket
    wh: list[NDArray[np.int64]]
    present: NDArray[np.int32]
    counts: NDArray[np.int64]
    variance: NDArray[np.float64]
    known_us: int


def metered_use(
    view: LakeView,
    channel: Channel,
    held: Held,
    maps: Mapping[int, PriceMaps],
    rules: ReadingRules,
    *,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> MeteredUse:
    """Count the energy of every holding under each price map; missing intervals are filled first, alike for all maps.

    Args:
        view: where the readings are.
        channel: what is counted.
        held: the holdings.
        maps: by interval length.
        rules: how readings are used.
        threads: buckets worked on at once.
        progress: told (buckets done, buckets in all).
    """
    holdings = held.count
    counts = next(iter(maps.values())).counts
    wh = tuple(np.zeros((holdings, len(rules.months), count), np.int64) for count in counts)
    usable = np.ones((holdings, rules.days), np.bool_)
    covered = np.zeros_like(usable)
    sums = np.zeros((holdings, 5), np.int64)
    variance, known = np.zeros(holdings), -1
    for found in scan_units(
        _buckets(view, channel, held.stays, maps),
        lambda b: _count(b, rules),
        threads=threads,
        progress=progress,
    ):
        place = np.array([stay.holding for stay in found.bucket.stays])
        for total, part in zip(wh, found.wh, strict=True):
            np.add.at(total, place, part)
        np.add.at(variance, place, found.variance)
        slots = found.bucket.maps.calendar.slots
        for row, stay in enumerate(found.bucket.stays):
            days = slice(stay.begin, stay.end)
            values = found.present[row, days]
            usable[stay.holding, days] &= values >= rules.usable_day_share * slots[days]
            covered[stay.holding, days] = True
            sums[stay.holding] += (values.sum(), slots[days].sum(), *found.counts[row])
        known = max(known, found.known_us)
    present, expected, filled, filled_wh, unfilled = sums.T
    return MeteredUse(wh, usable & covered, present, expected, filled, filled_wh, unfilled, variance, known)


def _buckets(
    view: LakeView, channel: Channel, stays: Sequence[Stay], maps: Mapping[int, PriceMaps]
) -> list[_Bucket]:
    """The stays that have this channel, by bucket and interval length, in a fixed order."""
    count = view.lake.workspace.config.buckets
    grouped: dict[tuple[int, int], list[Stay]] = defaultdict(list)
    for stay in stays:
        if channel.value in stay.channels and stay.interval_minutes in maps:
            grouped[bucket_of(stay.meter_id, count), stay.interval_minutes].append(stay)
    calendar = next(iter(maps.values())).calendar
    units: dict[tuple[int, int], dict[date, ReadingUnit]] = defaultdict(dict)
    for unit in reading_units(view, channel, start=calendar.first, end=calendar.last + timedelta(days=1)):
        if unit.zone == calendar.zone:
            units[unit.bucket, unit.interval_minutes][unit.month] = unit
    return [_Bucket(tuple(grouped[key]), units[key], maps[key[1]]) for key in sorted(grouped)]


def _count(bucket: _Bucket, rules: ReadingRules) -> _Counted:
    """Read one bucket month by month, fill its gaps and sum it under every price map."""
    from gridloop.kernels.pricing import energy_by_period, fill_gaps

    stays, maps, calendar = bucket.stays, bucket.maps, bucket.maps.calendar
    begin = np.array([stay.begin for stay in stays], np.int32)
    end = np.array([stay.end for stay in stays], np.int32)
    kind = (calendar.weekend | calendar.holiday).astype(np.int8)
    wh = [np.zeros((len(stays), len(rules.months), count), np.int64) for count in maps.counts]
    present = np.zeros((len(stays), rules.days), np.int32)
    counts, variance, known = np.zeros((len(stays), 3), np.int64), np.zeros(len(stays)), -1
    offset = 0
    for number, part in enumerate(rules.months):
        days = slice(offset, offset + part.days)
        cube, newest = _cube(bucket, part, rules.use_suspects)
        fill = fill_gaps(
            cube,
            calendar.wall_slot[days],
            kind[days],
            begin - np.int32(offset),
            end - np.int32(offset),
            maps.weight[days],
            rules.least_donors,
        )
        present[:, days] = fill.present
        counts += np.stack([fill.filled, fill.filled_wh, fill.unfilled], axis=1)
        variance += fill.variance
        known = max(known, newest)
        month = np.zeros(part.days, np.int32)
        for total, period, count in zip(wh, maps.periods, maps.counts, strict=True):
            total[:, number] = energy_by_period(cube, period[days], month, count).wh[:, 0]
        offset += part.days
    # An error of one Wh weighs a thousandth of one of a kWh.
    return _Counted(bucket, wh, present, counts, variance / 1e6, known)


def _cube(bucket: _Bucket, part: MonthPart, use_suspects: bool) -> tuple[NDArray[np.float32], int]:
    """Measured values of the stays on the days of a part of a month, NaN elsewhere, and when the newest was known."""
    from gridloop.kernels.cube import empty_cube

    stays, calendar = bucket.stays, bucket.maps.calendar
    result = empty_cube(len(stays), part.days, calendar.width)
    unit = bucket.units.get(part.first.replace(day=1))
    if unit is None:
        return result, -1
    meters = sorted({stay.meter_id for stay in stays})
    place = {meter: position for position, meter in enumerate(meters)}
    read = unit.cube(meters)
    axis = np.array([place[stay.meter_id] for stay in stays])
    inside = slice(part.first.day - 1, part.first.day - 1 + part.days)
    result[:] = read.wh[axis, inside]
    if read.quality is not None:
        codes = read.quality[axis, inside]
        suspect = (codes >= ReadingQuality.SUSPECT_SPIKE) & (codes < FIRST_ESTIMATE)
        result[(codes >= FIRST_ESTIMATE) | (suspect & (not use_suspects))] = np.nan
    first = (part.first - calendar.first).days
    for row, stay in enumerate(stays):
        # Another customer's days must neither be billed nor serve as evidence for a fill.
        result[row, : max(0, stay.begin - first)] = np.nan
        result[row, max(0, stay.end - first) :] = np.nan
    return result, int(read.available_at_us[:, inside].max(initial=-1))
