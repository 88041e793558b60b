"""The feature job over a lake: speed against decoding the same files, and memory as the fleet grows fourfold."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.timing import interleaved, peak_rss_mb, row
from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema
from gridloop.engine.workspace import Workspace
from gridloop.insight.features.extract import describe_customers
from gridloop.testing.readings import utc

METERS_OF = {"small": 500, "full": 3_000}
ROUNDS = 3
FIRST, MONTHS, POINTS = date(2024, 1, 1), 12, 96
KNOWN = utc(2023, 12, 1)


def make_fleet(folder: Path, meters: int) -> Lake:
    """A lake with a year of 15-minute readings of homes, one in fifty values missing, contracts for all."""
    lake = Lake(Workspace.create(folder, zone="Asia/Shanghai", currency="CNY", buckets=8))
    ids = [f"m-{i:07d}" for i in range(meters)]
    for name, rows in _archive(ids).items():
        schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])
        lake.writer(Stage.DATA).append(name, pa.Table.from_pylist(rows, schema=schema))
    lake.writer(Stage.DATA).append_readings(_months(ids))
    return lake


def _archive(ids: list[str]) -> dict[str, list[dict[str, object]]]:
    known = {"available_at": KNOWN}
    point = [known | {"meter_id": m, "service_point_id": m, "channel_set": "import_wh"} for m in ids]
    return {
        "account": [known | {"account_id": m, "customer_id": m, "status": "active"} for m in ids],
        "contract": [
            known | {"contract_id": m, "account_id": m, "service_point_id": m, "valid_from": FIRST}
            for m in ids
        ],
        "meter": [row | {"interval_minutes": 15, "zone": "Asia/Shanghai"} for row in point],
    }


def _months(ids: list[str]) -> Iterator[pa.Table]:
    rng = np.random.default_rng(1)
    hour = np.arange(POINTS) / 4
    shape = 60 + 200 * np.exp(-((hour - 19) ** 2) / 6)
    for month in range(1, MONTHS + 1):
        first = date(2024, month, 1)
        days = (date(2024 + month // 12, month % 12 + 1, 1) - first).days
        n = len(ids) * days
        values = (shape * rng.gamma(4, 0.25, (n, POINTS))).astype(np.int32).ravel()
        missing = rng.random(values.size) < 0.02 * (rng.random(n) < 0.1).repeat(POINTS)
        offsets = np.arange(0, values.size + 1, POINTS, dtype=np.int32)
        day = np.tile([first + timedelta(days=d) for d in range(days)], len(ids))
        yield pa.table(
            {
                "meter_id": np.repeat(ids, days),
                "channel": pa.repeat(pa.scalar("import_wh"), n),
                "day": pa.array(day, pa.date32()),
                "zone": pa.repeat(pa.scalar("Asia/Shanghai"), n),
                "interval_minutes": pa.repeat(pa.scalar(15, pa.int32()), n),
                "available_at": pa.repeat(pa.scalar(utc(2025, 2, 1), pa.timestamp("us", tz="UTC")), n),
                "revision": pa.repeat(pa.scalar(0, pa.int32()), n),
                "wh": pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, mask=missing)),
                "quality": pa.nulls(n, pa.list_(pa.field("element", pa.int32()))),
            }
        )


def describe(lake: Lake) -> None:
    """What the job does: rows of `feature` into the lake."""
    writer = lake.writer(Stage.INSIGHT)
    describe_customers(lake.view(), lambda rows: writer.replace("feature", rows), threads=2)


def job_against_decode(size: str) -> dict[str, object]:
    """The whole feature job, from files to rows of `feature`, against reading and decoding the same files."""
    with tempfile.TemporaryDirectory() as folder:
        lake = make_fleet(Path(folder) / "w", METERS_OF[size])
        view = lake.view()
        files = view.files("reading")

        def ours() -> None:
            describe(lake)

        def decode() -> None:
            for path in files:
                pq.read_table(path, columns=["wh"], partitioning=None)

        ours()
        own, other = interleaved([ours, decode], ROUNDS)
        name = f"feature job of {METERS_OF[size]:,} meters × 366 days × 96, decoding the same files"
        return row(name, own, other, peak_rss_mb())


def memory_of_four_fleets(size: str) -> dict[str, object]:
    """Peak memory of the feature job, four times the meters against once; a flat peak has a ratio near 1."""
    small = METERS_OF[size] // 4
    once, fourfold = _peak(small), _peak(4 * small)
    name = f"peak memory of the feature job, {4 * small:,} meters against {small:,}"
    return {
        "name": name,
        "ours": fourfold,
        "other": once,
        "ratio": round(once / fourfold, 2),
        "ratio_min": round(once / fourfold, 2),
        "ratio_max": round(once / fourfold, 2),
        "peak_rss_mb": fourfold,
        "unit": "MB",
        "rounds": 1,
    }


def _peak(meters: int) -> int:
    """Peak memory in MB of a process that only runs the job over a fleet made by another."""
    with tempfile.TemporaryDirectory() as folder:
        make_fleet(Path(folder) / "w", meters).close()
        command = [sys.executable, "-m", "bench.fleet", str(Path(folder) / "w")]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


ROWS = (job_against_decode, memory_of_four_fleets)

if __name__ == "__main__":
    describe(Lake(Workspace.open(sys.argv[1])))
    print(round(peak_rss_mb()))
