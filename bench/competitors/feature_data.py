"""Quarter-hourly meters with gaps, zeros, weekends, seasons and weather, as Parquet in the compared layouts."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridloop.kernels.calendar import DayCalendar, day_calendar

SLOTS = 96
METERS_A_BUCKET = 200  # about; the number of buckets is even, for two threads


@dataclass(frozen=True)
class Fleet:
    """Files of one fleet.

    Attributes:
        folder: where they are.
        meters, days: size.
        calendar: its days, Asia/Shanghai, with holidays and temperature.
        units: for each bucket its files by month, in time order.
    """

    folder: Path
    meters: int
    days: int
    calendar: DayCalendar
    units: tuple[tuple[Path, ...], ...] = ()

    @property
    def readings(self) -> int:
        """Intervals of all meters and days."""
        return self.meters * self.days * SLOTS

    def months(self) -> list[tuple[int, int]]:
        """First and past-the-last day index of each calendar month."""
        days = [self.calendar.first + timedelta(days=d) for d in range(self.days)]
        starts = [d for d, day in enumerate(days) if d == 0 or day.day == 1]
        return list(zip(starts, [*starts[1:], self.days], strict=True))


def open_fleet(folder: Path, meters: int, days: int, bucket: int = METERS_A_BUCKET) -> Fleet:
    """The fleet whose files `make_fleet` wrote or will write there."""
    first = date(2023, 1, 1)
    holidays = tuple(date(2023, 1, 22) + timedelta(days=d) for d in range(6)) + tuple(
        date(2023, 10, 1) + timedelta(days=d) for d in range(6)
    )
    temperature = 16 - 12 * np.cos(np.arange(days) / 365 * 2 * np.pi) + 3 * np.sin(np.arange(days) * 1.3)
    temperature = np.round(temperature, 1)
    calendar = day_calendar(first, days, "Asia/Shanghai", 15, holidays=holidays, temperature=temperature)
    months = len(Fleet(folder, meters, days, calendar).months())
    units = tuple(
        tuple(folder / f"vectors-{index:04d}-{month:02d}.parquet" for month in range(months))
        for index in range(2 * max(1, round(meters / bucket / 2)))
    )
    return Fleet(folder, meters, days, calendar, units)


def make_fleet(folder: Path, meters: int, days: int, bucket: int = METERS_A_BUCKET) -> Fleet:
    """Write the day-vectors of a fleet: list<int32>, zstd, DELTA_BINARY_PACKED, a file per bucket and month."""
    fleet = open_fleet(folder, meters, days, bucket)
    starts = np.linspace(0, meters, len(fleet.units) + 1).round().astype(int).tolist()
    for index, files in enumerate(fleet.units):
        start, count = starts[index], starts[index + 1] - starts[index]
        wh = _bucket_values(np.random.default_rng((7, index)), count, fleet.calendar)
        for file, (begin, end) in zip(files, fleet.months(), strict=True):
            _write_vectors(file, wh[:, begin:end], start, fleet.calendar.ordinal[begin:end])
    return fleet


def make_fleet_aside(folder: Path, meters: int, days: int, bucket: int, *, long: bool) -> Fleet:
    """The same in a process of its own, so that the memory of making it is not taken for that of reading it."""
    call = f"make_fleet(Path({str(folder)!r}), {meters}, {days}, {bucket})"
    code = (
        "from pathlib import Path; from bench.competitors.feature_data import make_fleet, write_long_rows; "
    )
    code += f"write_long_rows({call})" if long else call
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])
    return open_fleet(folder, meters, days, bucket)


def _bucket_values(rng: np.random.Generator, meters: int, calendar: DayCalendar) -> np.ndarray:
    """Wh int32[meters, days, 96]; −1 stands for missing."""
    slot = np.arange(SLOTS) / SLOTS * 24
    evening = np.exp(-0.5 * ((slot - rng.normal(19.5, 1, (meters, 1, 1))) / 2) ** 2)
    morning = np.exp(-0.5 * ((slot - rng.normal(8, 1, (meters, 1, 1))) / 1.5) ** 2)
    shape = 0.4 + 1.5 * evening + 0.8 * morning
    weather = 1 + 0.05 * calendar.heating_degree_days + 0.09 * calendar.cooling_degree_days
    day_factor = weather * np.where(calendar.weekend | calendar.holiday, 1.15, 1.0)
    level = rng.lognormal(4.3, 0.6, (meters, 1, 1))
    day_noise = rng.lognormal(0, 0.15, (meters, calendar.days, 1))
    values = level * shape * day_factor[None, :, None] * day_noise
    values = values * rng.lognormal(0, 0.25, (meters, calendar.days, SLOTS)).astype(np.float32)
    wh = np.maximum(np.rint(values), 1).astype(np.int32)
    away = rng.random((meters, calendar.days)) < 0.01
    wh[away] = 0
    gap_days = np.argwhere(rng.random((meters, calendar.days)) < 0.01)
    for meter, day in gap_days:
        at = rng.integers(0, SLOTS - 8)
        wh[meter, day, at : at + rng.integers(1, 9)] = -1
    return wh


def _write_vectors(path: Path, wh: np.ndarray, first_meter: int, ordinals: np.ndarray) -> None:
    meters, days, _ = wh.shape
    epoch = date(1970, 1, 1).toordinal()
    flat = wh.reshape(-1)
    offsets = pa.array(np.arange(0, flat.size + 1, SLOTS, dtype=np.int32))
    lists = pa.ListArray.from_arrays(offsets, pa.array(flat, mask=flat == -1))
    table = pa.table(
        {
            "meter": pa.array(np.repeat(np.arange(first_meter, first_meter + meters, dtype=np.int32), days)),
            "day": pa.array(np.tile(ordinals - epoch, meters).astype(np.int32)).cast(pa.date32()),
            "wh": lists,
        }
    )
    pq.write_table(
        table,
        path,
        compression="zstd",
        use_dictionary=["meter", "day"],
        column_encoding={"wh.list.element": "DELTA_BINARY_PACKED"},
        row_group_size=8192,
    )


def long_files(fleet: Fleet) -> list[Path]:
    """Where `write_long_rows` writes, a file per bucket."""
    return [fleet.folder / f"long-{bucket:04d}.parquet" for bucket in range(len(fleet.units))]


def write_long_rows(fleet: Fleet) -> list[Path]:
    """The same readings as one row per interval: meter, day, slot, wh."""
    paths = long_files(fleet)
    for path, files in zip(paths, fleet.units, strict=True):
        with pq.ParquetWriter(path, _LONG, compression="zstd") as writer:
            for file in files:
                table = pq.read_table(file)
                values = table["wh"].combine_chunks().flatten()
                rows = table.num_rows
                columns = [
                    np.repeat(table["meter"].to_numpy(), SLOTS),
                    np.repeat(table["day"].to_numpy(), SLOTS),
                    np.tile(np.arange(SLOTS, dtype=np.int16), rows),
                ]
                writer.write_table(pa.table([*map(pa.array, columns), values], schema=_LONG))
    return paths


_LONG = pa.schema([("meter", pa.int32()), ("day", pa.date32()), ("slot", pa.int16()), ("wh", pa.int32())])


def write_days(fleet: Fleet) -> Path:
    """The calendar as a table, for those who join."""
    calendar = fleet.calendar
    epoch = date(1970, 1, 1).toordinal()
    path = fleet.folder / "days.parquet"
    table = pa.table(
        {
            "day": pa.array((calendar.ordinal - epoch).astype(np.int32)).cast(pa.date32()),
            "number": pa.array(np.arange(fleet.days, dtype=np.int32)),
            "season": pa.array(calendar.season),
            "weekend": pa.array(calendar.weekend),
            "holiday": pa.array(calendar.holiday),
            "heating": pa.array(calendar.heating_degree_days),
            "cooling": pa.array(calendar.cooling_degree_days),
        }
    )
    pq.write_table(table, path)
    return path


def warm(paths: list[Path]) -> None:
    """Bring files into the page cache."""
    for path in paths:
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
