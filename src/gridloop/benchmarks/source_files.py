"""Public files read through their shipped recipe, straight into arrays: nothing is landed, copied or stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.identity import Identities
from gridloop.data.long_rows import long_day_vectors
from gridloop.data.meters import MeterBook
from gridloop.data.quarantine import QuarantineBook
from gridloop.data.reading_rows import ReadingJob
from gridloop.data.recipe import Recipe, SourceFile
from gridloop.data.recipe_store import load_recipe
from gridloop.data.sources.batches import SourceReader
from gridloop.data.sources.files import content_id, matching_files, open_source
from gridloop.data.table_rows import TableJob, table_rows
from gridloop.data.tally import FileTally
from gridloop.data.vectors import DayVectorRows
from gridloop.domain.interval import CivilDay

EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class SourceTables:
    """What a recipe makes of its files, without a workspace.

    Attributes:
        recipe: how they were read.
        tables: canonical rows by table name; no table has a row twice because each file is read once.
        vectors: day-vectors, a batch per file and interval length.
        meter_ids: canonical id by meter number of the vectors.
        quarantined: refused rows by reason code.
        files: SHA-256 by file name: which data the figures stand on.
    """

    recipe: Recipe
    tables: dict[str, pa.Table]
    vectors: tuple[DayVectorRows, ...]
    meter_ids: tuple[str, ...]
    quarantined: dict[str, int]
    files: dict[str, str]


def read_sources(name: str, folder: Path, roles: Sequence[str]) -> SourceTables:
    """Read the files of some roles of a shipped recipe.

    Args:
        name: recipe, of a pseudonymous or public source.
        folder: where its files lie.
        roles: which of its files.

    Raises:
        KeyLost: the source is personal; such files are only ever read into a workspace with a vault.
        SourceUnreadable, SourceMismatch: a file is absent or not what the recipe says.
    """
    recipe = load_recipe(name)
    identities = Identities(recipe, None)
    meters = MeterBook(identities)
    gathered: dict[str, list[pa.Table]] = defaultdict(list)
    vectors: list[DayVectorRows] = []
    tallies: list[FileTally] = []
    for file in (one for one in recipe.files if one.role in roles):
        for path in matching_files(folder, file):
            tally, reader = _opened(recipe, file, path, len(tallies))
            tallies.append(tally)
            if file.readings is None:
                job = TableJob(recipe, file, identities, tally, 0)
                for part in table_rows(job, reader.batches()):
                    gathered[part.table].append(part.rows)
            else:
                vectors += long_day_vectors(
                    ReadingJob(recipe, _any_meter(file), meters, tally, 0), reader.batches()
                )
    quarantined: dict[str, int] = defaultdict(int)
    for tally in tallies:
        for code, (rows, _, _) in tally.book.summary().items():
            quarantined[code] += rows
    return SourceTables(
        recipe,
        {table: pa.concat_tables(parts) for table, parts in gathered.items()},
        tuple(vectors),
        tuple(meters.ids.to_pylist()),
        dict(quarantined),
        {tally.name: tally.file_id for tally in tallies},
    )


def _opened(recipe: Recipe, file: SourceFile, path: Path, number: int) -> tuple[FileTally, SourceReader]:
    size = path.stat().st_size
    book = QuarantineBook(None)
    tally = FileTally(number, content_id(path), path.name, size, recipe.name, file.role, book)

    def opener() -> BinaryIO:
        return path.open("rb")

    return tally, open_source(opener, path.name, file)


def _any_meter(file: SourceFile) -> SourceFile:
    """The declaration without its check against the archive: there is no lake to ask."""
    assert file.readings is not None
    return file.model_copy(update={"readings": file.readings.model_copy(update={"known_meters": False})})


@dataclass(frozen=True)
class TimeAxis:
    """The intervals of consecutive civil days one after the other: an even grid of instants.

    Attributes:
        start_us: int64[t], start of each interval, µs since 1970-01-01 UTC.
        day: int32[t], days since 1970-01-01 of its civil day.
        wall_slot: int16[t], its place on the clock, 0 at midnight.
        first_of_day: int64[days + 1], index of each day's first interval.
    """

    start_us: NDArray[np.int64]
    day: NDArray[np.int32]
    wall_slot: NDArray[np.int16]
    first_of_day: NDArray[np.int64]


def time_axis(first: date, last: date, zone: str, interval_minutes: int) -> TimeAxis:
    """The axis from the first to the last civil day, both inclusive."""
    days = [CivilDay(date.fromordinal(d), zone) for d in range(first.toordinal(), last.toordinal() + 1)]
    slots = [day.wall_slots(interval_minutes) for day in days]
    counts = np.array([len(one) for one in slots], np.int64)
    first_us = round(days[0].start.timestamp() * 1e6)
    return TimeAxis(
        first_us + np.arange(counts.sum(), dtype=np.int64) * interval_minutes * 60_000_000,
        np.repeat([day.day.toordinal() - EPOCH for day in days], counts).astype(np.int32),
        np.concatenate([np.array(one, np.int16) for one in slots]),
        np.concatenate([[0], np.cumsum(counts)]),
    )


def home_series(source: SourceTables, axis: TimeAxis) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Meter ids and float32[meters, t] Wh per interval of the axis, NaN where missing; of a doubled value the last."""
    wh = np.full((len(source.meter_ids), len(axis.start_us)), np.nan, np.float32)
    first_day = int(axis.day[0])
    for rows in source.vectors:
        place = rows.day - first_day
        inside = np.flatnonzero((place >= 0) & (place < len(axis.first_of_day) - 1))
        kept = rows.take(inside.astype(np.int64))
        lengths = kept.offsets[1:] - kept.offsets[:-1]
        start = axis.first_of_day[kept.day - first_day]
        within = np.arange(kept.offsets[-1]) - np.repeat(kept.offsets[:-1], lengths)
        column = np.repeat(start, lengths) + within
        valid = kept.valid
        wh[np.repeat(kept.meter, lengths)[valid], column[valid]] = kept.values[valid]
    return source.meter_ids, wh
