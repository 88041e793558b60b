"""A small county whose customers are written feature by feature through the real engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema
from gridloop.engine.view import LakeView
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import utc

KNOWN = utc(2025, 1, 2)


class Town:
    """Rows to be written, table by table."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, name: str, **row: Any) -> None:
        """One row of a table."""
        self.rows.setdefault(name, []).append(row)

    def customer(self, customer_id: str, customer_class: str = "residential", **attributes: Any) -> None:
        """A customer with one account of the same number."""
        self.add("customer", customer_id=customer_id, customer_class=customer_class, **attributes)
        self.add("account", account_id=f"a-{customer_id}", customer_id=customer_id, status="active")

    def meter(self, customer_id: str, features: Mapping[str, Any], meter: str = "", **window: Any) -> None:
        """Features of one meter: a number, a list, or a text with the reason of absence."""
        common = {
            "customer_id": customer_id,
            "meter_id": meter or f"m-{customer_id}",
            "channel": "import_wh",
            "window_start": date(2024, 1, 1),
            "window_end": date(2024, 12, 31),
            "as_of": KNOWN,
            "days_used": 365,
            "coverage": 1.0,
        } | window
        for feature, value in features.items():
            kind = {str: "reason", list: "vector"}.get(type(value), "value")
            self.add("feature", feature=feature, **common, **{kind: value})

    def bill(
        self, customer_id: str, start: date, end: date, kwh: float, amount: str, number: int = 1
    ) -> None:
        """One bill of the customer's account."""
        self.add(
            "bill",
            bill_id=f"b-{customer_id}-{start}-{number}",
            account_id=f"a-{customer_id}",
            period_start=start,
            period_end=end,
            energy_wh=int(kwh * 1000),
            amount=amount,
            issued=end,
            status="issued",
        )

    def view(self) -> LakeView:
        """Everything written, and a view of it."""
        from decimal import Decimal

        for name, rows in self.rows.items():
            schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])
            filled = [{"available_at": KNOWN, **row} for row in rows]
            for row in filled:
                row |= {k: Decimal(row[k]) for k in ("amount",) if isinstance(row.get(k), str)}
            stage = Stage.INSIGHT if table(name).owner is Stage.INSIGHT else Stage.DATA
            self.lake.writer(stage).append(name, pa.Table.from_pylist(filled, schema=schema))
        self.rows.clear()
        return self.lake.view()


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """An empty town."""
    return Town(Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=1)))


@pytest.fixture
def said() -> Callable[[pa.Table, str], dict[str, Any]]:
    """Value of a tag by customer; the reason in brackets where there is none."""

    def read(rows: pa.Table, tag: str) -> dict[str, Any]:
        found = [row for row in rows.to_pylist() if row["tag"] == tag]
        return {r["customer_id"]: r["value"] if r["reason"] is None else f"[{r['reason']}]" for r in found}

    return read
