"""Features of every customer and meter, bucket by bucket, from the kernels' month states (docs/methods/features.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from gridloop.domain.finding import Finding, Severity
from gridloop.domain.reading import Channel
from gridloop.engine.readings import ReadingUnit, changed_meters, reading_span, reading_units, scan_units
from gridloop.engine.spool import gathered
from gridloop.insight.features.occupancy import Occupancy, occupancies
from gridloop.insight.features.surroundings import Surroundings, surroundings

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView
    from gridloop.kernels.calendar import DayCalendar
    from gridloop.kernels.features.finalise import FeatureTable
    from gridloop.kernels.features.layout import MonthState


class FeatureSettings(BaseModel):
    """What the feature job may be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[Channel, ...] = Field(
        default=(Channel.IMPORT_WH, Channel.NET_WH, Channel.EXPORT_WH),
        description="Channels to describe; each gives its own rows.",
    )
    window_days: int = Field(
        default=1096, ge=1, description="How many civil days back from the last reading the window reaches."
    )


@dataclass(frozen=True)
class Window:
    """Civil days `start <= day < end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    def within(self, start: date, end: date) -> Window | None:
        """The part of it within `start <= day < end`; None when there is none."""
        first, last = max(self.start, start), min(self.end, end)
        return Window(first, last) if first < last else None


@dataclass(frozen=True)
class _Fleet:
    """The units of one bucket, zone and interval length: all months of some meters."""

    units: tuple[ReadingUnit, ...]
    window: Window
    calendar: DayCalendar


@dataclass(frozen=True)
class Description:
    """What describing found, besides the rows.

    Attributes:
        findings: meters whose readings belong to no customer, or that changed their interval length.
        meters: meters described.
        readings: interval values read.
        features: rows of table `feature`.
    """

    findings: tuple[Finding, ...]
    meters: int
    readings: int
    features: int


@dataclass(frozen=True)
class Extraction(Description):
    """The same with the rows: of table `feature`, one per customer, meter, channel and feature."""

    rows: pa.Table


def extract_features(
    view: LakeView,
    settings: FeatureSettings | None = None,
    *,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Extraction:
    """Describe every customer's use and hold all rows at once, see `describe_customers`; for what fits into memory."""
    parts = [_empty_rows()]
    done = describe_customers(view, parts.extend, settings, threads=threads, progress=progress)
    rows = pa.concat_tables(parts[1:] or parts)
    return Extraction(done.findings, done.meters, done.readings, done.features, rows)


def describe_customers(
    view: LakeView,
    write: Callable[[Iterator[pa.Table]], object],
    settings: FeatureSettings | None = None,
    *,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Description:
    """Describe every customer's use of every meter over the days on which the meter was theirs.

    The window ends with the last day that has a reading; a customer's own window is the part of it that their
    contracts cover. Memory holds one month of one bucket per thread and the month states, never all readings nor all
    rows: these wait on disk until it is known how new the newest reading is that any of them used.

    Args:
        view: readings, contracts, calendar and weather, as known at its point of knowledge.
        write: takes the rows of table `feature`, in tables of many.
        settings: see `FeatureSettings`.
        threads: buckets worked on at once.
        progress: told (buckets done, buckets in all).
    """
    chosen = settings or FeatureSettings()
    occupants = occupancies(view)
    findings: list[Finding] = []
    counts = {"meters": 0, "readings": 0, "features": 0}
    changed: set[str] = set()
    with view.spool() as spool:
        newest: list[datetime] = []
        for channel in chosen.channels:
            changed |= changed_meters(_grouped(view, channel))
            fleets = list(_fleets(view, channel, chosen.window_days))
            for described in scan_units(
                fleets, lambda f: _describe(f, occupants), threads=threads, progress=progress
            ):
                if described.tables:
                    rows = pa.concat_tables(described.tables)
                    newest.append(pc.max(rows.column("as_of")).as_py())
                    mixed = pc.is_in(rows.column("meter_id"), pa.array(sorted(changed), pa.string()))
                    spool.add(rows.filter(pc.invert(mixed)), "plain")
                    spool.add(rows.filter(mixed), "changed")
                counts["meters"] += described.meters
                counts["readings"] += described.readings
                findings += _without_customer(channel, described.unowned)

        def finished() -> Iterator[pa.Table]:
            stretches = list(spool.tables("changed"))
            longest = [longest_stretch(pa.concat_tables(stretches), changed)] if stretches else []
            for rows in chain(spool.tables("plain"), longest):
                counts["features"] += rows.num_rows
                yield _known_at(rows, max(newest))

        write(gathered(finished()))
    findings += _changed(sorted(changed))
    return Description(tuple(findings), **counts)


def longest_stretch(rows: pa.Table, changed: Collection[str]) -> pa.Table:
    """Of meters that changed their interval length or zone, only the stretch with the most usable days.

    Args:
        rows: of table `feature`; a stretch is all rows of a customer, meter and channel with one window.
        changed: the meters.
    """
    if not changed:
        return rows
    mixed = pc.is_in(rows.column("meter_id"), pa.array(sorted(changed), pa.string()))
    keys = ["customer_id", "meter_id", "channel", "feature"]
    numbered = rows.append_column("_row", pa.array(np.arange(rows.num_rows))).filter(mixed)
    order = numbered.sort_by([("days_used", "descending"), ("_row", "ascending")])
    longest = order.group_by(keys, use_threads=False).aggregate([("_row", "first")]).column("_row_first")
    place = np.r_[np.flatnonzero(~mixed.to_numpy(zero_copy_only=False)), longest.to_numpy()]
    return rows.take(pa.array(np.sort(place)))


def _changed(meters: Sequence[str]) -> Iterator[Finding]:
    if meters:
        yield Finding(
            "feature.changed_interval",
            f"{len(meters)} meters changed their interval length or zone; only the longer stretch is described.",
            {"meters": len(meters), "first": meters[0]},
            Severity.WARNING,
            "reading",
        )


def _grouped(view: LakeView, channel: Channel) -> dict[tuple[int, str, int], list[ReadingUnit]]:
    """The units of a channel by bucket, zone and interval length."""
    grouped: dict[tuple[int, str, int], list[ReadingUnit]] = defaultdict(list)
    for unit in reading_units(view, channel):
        grouped[unit.bucket, unit.zone, unit.interval_minutes].append(unit)
    return grouped


def _fleets(view: LakeView, channel: Channel, window_days: int) -> Iterator[_Fleet]:
    grouped = _grouped(view, channel)
    around: dict[str, Surroundings] = {}
    calendars: dict[tuple[str, int], tuple[Window, DayCalendar]] = {}
    for (_, zone, interval), units in grouped.items():
        span = None if (zone, interval) in calendars else reading_span(view, units[0])
        if span is None:
            continue
        first, last = span
        around.setdefault(zone, surroundings(view, zone))
        start = max(first, last - timedelta(days=window_days - 1))
        window = Window(start, last + timedelta(days=1))
        calendars[zone, interval] = window, around[zone].calendar(start, window.days, zone, interval)
    for (_, zone, interval), units in sorted(grouped.items()):
        if (zone, interval) not in calendars:
            continue
        window, calendar = calendars[zone, interval]
        inside = tuple(u for u in units if window.within(u.month, u.month + timedelta(days=u.days)))
        if inside:
            yield _Fleet(inside, window, calendar)


@dataclass(frozen=True)
class _Described:
    tables: list[pa.Table]
    meters: int
    readings: int
    unowned: list[str]


def _describe(fleet: _Fleet, occupants: Mapping[str, Sequence[Occupancy]]) -> _Described:
    from gridloop.kernels.features.finalise import features

    present = sorted({meter for unit in fleet.units for meter in unit.meters()})
    stays_of = {meter: occupants[meter] for meter in present if meter in occupants}
    owned = list(stays_of)
    groups: dict[Window, list[Occupancy]] = defaultdict(list)
    for meter in owned:
        for stay in stays_of[meter]:
            window = fleet.window.within(stay.start, stay.end)
            if window is not None:
                groups[window].append(stay)
    states: dict[Window, list[MonthState]] = {window: [] for window in groups}
    place = {meter: position for position, meter in enumerate(owned)}
    readings = 0
    known = np.full(len(owned), -1, dtype=np.int64)
    for month in _months(fleet.window):
        cubes = [unit.cube(owned) for unit in fleet.units if unit.month == month]
        if cubes:
            readings += int(np.isfinite(cubes[0].wh).sum())
            known = np.maximum(known, cubes[0].available_at_us.max(axis=1, initial=-1))
        for window, stays in groups.items():
            part = window.within(month, _next(month))
            if part is not None:
                axis = np.array([place[stay.meter_id] for stay in stays])
                states[window].append(_state(fleet, part, axis, cubes[0].wh if cubes else None, month))
    tables = []
    for window, stays in groups.items():
        described = features(_merged(states[window]))
        newest = known[[place[stay.meter_id] for stay in stays]]
        tables.append(_rows(described, window, stays, fleet.units[0].channel, newest))
    return _Described(tables, len(owned), readings, [meter for meter in present if meter not in stays_of])


def _state(fleet: _Fleet, part: Window, axis: np.ndarray, cube: np.ndarray | None, month: date) -> MonthState:
    """The month state of some meters over part of a month; all missing where the month has no readings."""
    from gridloop.kernels.features.state import month_state

    offset = (part.start - fleet.window.start).days
    calendar = fleet.calendar.part(offset, offset + part.days)
    if cube is None:
        return month_state(
            np.full((len(axis), part.days, calendar.width), np.nan, dtype=np.float32), calendar
        )
    day = (part.start - month).days
    return month_state(np.ascontiguousarray(cube[axis, day : day + part.days]), calendar)


def _merged(states: list[MonthState]) -> MonthState:
    from gridloop.kernels.features.merge import merge

    return states[0] if len(states) == 1 else merge(states)


def _months(window: Window) -> Iterator[date]:
    month = window.start.replace(day=1)
    while month < window.end:
        yield month
        month = _next(month)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _rows(
    table: FeatureTable, window: Window, stays: Sequence[Occupancy], channel: Channel, known_us: np.ndarray
) -> pa.Table:
    from gridloop.kernels.features.catalogue import FEATURES
    from gridloop.kernels.features.reason import Reason

    meters, count = len(stays), len(FEATURES)
    size = meters * count
    repeated = np.repeat(np.arange(meters, dtype=np.int32), count)
    codes = np.array([None if r is Reason.COMPUTED else r.code for r in Reason], dtype=object)

    def words(values: Sequence[str]) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(repeated), pa.array(values, pa.string())).cast(
            pa.string()
        )

    return pa.table(
        {
            "customer_id": words([stay.customer_id for stay in stays]),
            "meter_id": words([stay.meter_id for stay in stays]),
            "channel": pa.repeat(pa.scalar(channel.value), size),
            "feature": pa.array([spec.name for spec in FEATURES] * meters, pa.string()),
            "window_start": pa.repeat(pa.scalar(window.start, pa.date32()), size),
            "window_end": pa.repeat(pa.scalar(window.end - timedelta(days=1), pa.date32()), size),
            "as_of": pa.array(known_us[repeated], pa.timestamp("us", tz="UTC")),
            "value": pa.array(table.values.ravel(), from_pandas=True),
            "vector": _vectors(table),
            "days_used": pa.array(np.repeat(table.days_used.astype(np.int32), count)),
            "coverage": pa.array(np.repeat(table.coverage, count)),
            "reason": pa.array(codes[table.reason.ravel()], pa.string()),
        }
    )


def _vectors(table: FeatureTable) -> pa.Array:
    from gridloop.kernels.features.catalogue import FEATURES

    element = pa.list_(pa.field("element", pa.float64()))
    vectors: list[list[float] | None] = [None] * (len(table.days_used) * len(FEATURES))
    for column, spec in enumerate(FEATURES):
        if spec.vector:
            values = table.column(spec.name)
            for meter in np.flatnonzero(np.isfinite(values).all(axis=1)):
                vectors[meter * len(FEATURES) + column] = values[meter].tolist()
    return pa.array(vectors, element)


def _known_at(rows: pa.Table, newest: datetime) -> pa.Table:
    """Rows that all state the newest knowledge that any used: one run describes one point of knowledge."""
    place = rows.column_names.index("as_of")
    return rows.set_column(
        place, "as_of", pa.repeat(pa.scalar(newest, rows.schema.field(place).type), rows.num_rows)
    )


def _empty_rows() -> pa.Table:
    from gridloop.domain.tables import table
    from gridloop.engine.schema import arrow_schema

    return arrow_schema(table("feature")).empty_table()


def _without_customer(channel: Channel, meters: Sequence[str]) -> Iterator[Finding]:
    if meters:
        yield Finding(
            "feature.meter_without_customer",
            f"{len(meters)} meters with {channel.value} readings have no contract that says whose they are.",
            {"meters": len(meters), "first": meters[0]},
            Severity.WARNING,
            "contract",
        )
