"""The measure of a play for every account: mean energy a day within its hours (docs/methods/campaign-effect.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable
from gridloop.domain.ids import bucket_of
from gridloop.domain.reading import Channel, ReadingQuality
from gridloop.engine.readings import ReadingUnit, reading_units, scan_units
from gridloop.kernels.calendar import DayCalendar, day_calendar
from gridloop.strategy.account_meters import AccountMeters, AccountStay, account_meters
from gridloop.strategy.playbook.model import Hours, Measure

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

REASONS: Mapping[str, NotComputable] = {
    code: NotComputable(code, text)
    for code, text in {
        "no_meter": "No meter that records import counted for the account in the window.",
        "net_metered": "A meter of the account records net energy, from which use cannot be told.",
        "interval_too_long": "The measure's hours begin or end within an interval of the account's meter.",
        "too_few_days": "The account has too few complete days in the window.",
        "no_energy": "The account used no energy on its complete days, so that a share has no meaning.",
    }.items()
}
"""Why an account has no value, in the order in which it is checked."""

_WHOLE_DAY: tuple[Hours, ...] = ()


@dataclass(frozen=True)
class AccountDays:
    """Daily energy of some accounts, all meters of an account together.

    Attributes:
        place: int64[n], positions of the accounts in `AccountMeters`.
        wh: float64[n, days, measures], Wh within each measure's hours.
        whole_wh: float64[n, days], Wh of the whole day.
        complete: bool[n, days, measures], every meter that counts on the day has every interval that the measure needs.
        too_long: bool[n, measures], an interval crosses an edge of the measure's hours.
    """

    place: NDArray[np.int64]
    wh: NDArray[np.float64]
    whole_wh: NDArray[np.float64]
    complete: NDArray[np.bool_]
    too_long: NDArray[np.bool_]


def measure_accounts(
    view: LakeView,
    measure: Measure,
    first: date,
    last: date,
    *,
    least_days: int,
    accounts: Collection[str] | None = None,
    threads: int = 2,
) -> pa.Table:
    """The measure of every account that had a contract within a window of days.

    Formula: mean over the account's complete days of the energy within the hours, Wh; for a share, the energy within
    the hours over the energy of the whole day, both summed over the complete days. A day is complete when every
    interval of the hours (of the day, for a share) was measured at every meter that counted for the account on it:
    estimated and suspect values are not.

    Args:
        view: readings and contracts as known at its point of knowledge.
        measure: hours and kind.
        first, last: the window, both days within it.
        least_days: complete days that a value needs.
        accounts: only these; all when not given.
        threads: buckets read at once.

    Returns:
        account_id, customer_id, value (float64, null with a reason), days (int32, complete days), reason (a code of
        `REASONS`, null with a value); by account.
    """
    held = account_meters(view, first, last, accounts)
    totals = MeasureTotals.empty(measure, len(held.accounts))
    for part in account_days(view, (measure,), held, threads=threads):
        totals.add(part, 0)
    value, reasons = totals.values(held, least_days)
    return pa.table(
        {
            "account_id": pa.array(held.accounts, pa.string()),
            "customer_id": pa.array(held.customers, pa.string()),
            "value": pa.array(value, pa.float64(), from_pandas=True),
            "days": pa.array(totals.days),
            "reason": pa.array(reasons, pa.string()),
        }
    )


@dataclass(frozen=True)
class MeasureTotals:
    """One measure of every account, added up over its complete days within a window.

    Attributes:
        measure: whose.
        inside_wh, whole_wh: float64[accounts], energy within the hours and of the whole day.
        days: int32[accounts], complete days.
        too_long: bool[accounts], see `AccountDays`.
    """

    measure: Measure
    inside_wh: NDArray[np.float64]
    whole_wh: NDArray[np.float64]
    days: NDArray[np.int32]
    too_long: NDArray[np.bool_]

    @classmethod
    def empty(cls, measure: Measure, accounts: int) -> MeasureTotals:
        """Nothing added yet."""
        size = np.zeros(accounts)
        return cls(measure, size, size.copy(), size.astype(np.int32), size.astype(np.bool_))

    def add(self, part: AccountDays, position: int, begin: int = 0, end: int | None = None) -> None:
        """Add accounts that have not come yet: days `begin <= d < end` of the measure at that position."""
        complete = part.complete[:, begin:end, position]
        self.inside_wh[part.place] = np.where(complete, part.wh[:, begin:end, position], 0.0).sum(axis=1)
        self.whole_wh[part.place] = np.where(complete, part.whole_wh[:, begin:end], 0.0).sum(axis=1)
        self.days[part.place] = complete.sum(axis=1)
        self.too_long[part.place] = part.too_long[:, position]

    def values(self, held: AccountMeters, least_days: int) -> tuple[NDArray[np.float64], list[str | None]]:
        """The value of each account, NaN where there is a reason, and the reasons (codes of `REASONS`)."""
        channels: dict[int, set[str]] = defaultdict(set)
        for stay in held.stays:
            channels[stay.account] |= stay.channels
        reasons = [self._reason(place, channels[place], least_days) for place in range(len(held.accounts))]
        known = np.array([reason is None for reason in reasons], np.bool_)
        divisor = self.whole_wh if self.measure.kind == "share" else self.days
        value = np.divide(self.inside_wh, divisor, out=np.full(len(reasons), np.nan), where=known)
        return value, reasons

    def _reason(self, place: int, channels: Collection[str], least_days: int) -> str | None:
        if Channel.NET_WH in channels:
            return "net_metered"
        if Channel.IMPORT_WH not in channels:
            return "no_meter"
        if self.too_long[place]:
            return "interval_too_long"
        if self.days[place] < max(least_days, 1):
            return "too_few_days"
        return "no_energy" if self.measure.kind == "share" and self.whole_wh[place] <= 0 else None


def account_days(
    view: LakeView, measures: Sequence[Measure], held: AccountMeters, *, threads: int = 2
) -> Iterator[AccountDays]:
    """The daily energy of accounts, a bucket's at a time, so that memory does not grow with their number.

    Accounts whose meters lie in several buckets come last, together; accounts without a meter do not come.

    Args:
        view: where the readings are.
        measures: whose hours.
        held: accounts and their meters.
        threads: buckets read at once.
    """
    buckets = _buckets(view, held)
    homes: dict[int, set[int]] = defaultdict(set)
    for bucket in buckets:
        for stay in bucket.stays:
            homes[stay.account].add(bucket.number)
    scattered = sorted(account for account, numbers in homes.items() if len(numbers) > 1)
    late = {account: row for row, account in enumerate(scattered)}
    rest = _Tally.empty(scattered, held.days, len(measures))
    for found in scan_units(buckets, lambda b: _read(b, measures, held), threads=threads):
        own = _Tally.empty(
            sorted({s.account for s in found.bucket.stays} - late.keys()), held.days, len(measures)
        )
        row_of = {account: row for row, account in enumerate(own.place)}
        for row, stay in enumerate(found.bucket.stays):
            tally, target = (rest, late) if stay.account in late else (own, row_of)
            tally.add(target[stay.account], stay, found, row)
        if own.place:
            yield own.finished()
    if scattered:
        yield rest.finished()


@dataclass(frozen=True)
class _Bucket:
    """The stays of one bucket and the units that hold their readings."""

    number: int
    stays: tuple[AccountStay, ...]
    units: tuple[ReadingUnit, ...]


@dataclass(frozen=True)
class _Read:
    """Daily energy of a bucket's stays; arrays as in `AccountDays`, a row a stay."""

    bucket: _Bucket
    wh: NDArray[np.float64]
    whole_wh: NDArray[np.float64]
    complete: NDArray[np.bool_]
    too_long: NDArray[np.bool_]


@dataclass(frozen=True)
class _Tally:
    """Accounts whose stays are being added up; a day without a stay is not complete."""

    place: list[int]
    wh: NDArray[np.float64]
    whole_wh: NDArray[np.float64]
    complete: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    too_long: NDArray[np.bool_]

    @classmethod
    def empty(cls, place: list[int], days: int, measures: int) -> _Tally:
        size = len(place)
        shape = (size, days, measures)
        return cls(
            place,
            np.zeros(shape),
            np.zeros(shape[:2]),
            np.ones(shape, np.bool_),
            np.zeros(shape[:2], np.bool_),
            np.zeros((size, measures), np.bool_),
        )

    def add(self, row: int, stay: AccountStay, found: _Read, source: int) -> None:
        days = slice(stay.begin, stay.end)
        self.wh[row, days] += found.wh[source, days]
        self.whole_wh[row, days] += found.whole_wh[source, days]
        self.complete[row, days] &= found.complete[source, days]
        self.covered[row, days] = True
        self.too_long[row] |= found.too_long[source]

    def finished(self) -> AccountDays:
        complete = self.complete & self.covered[:, :, None]
        return AccountDays(np.array(self.place, np.int64), self.wh, self.whole_wh, complete, self.too_long)


def _buckets(view: LakeView, held: AccountMeters) -> list[_Bucket]:
    count = view.lake.workspace.config.buckets
    stays: dict[int, list[AccountStay]] = defaultdict(list)
    for stay in held.stays:
        if Channel.IMPORT_WH in stay.channels:
            stays[bucket_of(stay.meter_id, count)].append(stay)
    units: dict[int, list[ReadingUnit]] = defaultdict(list)
    end = held.first + timedelta(days=held.days)
    for unit in reading_units(view, Channel.IMPORT_WH, start=held.first, end=end):
        units[unit.bucket].append(unit)
    return [_Bucket(number, tuple(stays[number]), tuple(units[number])) for number in sorted(stays)]


def _read(bucket: _Bucket, measures: Sequence[Measure], held: AccountMeters) -> _Read:
    """Sum one bucket day by day, unit by unit; the row known last counts where a day came in two interval lengths."""
    meters = sorted({stay.meter_id for stay in bucket.stays})
    shape = (len(meters), held.days, len(measures))
    wh, whole_wh = np.zeros(shape), np.zeros(shape[:2])
    complete, crossed = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    known = np.full(shape[:2], -1, np.int64)
    for unit in bucket.units:
        found = _read_unit(unit, meters, measures)
        begin = max(0, (unit.month - held.first).days)
        days = slice(begin, min(held.days, (unit.month - held.first).days + unit.days))
        shift = (held.first - unit.month).days
        month = slice(days.start + shift, days.stop + shift)
        newer = found.known_us[:, month] > known[:, days]
        known[:, days] = np.maximum(known[:, days], found.known_us[:, month])
        whole_wh[:, days] = np.where(newer, found.whole_wh[:, month], whole_wh[:, days])
        newer = newer[:, :, None]
        wh[:, days] = np.where(newer, found.wh[:, month], wh[:, days])
        complete[:, days] = np.where(newer, found.complete[:, month], complete[:, days])
        crossed[:, days] = np.where(newer, found.crossing, crossed[:, days])
    axis = {meter: row for row, meter in enumerate(meters)}
    rows = np.array([axis[stay.meter_id] for stay in bucket.stays])
    too_long = [crossed[row, s.begin : s.end].any(axis=0) for row, s in zip(rows, bucket.stays, strict=True)]
    return _Read(bucket, wh[rows], whole_wh[rows], complete[rows], np.array(too_long))


@dataclass(frozen=True)
class _UnitDays:
    """A unit's days; arrays as in `AccountDays`, a row a meter; `crossing` bool[measures]."""

    wh: NDArray[np.float64]
    whole_wh: NDArray[np.float64]
    complete: NDArray[np.bool_]
    crossing: NDArray[np.bool_]
    known_us: NDArray[np.int64]


def _read_unit(unit: ReadingUnit, meters: Sequence[str], measures: Sequence[Measure]) -> _UnitDays:
    from gridloop.kernels.hours import energy_of_days

    cube = unit.cube(meters)
    if cube.quality is not None:
        cube.wh[cube.quality >= ReadingQuality.SUSPECT_SPIKE] = np.nan
    calendar = day_calendar(unit.month, unit.days, unit.zone, unit.interval_minutes)
    spans = [_WHOLE_DAY, *(measure.hours for measure in measures)]
    wh, complete = energy_of_days(cube.wh, np.stack([_inside(calendar, hours) for hours in spans]))
    of_day = np.array([measure.kind == "share" for measure in measures])
    crossing = np.array([_crosses(measure.hours, unit.interval_minutes) for measure in measures])
    done = complete[:, :, 1:] & (complete[:, :, :1] | ~of_day) & ~crossing
    return _UnitDays(wh[:, :, 1:], wh[:, :, 0], done, crossing, cube.available_at_us)


def _inside(calendar: DayCalendar, hours: Sequence[Hours]) -> NDArray[np.bool_]:
    """bool[days, width]: which positions lie within the hours on the wall clock; every one without hours."""
    minute = calendar.wall_slot.astype(np.int32) * calendar.interval_minutes
    valid = calendar.wall_slot >= 0
    if not hours:
        return np.asarray(valid)
    found = np.zeros(valid.shape, np.bool_)
    for span in hours:
        first, last = span.minutes
        found |= (minute >= first) & (minute < last)
    return found & valid


def _crosses(hours: Sequence[Hours], interval_minutes: int) -> bool:
    """Whether an interval lies partly within the hours."""
    return any(minute % interval_minutes for span in hours for minute in span.minutes)
