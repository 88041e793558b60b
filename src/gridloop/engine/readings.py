"""Day-vectors as dense cubes, one bucket and month at a time, so that memory does not grow with the fleet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gridloop.domain.interval import CivilDay
from gridloop.domain.reading import Channel

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

Work = TypeVar("Work")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with (units done, units in all)."""

MEASURE_COLUMNS = ("channel", "zone", "interval_minutes")
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class MeterCube:
    """Readings of some meters over consecutive civil days, dense.

    Attributes:
        meters: ids, sorted; axis 0.
        first_day: civil day of index 0 of axis 1.
        slots: intervals in each day, int32[days] (46, 48 or 50 of 30 minutes; …).
        wh: float32[meters, days, width], Wh per interval, NaN where missing or beyond the day's last interval.
        quality: uint8[meters, days, width] `ReadingQuality` codes, or None when every present value is measured.
        available_at_us: int64[meters, days], when the row used became available (µs since 1970 UTC; -1: no row).
        revision: int32[meters, days], of the row used: 0 as delivered, from 1 on edited by validation; -1: no row.
        zone: time zone of the days.
        interval_minutes: length of an interval.
    """

    meters: list[str]
    first_day: date
    slots: npt.NDArray[np.int32]
    wh: npt.NDArray[np.float32]
    quality: npt.NDArray[np.uint8] | None
    available_at_us: npt.NDArray[np.int64]
    revision: npt.NDArray[np.int32]
    zone: str
    interval_minutes: int

    @property
    def days(self) -> int:
        """Number of civil days."""
        return len(self.slots)

    @property
    def width(self) -> int:
        """Length of axis 2: the intervals of a 25-hour day."""
        return int(self.wh.shape[2])


@dataclass(frozen=True)
class ReadingUnit:
    """The day-vectors of one bucket in one month of one zone and interval length: the unit of work."""

    bucket: int
    channel: Channel
    zone: str
    interval_minutes: int
    month: date
    files: tuple[Path, ...]
    known_at: datetime | None = None

    @property
    def days(self) -> int:
        """Days of the month."""
        return (_next_month(self.month) - self.month).days

    def meters(self) -> list[str]:
        """Ids of the meters that have rows in the unit, sorted; whether known yet or not."""
        found: set[str] = set()
        for path in self.files:
            rows = pq.read_table(
                path, columns=["meter_id", *MEASURE_COLUMNS], partitioning=None, use_threads=False
            )
            mask = _measure_mask(rows, self)
            found.update(
                pc.unique((rows if mask is None else rows.filter(mask)).column("meter_id")).to_pylist()
            )
        return sorted(found)

    def edited(self) -> bool:
        """Whether validation has edited any day of the unit's files."""
        return any(_most(path, "revision") > 0 for path in self.files)

    def rows(self, *, delivered: bool = False) -> pa.Table:
        """The latest known day-vector of each meter and day: meter_id, day, available_at, revision, wh, quality.

        Args:
            delivered: leave out what validation edited, so that the latest delivered one shows.
        """
        wanted = ["meter_id", "day", "available_at", "revision", "wh", "quality", *MEASURE_COLUMNS]
        parts = [pq.read_table(f, columns=wanted, partitioning=None, use_threads=False) for f in self.files]
        rows = pa.concat_tables(parts)
        mask = _measure_mask(rows, self)
        if self.known_at is not None:
            known = pc.less_equal(
                rows.column("available_at"), pa.scalar(self.known_at, rows.schema.field("available_at").type)
            )
            mask = known if mask is None else pc.and_(mask, known)
        if delivered:
            original = pc.equal(rows.column("revision"), 0)
            mask = original if mask is None else pc.and_(mask, original)
        if mask is not None:
            rows = rows.filter(mask)
        return _latest(rows.select(wanted[:6]).combine_chunks())

    def cube(self, meters: Sequence[str] | None = None, *, delivered: bool = False) -> MeterCube:
        """Decode the unit into one dense cube.

        Args:
            meters: ids of axis 0 in this order, others left out; the meters that have rows, sorted, when not given.
            delivered: see `rows`.
        """
        return cube_of(self.rows(delivered=delivered), self, meters)


def reading_units(
    view: LakeView,
    channel: Channel,
    *,
    start: date | None = None,
    end: date | None = None,
    as_of: datetime | None = None,
) -> list[ReadingUnit]:
    """The units of work that cover a channel's day-vectors, by bucket, then month.

    Args:
        view: where to read.
        channel: which measure.
        start, end: only months that touch `start <= day < end`.
        as_of: only rows available by then; the view's own limit when not given.

    Raises:
        LookAhead: `as_of` lies after the view's limit.
    """
    known_at = view.checked(as_of)
    grouped: dict[tuple[int, str, int, date], list[Path]] = defaultdict(list)
    for path in view.files("reading"):
        bucket = int(path.parent.parent.name.removeprefix("bucket="))
        month = date.fromisoformat(path.parent.name.removeprefix("day_month=") + "-01")
        if (start is not None and _next_month(month) <= start) or (end is not None and month >= end):
            continue
        for found, zone, interval in _measures(path):
            if found == channel.value:
                grouped[bucket, zone, interval, month].append(path)
    return [
        ReadingUnit(bucket, channel, zone, interval, month, tuple(sorted(paths)), known_at)
        for (bucket, zone, interval, month), paths in sorted(grouped.items())
    ]


def changed_meters(grouped: Mapping[tuple[int, str, int], Sequence[ReadingUnit]]) -> frozenset[str]:
    """Meters with readings of more than one zone or interval length.

    Args:
        grouped: units by bucket, zone and interval length.
    """
    seen: dict[int, set[str]] = {}
    buckets = [bucket for bucket, _, _ in grouped]
    changed: set[str] = set()
    for (bucket, _, _), units in grouped.items():
        if buckets.count(bucket) > 1:
            meters = {meter for unit in units for meter in unit.meters()}
            changed |= meters & seen.setdefault(bucket, set())
            seen[bucket] |= meters
    return frozenset(changed)


def reading_span(view: LakeView, unit: ReadingUnit) -> tuple[date, date] | None:
    """First and last civil day with a row of the unit's channel, zone and interval length, over all buckets.

    None when the view stands before the first of them was known.
    """
    rows = view.table("reading", history=True)
    rows = rows.filter(
        (rows.channel == unit.channel.value)
        & (rows.zone == unit.zone)
        & (rows.interval_minutes == unit.interval_minutes)
    )
    found = rows.aggregate(first=rows.day.min(), last=rows.day.max()).to_pyarrow().to_pylist()[0]
    return (found["first"], found["last"]) if found["first"] is not None else None


def _most(path: Path, column: str) -> int:
    """The greatest value of an integer column, from the file's statistics."""
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        index = next(
            i for i in range(metadata.num_columns) if metadata.row_group(0).column(i).path_in_schema == column
        )
        return max(
            int(metadata.row_group(g).column(index).statistics.max) for g in range(metadata.num_row_groups)
        )


def _measures(path: Path) -> set[tuple[str, str, int]]:
    """The (channel, zone, interval) combinations in a file, from its statistics where they decide it."""
    with pq.ParquetFile(path) as file:
        names = [
            file.metadata.row_group(0).column(i).path_in_schema for i in range(file.metadata.num_columns)
        ]
        bounds = []
        for name in MEASURE_COLUMNS:
            stats = [
                file.metadata.row_group(g).column(names.index(name)).statistics
                for g in range(file.metadata.num_row_groups)
            ]
            if any(s is None or not s.has_min_max for s in stats):
                break
            values = {s.min for s in stats} | {s.max for s in stats}
            if len(values) != 1:
                break
            bounds.append(values.pop())
        if len(bounds) == len(MEASURE_COLUMNS):
            return {(str(bounds[0]), str(bounds[1]), int(bounds[2]))}
        rows = file.read(columns=list(MEASURE_COLUMNS)).group_by(list(MEASURE_COLUMNS)).aggregate([])
        return {(r["channel"], r["zone"], r["interval_minutes"]) for r in rows.to_pylist()}


def _measure_mask(rows: pa.Table, unit: ReadingUnit) -> pa.ChunkedArray | None:
    mask = None
    wanted = {"channel": unit.channel.value, "zone": unit.zone, "interval_minutes": unit.interval_minutes}
    for name, value in wanted.items():
        equal = pc.equal(rows.column(name), value)
        if not pc.all(equal).as_py():
            mask = equal if mask is None else pc.and_(mask, equal)
    return mask


def _latest(rows: pa.Table) -> pa.Table:
    """Keep the latest (available_at, revision) of each meter and day; rows come back in (meter, day) order."""
    meters = rows.column("meter_id").combine_chunks().dictionary_encode()
    texts = np.array(meters.dictionary.to_pylist(), dtype=object)
    rank = np.empty(len(texts), dtype=np.int64)
    rank[np.argsort(texts)] = np.arange(len(texts))
    meter = rank[meters.indices.to_numpy(zero_copy_only=False)] if len(texts) else np.empty(0, np.int64)
    day = rows.column("day").cast(pa.int32()).to_numpy().astype(np.int64)
    thing = meter * (1 << 24) + day
    if len(thing) < 2 or (thing[1:] > thing[:-1]).all():
        return rows
    order = np.lexsort(
        (rows.column("revision").to_numpy(), rows.column("available_at").cast(pa.int64()).to_numpy(), thing)
    )
    last = np.r_[thing[order][1:] != thing[order][:-1], True]
    return rows.take(pa.array(order[last])).combine_chunks()


def cube_of(rows: pa.Table, unit: ReadingUnit, meters: Sequence[str] | None = None) -> MeterCube:
    """Scatter day-vectors into a dense cube over the days of a unit's month.

    Args:
        rows: meter_id, day, available_at, revision, wh, quality; at most one row per meter and day.
        unit: the month, zone and interval length of all rows.
        meters: see `ReadingUnit.cube`.
    """
    from gridloop.kernels.cube import scatter_day_vectors

    days, zone, interval_minutes = unit.days, unit.zone, unit.interval_minutes
    rows = rows.combine_chunks()
    if meters is not None:
        rows = rows.filter(
            pc.is_in(rows.column("meter_id"), pa.array(list(meters), pa.string()))
        ).combine_chunks()
    encoded = rows.column("meter_id").combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    axis = sorted(texts) if meters is None else list(meters)
    place = {meter: position for position, meter in enumerate(axis)}
    rank = np.array([place[text] for text in texts], dtype=np.int32)
    row_meter = rank[encoded.indices.to_numpy(zero_copy_only=False)] if texts else np.empty(0, np.int32)
    row_day = (rows.column("day").cast(pa.int32()).to_numpy() - (unit.month.toordinal() - EPOCH)).astype(
        np.int32
    )
    width = 25 * 60 // interval_minutes
    slots = np.array(
        [
            CivilDay(date.fromordinal(unit.month.toordinal() + d), zone).interval_count(interval_minutes)
            for d in range(days)
        ],
        dtype=np.int32,
    )
    wh = np.full((len(axis), days, width), np.nan, dtype=np.float32)
    values, valid, offsets = list_arrays(rows.column("wh"))
    scatter_day_vectors(values, valid, offsets, row_meter, row_day, wh)
    available = np.full((len(axis), days), -1, dtype=np.int64)
    inside = (row_day >= 0) & (row_day < days)
    available[row_meter[inside], row_day[inside]] = (
        rows.column("available_at").cast(pa.int64()).to_numpy()[inside]
    )
    revision = np.full((len(axis), days), -1, dtype=np.int32)
    revision[row_meter[inside], row_day[inside]] = rows.column("revision").to_numpy()[inside]
    quality = _quality_cube(rows.column("quality"), row_meter, row_day, wh.shape)
    return MeterCube(axis, unit.month, slots, wh, quality, available, revision, zone, interval_minutes)


def _quality_cube(
    column: pa.ChunkedArray,
    row_meter: npt.NDArray[np.int32],
    row_day: npt.NDArray[np.int32],
    shape: tuple[int, ...],
) -> npt.NDArray[np.uint8] | None:
    if column.null_count == len(column):
        return None
    cube = np.zeros(shape, dtype=np.uint8)
    coded = column.is_valid().to_numpy()
    values, _, offsets = list_arrays(column.filter(pa.array(coded)))
    for row, (meter, day) in enumerate(zip(row_meter[coded], row_day[coded], strict=True)):
        if 0 <= day < shape[1]:
            codes = values[offsets[row] : offsets[row + 1]]
            cube[meter, day, : len(codes)] = codes
    return cube


def list_arrays(
    column: pa.ChunkedArray,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
    """Values, their validity (empty when all are valid) and offsets of a list<int32> column, without copying."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], column.type)
    child = array.values
    offsets = array.offsets.to_numpy()
    values = pc.fill_null(child, 0).to_numpy() if child.null_count else child.to_numpy()
    valid = (
        child.is_valid().to_numpy(zero_copy_only=False) if child.null_count else np.empty(0, dtype=np.bool_)
    )
    return values, valid, offsets


def scan_units(
    units: Sequence[Work],
    function: Callable[[Work], Result],
    *,
    threads: int = 2,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Run a function over units of work in threads and yield its results in the units' order.

    At most `threads + 1` results wait at any time, so memory stays flat however many units there are. The function
    should spend its time in kernels and pyarrow, which free the interpreter lock.
    """
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        waiting: list[Future[Result]] = []
        done = 0
        queue = iter(units)
        try:
            for unit in queue:
                waiting.append(pool.submit(function, unit))
                if len(waiting) > threads:
                    yield waiting.pop(0).result()
                    done += 1
                    if progress is not None:
                        progress(done, len(units))
            while waiting:
                yield waiting.pop(0).result()
                done += 1
                if progress is not None:
                    progress(done, len(units))
        finally:
            for future in waiting:
                future.cancel()


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
