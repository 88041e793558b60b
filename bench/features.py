"""Features from the stored day-vectors against decoding them, DuckDB SQL, pandas, and a rescan for one new day.

Every side reads Parquet from a warm page cache with two threads; values are compared before time is.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.competitors.feature_data import (
    METERS_A_BUCKET,
    Fleet,
    long_files,
    make_fleet_aside,
    warm,
    write_days,
)
from bench.timing import interleaved, peak_rss_mb, row
from gridloop.kernels.cube import ALL_VALID, empty_cube, scatter_day_vectors, unpack_validity
from gridloop.kernels.features.catalogue import FEATURES
from gridloop.kernels.features.finalise import FeatureTable, features
from gridloop.kernels.features.layout import MonthState
from gridloop.kernels.features.state import merge, month_state

METERS_OF = {"small": 400, "full": 3000}
PANDAS_METERS = 30
DAYS = 365
ROUNDS = 5
EPOCH = 719163
COMPETITORS = Path(__file__).parent / "competitors"


@contextmanager
def fleet_of(
    size: str | int, days: int = DAYS, *, bucket: int = METERS_A_BUCKET, long: bool = False
) -> Iterator[Fleet]:
    """A fleet in a folder of its own, warm."""
    with tempfile.TemporaryDirectory() as folder:
        meters = METERS_OF[size] if isinstance(size, str) else size
        fleet = make_fleet_aside(Path(folder), meters, days, bucket, long=long)
        warm(sorted(Path(folder).glob("*.parquet")))
        yield fleet


def read_month(file: Path) -> pa.Table:
    """One bucket's month, decoded by the calling thread alone."""
    return pq.ParquetFile(file).read(use_threads=False)


def month_cube(fleet: Fleet, file: Path, begin: int, end: int) -> np.ndarray:
    """The month's readings as a cube; meters in the order of the file."""
    table = read_month(file).combine_chunks()
    lists = table["wh"].chunk(0)
    values = lists.values
    meter = table["meter"].to_numpy()
    valid = ALL_VALID
    if values.null_count:
        valid = unpack_validity(np.frombuffer(values.buffers()[0], np.uint8), values.offset, len(values))
    first = int(meter[0])
    day = table["day"].cast(pa.int32()).to_numpy() + EPOCH - int(fleet.calendar.ordinal[begin])
    cube = empty_cube(int(meter[-1]) - first + 1, end - begin, fleet.calendar.width)
    wh = np.frombuffer(values.buffers()[1], dtype=np.int32, count=len(values), offset=4 * values.offset)
    scatter_day_vectors(wh, valid, lists.offsets.to_numpy(), meter - first, day, cube)
    return cube


def bucket_states(fleet: Fleet, files: Sequence[Path]) -> list[MonthState]:
    """The month states of a bucket."""
    return [
        month_state(month_cube(fleet, file, begin, end), fleet.calendar.part(begin, end))
        for file, (begin, end) in zip(files, fleet.months(), strict=True)
    ]


def our_features(fleet: Fleet) -> list[FeatureTable]:
    """All features of all buckets, a thread a bucket, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda files: features(merge(bucket_states(fleet, files))), fleet.units))


def decode(fleet: Fleet) -> int:
    """Decode every file to Arrow and do nothing with it; readings seen."""
    files = [file for unit in fleet.units for file in unit]
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda file: len(read_month(file)["wh"].combine_chunks().values), files))


def against_decode(size: str | int, days: int = DAYS) -> dict[str, object]:
    """Features against reading the same files into Arrow."""
    with fleet_of(size, days) as fleet:
        our_features(fleet)
        assert decode(fleet) == fleet.readings
        ours, other = interleaved([lambda: our_features(fleet), lambda: decode(fleet)], ROUNDS)
        return _row(fleet, "decode of the stored list<int32>", ours, other, peak_rss_mb(), target=0.55)


def against_duckdb_day_vectors(size: str | int, days: int = DAYS) -> dict[str, object]:
    """Features against DuckDB SQL on the same files."""
    with fleet_of(size, days) as fleet:
        readings = [str(file) for unit in fleet.units for file in unit]
        return _against_duckdb(fleet, "features_day_vectors.sql", readings, "DuckDB SQL on day-vectors")


def against_duckdb_long(size: str | int, days: int = DAYS) -> dict[str, object]:
    """Features against DuckDB SQL on one row an interval."""
    with fleet_of(size, days, long=True) as fleet:
        readings = [str(path) for path in long_files(fleet)]
        return _against_duckdb(fleet, "features_long.sql", readings, "DuckDB SQL on long rows")


def _against_duckdb(fleet: Fleet, query: str, readings: list[str], name: str) -> dict[str, object]:
    import duckdb

    our_features(fleet)
    tables = our_features(fleet)
    memory = peak_rss_mb()
    days = write_days(fleet)
    sql = "\n".join(
        (COMPETITORS / file).read_text(encoding="utf-8") for file in (query, "features_shared.sql")
    )
    sql = sql.replace("$readings", str(readings)).replace("$days", str(fleet.days))
    connection = duckdb.connect(config={"threads": 2})
    connection.execute(f"CREATE TABLE days AS SELECT * FROM read_parquet('{days}')")

    def theirs() -> pa.Table:
        return connection.execute(sql).to_arrow_table()

    answer = theirs()
    check({name: answer[name].to_pylist() for name in answer.column_names}, tables)
    ours, other = interleaved([lambda: our_features(fleet), theirs], ROUNDS)
    return _row(fleet, name, ours, other, memory, target=8.0, compared=len(answer.column_names) - 1)


def against_pandas(size: str | int, days: int = DAYS) -> dict[str, object]:
    """Features against pandas on long rows of a few meters, time per reading."""
    from bench.competitors.feature_pandas import pandas_features

    with fleet_of(size, days, long=True) as fleet:
        our_features(fleet)
        tables = our_features(fleet)
        memory = peak_rss_mb()
        meters, facts = min(PANDAS_METERS, fleet.meters), write_days(fleet)
        readings = fleet.folder / "few.parquet"
        pq.write_table(pq.read_table(long_files(fleet)[0], filters=[("meter", "<", meters)]), readings)
        answer = pandas_features(readings, facts)
        check({name: answer[name].to_list() for name in answer.columns}, tables)
        ours, other = interleaved([lambda: our_features(fleet), lambda: pandas_features(readings, facts)], 3)
        scaled = [seconds * fleet.meters / meters for seconds in other]
        name = f"pandas on long rows, per reading, measured on {meters} meters"
        return _row(fleet, name, ours, scaled, memory, target=25.0, compared=len(answer.columns))


def new_day_against_rescan(size: str | int, days: int = DAYS) -> dict[str, object]:
    """A new day for all meters: its state merged to those of the months, against reading all again; CPU-seconds."""
    with fleet_of(size, days, bucket=1000) as fleet:
        begin, end = fleet.months()[-1]
        states = [bucket_states(fleet, files) for files in fleet.units]
        last = [month_cube(fleet, files[-1], begin, end) for files in fleet.units]
        part = fleet.calendar.part
        # The state of yesterday: everything before the last day, merged once a month and once a day.
        so_far = [
            merge([*s[:-1], month_state(np.ascontiguousarray(c[:, :-1]), part(begin, end - 1))])
            for s, c in zip(states, last, strict=True)
        ]
        new = [np.ascontiguousarray(c[:, -1:]) for c in last]

        def update() -> list[FeatureTable]:
            today = part(fleet.days - 1, fleet.days)
            return [features(merge([s, month_state(c, today)])) for s, c in zip(so_far, new, strict=True)]

        for ours_table, other_table in zip(update(), our_features(fleet), strict=True):
            np.testing.assert_allclose(ours_table.values, other_table.values, rtol=1e-9)
        ours, other = interleaved([update, lambda: our_features(fleet)], ROUNDS, clock=time.process_time)
        return _row(
            fleet, "a new day for all meters against a rescan", ours, other, peak_rss_mb(), target=40.0
        )


def check(theirs: dict[str, list[object]], tables: Sequence[FeatureTable]) -> None:
    """The other side's values equal ours: relative 1e-4, absolute below 1; the night quantile within 1 %."""
    for spec in FEATURES:
        if spec.name not in theirs:
            continue
        other = np.array(theirs[spec.name], dtype=np.float64)
        ours = np.concatenate([table.column(spec.name) for table in tables])[: len(other)]
        tolerance = 0.01 if spec.name == "night_base_load" else 1e-4
        np.testing.assert_allclose(ours, other, rtol=tolerance, atol=tolerance, err_msg=spec.name)


def _row(
    fleet: Fleet, name: str, ours: list[float], other: list[float], memory: float, **more: object
) -> dict[str, object]:
    label = f"features of {fleet.meters:,} meters × {fleet.days} days × 96: {name}"
    rate = fleet.readings / float(np.median(ours)) / 1e6
    return row(label, ours, other, memory, ours_million_readings_a_second=round(rate), **more)


ROWS = (
    against_decode,
    against_duckdb_day_vectors,
    against_duckdb_long,
    against_pandas,
    new_day_against_rescan,
)


def rows(size: str | int, days: int = DAYS) -> list[dict[str, object]]:
    """All rows, one after the other."""
    return [measure(size, days) for measure in ROWS]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.features", description=__doc__)
    parser.add_argument("--meters", type=int, default=METERS_OF["small"])
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--only", choices=[measure.__name__ for measure in ROWS])
    chosen = parser.parse_args()
    for measure in ROWS:
        if chosen.only in (None, measure.__name__):
            print(measure(chosen.meters, chosen.days), flush=True)


if __name__ == "__main__":
    main()
