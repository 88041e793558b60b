"""A small utility without a fault, into which tests of the rules plant theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridloop.data.quality.rules import CheckReport, check_tables
from gridloop.domain.table import Stage, TableSpec
from gridloop.domain.tables import CATALOGUE
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import day_vector, reading_rows, utc

Row = dict[str, Any]
KNOWN = utc(2025, 1, 1)
FIRST = date(2025, 1, 1)
HOMES = range(12)
DAYS = [FIRST + timedelta(days=n) for n in range(12)]


def permissive(spec: TableSpec) -> TableSpec:
    """The same table with nothing required, as an older version or another program may have written it."""
    return replace(spec, columns=tuple(replace(column, nullable=True) for column in spec.columns))


class Utility:
    """Rows by table; clean as made, changed by tests, then written into a workspace and checked."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = clean_rows()

    def __getitem__(self, table: str) -> list[Row]:
        return self.rows[table]

    def keep(self, tables: Iterable[str]) -> Utility:
        """Only these tables."""
        self.rows = {name: self.rows[name] for name in tables}
        return self

    def write(self, folder: Path) -> Lake:
        """Write all rows, whatever is wrong with them, and open the lake as the product does."""
        workspace = Workspace.create(folder, zone="Asia/Shanghai", currency="CNY", buckets=2)
        loose = Lake(workspace, {n: permissive(s) for n, s in CATALOGUE.items() if s.columns})
        writer = loose.writer(Stage.DATA)
        for name, rows in self.rows.items():
            if name == "reading":
                writer.append_readings([reading_rows(rows)])
            else:
                schema = pa.schema([f.with_nullable(True) for f in arrow_schema(CATALOGUE[name])])
                writer.append(name, pa.Table.from_pylist(rows, schema=schema))
        loose.close()
        return Lake(workspace)

    def check(self, folder: Path, **arguments: Any) -> tuple[CheckReport, list[Row]]:
        """The report of a check and the rows it wrote."""
        lake = self.write(folder)
        report = check_tables(lake.view(), lake.writer(Stage.DATA), **arguments)
        rows = lake.view().arrow("quality_finding").to_pylist()
        lake.close()
        return report, rows


def clean_rows() -> dict[str, list[Row]]:
    """Twelve homes with all that belongs to them, and twelve days of readings, weather and prices."""
    known = {"available_at": KNOWN}
    begins = {"valid_from": date(2024, 1, 1), "valid_to": None} | known
    place = {"latitude": 31.2, "longitude": 121.5}
    rows: dict[str, list[Row]] = {
        "region": [{"region_id": "R", "parent_id": None, "name": "County", "level": "county"} | known],
        "substation": [{"substation_id": "U", "region_id": "R"} | place | known],
        "feeder": [{"feeder_id": "F", "substation_id": "U"} | known],
        "transformer": [{"transformer_id": "T", "feeder_id": "F", "rated_kva": 400.0} | place | known],
    }
    for name in ("customer", "account", "service_point", "contract", "tariff_assignment", "meter"):
        rows[name] = []
    for n in HOMES:
        rows["customer"].append(
            {"customer_id": f"C{n:02}", "customer_class": "residential", "region_id": "R"} | known
        )
        rows["account"].append(
            {"account_id": f"A{n:02}", "customer_id": f"C{n:02}", "opened": date(2020, 1, 1), "closed": None}
            | {"status": "open"}
            | known
        )
        rows["service_point"].append(
            {"service_point_id": f"P{n:02}", "region_id": "R", "transformer_id": "T", "feeder_id": "F"}
            | {"capacity_kva": 8.0, "zone": "Asia/Shanghai"}
            | place
            | known
        )
        rows["contract"].append(
            {"contract_id": f"K{n:02}", "account_id": f"A{n:02}", "service_point_id": f"P{n:02}"}
            | {"tariff_id": "flat", "capacity_kva": 8.0}
            | begins
        )
        rows["tariff_assignment"].append({"contract_id": f"K{n:02}", "tariff_id": "flat"} | begins)
        rows["meter"].append(
            {"meter_id": f"M{n:02}", "service_point_id": f"P{n:02}", "channel_set": "import_wh"}
            | {"interval_minutes": 60, "zone": "Asia/Shanghai", "installed": date(2020, 1, 1)}
            | known
        )
    rows["meter_history"] = [
        {"meter_id": f"M{n:02}", "service_point_id": f"P{n:02}", "reason": "installed"} | begins
        for n in HOMES
    ]
    return rows | _series_rows() | _bill_rows() | _intake_rows()


def _series_rows() -> dict[str, list[Row]]:
    readings = [day_vector(f"M{n:02}", day, [500] * 24) for n in HOMES for day in DAYS]
    for row in readings:
        row["available_at"] -= timedelta(hours=20)
    hours = [utc(2025, 1, day.day, hour) for day in DAYS for hour in range(24)]
    late = timedelta(hours=1)
    return {
        "reading": readings,
        "completeness": [
            {"meter_id": f"M{n:02}", "channel": "import_wh", "day": day, "expected": 24, "present": 24}
            | {"estimated": 0, "suspect": 0, "zero": 0, "late_hours": 4.0}
            for n in HOMES
            for day in DAYS
        ],
        "weather": [
            {"station_id": station, "time": hour, "temperature_c": 5.0, "kind": "observed"}
            | {"available_at": hour + late}
            for station in ("W1", "W2")
            for hour in hours
        ],
        "price_series": [
            {"series_id": "day-ahead", "time": hour, "interval_minutes": 60, "price": Decimal("0.4")}
            | {"currency": "CNY", "per_unit": "kWh", "available_at": KNOWN}
            for hour in hours
        ],
        "calendar": [
            {"region_id": "R", "day": FIRST + timedelta(days=n), "day_kind": "workday", "season": "winter"}
            | {"available_at": KNOWN}
            for n in range(30)
        ],
    }


def _bill_rows() -> dict[str, list[Row]]:
    bills, lines = [], []
    for n in HOMES:
        for month in (11, 12):
            bill = f"B{n:02}-{month}"
            end = date(2024, 12, 1) if month == 11 else date(2025, 1, 1)
            known = {"available_at": utc(end.year, end.month, 5)}
            bills.append(
                {"bill_id": bill, "account_id": f"A{n:02}", "period_start": date(2024, month, 1)}
                | {"period_end": end, "energy_wh": 100_000, "amount": Decimal(60), "tax": Decimal("6.9")}
                | {"issued": end + timedelta(days=3), "due": end + timedelta(days=18), "status": "issued"}
                | known
            )
            lines += [
                {"bill_id": bill, "line": number, "item": "energy", "quantity": 50.0, "unit": "kWh"}
                | {"rate": Decimal("0.6"), "amount": Decimal(30)}
                | known
                for number in (1, 2)
            ]
    return {"bill": bills, "bill_line": lines}


def _intake_rows() -> dict[str, list[Row]]:
    files = [{"file_id": f"file-{n}", "recipe": "county", "role": "readings"} for n in range(3)]
    landed = {"recipe_version": "1", "name": "a.csv", "bytes": 9, "rows": 100, "received_at": KNOWN}
    landed |= {"purpose": "test", "provenance": "made up", "key_id": "k"}
    account = dict.fromkeys([c.name for c in CATALOGUE["row_account"] if c.name not in files[0]], 0)
    account |= {"rows_in": 100, "rows_accepted": 100, "intervals_in": 2400, "intervals_accepted": 2400}
    return {
        "landing_file": [file | landed for file in files],
        "row_account": [file | account for file in files],
    }


@pytest.fixture
def utility() -> Utility:
    """A utility without a fault."""
    return Utility()


@pytest.fixture(scope="session")
def new_utility() -> Callable[[], Utility]:
    """Makes a utility without a fault."""
    return Utility
