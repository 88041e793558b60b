"""A workspace with lake, landing zone and vault, and small sources with known dirt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridloop.data.ingest import ImportContext, ImportReport, execute_import
from gridloop.data.plan import plan_import
from gridloop.data.recipe import Recipe
from gridloop.data.recipe_store import parse_recipe
from gridloop.engine.lake import Lake
from gridloop.engine.workspace import Workspace
from gridloop.security.landing import LandingZone
from gridloop.security.vault import Vault

RECEIVED = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)


@dataclass
class Site:
    """One workspace and the folder its sources lie in."""

    workspace: Workspace
    lake: Lake
    vault: Vault
    zone: LandingZone
    sources: Path

    def run(self, recipe: Recipe, *, received_at: datetime = RECEIVED) -> ImportReport:
        """Plan and carry out one import."""
        plan = plan_import(recipe, self.sources, self.lake.view())
        return execute_import(plan, ImportContext(self.lake, self.zone, self.vault, received_at))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, every version."""
        return self.lake.view().arrow(table, history=True).to_pylist()

    def reasons(self) -> dict[str, list[int]]:
        """Source rows in quarantine by reason code."""
        found: dict[str, list[int]] = {}
        for row in self.rows("quarantine"):
            found.setdefault(row["reason_code"], []).append(row["source_row"])
        return {reason: sorted(rows) for reason, rows in found.items()}

    def write_csv(self, name: str, lines: Sequence[str]) -> Path:
        """A CSV source of these lines."""
        path = self.sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def write_parquet(self, name: str, table: pa.Table) -> Path:
        """A Parquet source."""
        path = self.sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        return path


NewSite = Callable[..., Site]


@contextmanager
def sites(folder: Path) -> Iterator[NewSite]:
    """Makes sites below a folder; closes their vaults in the end."""
    made: list[Site] = []

    def make(zone: str = "Europe/London", currency: str = "GBP") -> Site:
        root = folder / f"site-{len(made)}"
        workspace = Workspace.create(root / "ws", zone=zone, currency=currency, buckets=2)
        vault = Vault.create(workspace.vault_dir, workspace.config.id, root / "keys")
        sources = root / "sources"
        sources.mkdir()
        made.append(
            Site(workspace, Lake(workspace), vault, LandingZone(workspace.landing_dir, vault), sources)
        )
        return made[-1]

    yield make
    for site in made:
        site.lake.close()
        site.vault.close()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[NewSite]:
    """Makes sites for one test."""
    with sites(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewSite]:
    """Makes sites that the tests of a module share and only read."""
    with sites(tmp_path_factory.mktemp("shared")) as make:
        yield make


@pytest.fixture
def site(new_site: NewSite) -> Site:
    """A British workspace."""
    return new_site()


def head(name: str = "small", zone: str = "Europe/London") -> dict[str, Any]:
    """The part of a declaration that all small recipes share."""
    return {
        "name": name,
        "version": "1",
        "title": "A small source for tests",
        "zone": {"name": zone, "evidence": "made for this test"},
        "stamps": {"written_in": "utc", "marks": "end", "evidence": "made so for this test and nothing else"},
        "identity": {"kind": "pseudonymous", "evidence": "made for this test"},
        "origin": {"provenance": "written by the test", "purpose": "testing"},
        "available": {"rule": "end_of_day", "plus": "P1D", "basis": "made for this test"},
        "window": {"first_day": "2025-01-01", "last_day": "2025-12-31"},
    }


def long_declaration(**readings: Any) -> dict[str, Any]:
    """Half-hourly long readings in a CSV file: meter, ts (UTC, end), kwh."""
    return {
        **head(),
        "files": [
            {
                "role": "readings",
                "pattern": "readings*.csv",
                "format": "csv",
                "columns": {
                    "meter": {"type": "string", "pattern": "m\\d+"},
                    "ts": "instant",
                    "kwh": "number",
                },
                "readings": {
                    "meter": "meter",
                    "stamp": "ts",
                    "value": "kwh",
                    "channel": "import_wh",
                    "unit": "kWh",
                    "interval_minutes": 30,
                    "minimum": 0,
                    "maximum": 10,
                    "typical_day_kwh": [1, 50],
                    **readings,
                },
            }
        ],
    }


def wide_declaration(zone: str = "Asia/Shanghai", **readings: Any) -> dict[str, Any]:
    """An archive of meters with capacities, and the 96-point table in Parquet."""
    return {**head("wide", zone), "files": [meter_file(zone), wide_file(readings)]}


def meter_file(zone: str) -> dict[str, Any]:
    """An archive: meter = service point, with capacity and interval length."""
    return {
        "role": "meter",
        "pattern": "meter.csv",
        "format": "csv",
        "columns": {"METER": "string", "KVA": "number", "MINUTES": "integer"},
        "available": {"rule": "at", "at": "2025-01-01T00:00:00Z", "basis": "made for this test"},
        "feeds": [
            {
                "table": "meter",
                "columns": {
                    "meter_id": "METER",
                    "service_point_id": "METER",
                    "channel_set": {"constant": "import_wh"},
                    "interval_minutes": "MINUTES",
                    "zone": {"constant": zone},
                },
            },
            {
                "table": "service_point",
                "columns": {"service_point_id": "METER", "capacity_kva": "KVA", "zone": {"constant": zone}},
            },
        ],
    }


def wide_file(readings: dict[str, Any]) -> dict[str, Any]:
    """The 96-point table."""
    stamps = {"written_in": "offset", "evidence": "the file's type carries its zone"}
    return {
        "role": "readings",
        "pattern": "readings*.parquet",
        "format": "parquet",
        "columns": {
            "METER": "string",
            "DATE": "date",
            "CHANNEL": "string",
            "RECEIVED_AT": {"type": "instant", "stamps": stamps},
        },
        "available": {"rule": "column", "column": "RECEIVED_AT", "basis": "made for this test"},
        "readings": {
            "meter": "METER",
            "day": "DATE",
            "points": {"prefix": "P", "count": 96},
            "channel_column": "CHANNEL",
            "unit": "Wh",
            "interval_minutes": "meter",
            "typical_day_kwh": [1, 100],
            "connection_limit": 1.5,
            "known_meters": True,
            **readings,
        },
    }


def recipe(declaration: dict[str, Any]) -> Recipe:
    """The checked recipe of a declaration."""
    return parse_recipe(declaration)


def half_hours(meter: str, first_end: datetime, values: Sequence[object]) -> list[str]:
    """CSV lines of consecutive half-hours; `first_end` is the first end stamp in UTC."""
    stamps = [first_end + timedelta(minutes=30 * count) for count in range(len(values))]
    return [f"{meter},{stamp:%Y-%m-%d %H:%M:%S},{value}" for stamp, value in zip(stamps, values, strict=True)]


def wide_rows(rows: Sequence[tuple[str, date, str, Sequence[int | None], datetime]]) -> pa.Table:
    """The 96-point table of (meter, day, channel, values, received at)."""
    columns: dict[str, pa.Array] = {
        "METER": pa.array([row[0] for row in rows], pa.string()),
        "DATE": pa.array([row[1] for row in rows], pa.date32()),
        "CHANNEL": pa.array([row[2] for row in rows], pa.string()),
        "RECEIVED_AT": pa.array([row[4] for row in rows], pa.timestamp("us", tz="Asia/Shanghai")),
    }
    for point in range(96):
        cells = [row[3][point] if point < len(row[3]) else None for row in rows]
        columns[f"P{point + 1}"] = pa.array(cells, pa.int32())
    return pa.table(columns)


class Build:
    """Builders of declarations and rows, handed to tests as the fixture `build`."""

    head = staticmethod(head)
    long_declaration = staticmethod(long_declaration)
    wide_declaration = staticmethod(wide_declaration)
    recipe = staticmethod(recipe)
    half_hours = staticmethod(half_hours)
    wide_rows = staticmethod(wide_rows)
    received = RECEIVED


@pytest.fixture(scope="session")
def build() -> type[Build]:
    """Builders of declarations and rows."""
    return Build
