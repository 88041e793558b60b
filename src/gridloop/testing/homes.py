"""Homes with account, contract, meter and readings, written through the real engine, for tests and conformance kits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pyarrow as pa

from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema
from gridloop.engine.view import LakeView
from gridloop.testing.readings import day_vector, reading_rows, utc

Profile = Callable[[date], list[int | None] | None]
"""The values of a day in Wh, None where one is missing; None for a day that never came."""


class Street:
    """Homes of one meter each, unless told otherwise: account a-NAME, customer c-NAME, meter m-NAME.

    Args:
        lake: where they are written.
        zone: of all of them.
    """

    def __init__(self, lake: Lake, zone: str) -> None:
        self.lake = lake
        self.zone = zone

    def write(self, name: str, *rows: dict[str, Any]) -> None:
        """Rows of a table, known since 2023."""
        schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])
        filled = [{"available_at": utc(2023, 1, 1), **row} for row in rows]
        self.lake.writer(Stage.DATA).append(name, pa.Table.from_pylist(filled, schema=schema))

    def account(self, name: str) -> None:
        """An account and nothing else."""
        self.write("account", {"account_id": f"a-{name}", "customer_id": f"c-{name}", "status": "active"})

    def contract(self, name: str, point: str | None = None, **more: Any) -> None:
        """A contract of the account at a service point, its own when not named."""
        place = point or f"s-{name}"
        row = {"contract_id": f"k-{name}-{place}", "account_id": f"a-{name}", "service_point_id": place}
        self.write("contract", row | {"valid_from": date(2020, 1, 1)} | more)

    def meter(self, name: str, point: str | None = None, **more: Any) -> None:
        """A meter at a service point."""
        row = {"meter_id": f"m-{name}", "service_point_id": point or f"s-{name}", "zone": self.zone}
        self.write("meter", row | {"channel_set": "import_wh", "interval_minutes": 60} | more)

    def read(self, name: str, days: Iterable[date], profile: Profile, **changes: Any) -> None:
        """Readings of a meter."""
        known = {"zone": self.zone} | changes
        rows = [day_vector(f"m-{name}", d, wh, **known) for d in days if (wh := profile(d)) is not None]
        self.lake.writer(Stage.DATA).append_readings([reading_rows(rows)])

    def home(self, name: str, days: Iterable[date], profile: Profile, **changes: Any) -> None:
        """Account, contract, meter and readings."""
        self.account(name)
        self.contract(name)
        self.meter(name)
        self.read(name, days, profile, **changes)

    def homes(self, profiles: dict[str, Profile], days: Iterable[date]) -> None:
        """Many homes at once, each with hourly readings, in one commit a table."""
        when = list(days)
        place = {name: {"service_point_id": f"s-{name}"} for name in profiles}
        self.write(
            "account",
            *({"account_id": f"a-{n}", "customer_id": f"c-{n}", "status": "active"} for n in profiles),
        )
        contract = {"valid_from": date(2020, 1, 1)}
        self.write(
            "contract",
            *({"contract_id": f"k-{n}", "account_id": f"a-{n}"} | place[n] | contract for n in profiles),
        )
        meter = {"zone": self.zone, "channel_set": "import_wh", "interval_minutes": 60}
        self.write("meter", *({"meter_id": f"m-{n}"} | place[n] | meter for n in profiles))
        rows = [
            day_vector(f"m-{name}", day, wh, zone=self.zone)
            for name, profile in profiles.items()
            for day in when
            if (wh := profile(day)) is not None
        ]
        self.lake.writer(Stage.DATA).append_readings([reading_rows(rows)])

    def view(self) -> LakeView:
        """Everything written."""
        return self.lake.view()
