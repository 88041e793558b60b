"""Whose a meter's readings are, day by day, through exchanges, moves and open ends."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema
from gridloop.engine.workspace import Workspace
from gridloop.insight.features.occupancy import BEGINNING, END, Occupancy, occupancies
from gridloop.testing.readings import utc

KNOWN = utc(2025, 1, 1)


def _write(lake: Lake, name: str, *rows: dict[str, Any]) -> None:
    spec = table(name)
    filled = [{"available_at": KNOWN, **row} for row in rows]
    schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(spec)])
    lake.writer(Stage.DATA).append(name, pa.Table.from_pylist(filled, schema=schema))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=2))


def _people(lake: Lake, *customers: str) -> None:
    _write(
        lake, "account", *({"account_id": f"a-{c}", "customer_id": c, "status": "active"} for c in customers)
    )


def _contract(customer: str, start: date, end: date | None = None, point: str = "s-1") -> dict[str, Any]:
    return {
        "contract_id": f"k-{customer}-{start}",
        "account_id": f"a-{customer}",
        "service_point_id": point,
        "valid_from": start,
        "valid_to": end,
    }


def _meter(lake: Lake, meter: str, point: str = "s-1") -> None:
    row = {"meter_id": meter, "service_point_id": point, "channel_set": "import_wh"}
    _write(lake, "meter", row | {"interval_minutes": 15, "zone": "Asia/Shanghai"})


def test_readings_belong_to_whoever_had_the_contract_on_that_day(lake: Lake) -> None:
    _people(lake, "old", "new")
    _write(
        lake,
        "contract",
        _contract("old", date(2024, 1, 1), date(2024, 7, 1)),
        _contract("new", date(2024, 7, 15)),
    )
    _meter(lake, "m-1")

    assert occupancies(lake.view())["m-1"] == [
        Occupancy("m-1", date(2024, 1, 1), date(2024, 7, 1), "old"),
        Occupancy("m-1", date(2024, 7, 15), END, "new"),
    ]


def test_an_exchanged_meter_counts_only_while_it_stood_there(lake: Lake) -> None:
    _people(lake, "c")
    _write(lake, "contract", _contract("c", date(2024, 1, 1)))
    stay = {"service_point_id": "s-1", "reason": "installed"}
    _write(
        lake,
        "meter_history",
        stay | {"meter_id": "m-1", "valid_from": date(2020, 1, 1), "valid_to": date(2024, 3, 5)},
        stay | {"meter_id": "m-2", "valid_from": date(2024, 3, 5), "valid_to": None, "reason": "exchanged"},
    )

    found = occupancies(lake.view())

    assert found["m-1"] == [Occupancy("m-1", date(2024, 1, 1), date(2024, 3, 5), "c")]
    assert found["m-2"] == [Occupancy("m-2", date(2024, 3, 5), END, "c")]


def test_contracts_of_one_customer_that_follow_each_other_are_one_stay(lake: Lake) -> None:
    _people(lake, "c")
    _write(
        lake,
        "contract",
        _contract("c", date(2024, 1, 1), date(2024, 6, 1)),
        _contract("c", date(2024, 6, 1), date(2025, 6, 1)),
    )
    _meter(lake, "m-1")

    assert occupancies(lake.view())["m-1"] == [Occupancy("m-1", date(2024, 1, 1), date(2025, 6, 1), "c")]


def test_a_meter_without_contract_is_nobodys(lake: Lake) -> None:
    _people(lake, "c")
    _write(lake, "contract", _contract("c", date(2024, 1, 1), point="s-2"))
    _meter(lake, "m-1")

    assert occupancies(lake.view()) == {}
    assert BEGINNING < END


def test_a_meter_that_nobody_has_is_absent_and_all_others_are_listed(lake: Lake) -> None:
    _people(lake, "one")
    _write(
        lake,
        "contract",
        _contract("one", date(2024, 1, 1)),
        _contract("one", date(2024, 1, 1), point="s-3") | {"contract_id": "k-3"},
    )
    for meter, point in (("m-9", "s-1"), ("m-10", "s-2"), ("m-é", "s-3"), ("m-1", "s-1")):
        _meter(lake, meter, point)

    found = occupancies(lake.view())

    assert list(found) == ["m-1", "m-9", "m-é"] and len(found) == 3
    assert "m-10" not in found and found.get("m-10") is None and 5 not in found
    assert found["m-é"] == [Occupancy("m-é", date(2024, 1, 1), END, "one")]
    assert dict(found) == {meter: found[meter] for meter in found}


def test_a_customers_stays_are_found_by_customer(lake: Lake) -> None:
    """Two meters of one customer, one of them somebody else's after a move."""
    _people(lake, "c", "d")
    _write(
        lake,
        "contract",
        _contract("c", date(2024, 1, 1), date(2024, 6, 1)),
        _contract("d", date(2024, 6, 1)),
        _contract("c", date(2024, 6, 1), point="s-2"),
    )
    _meter(lake, "m-1")
    _meter(lake, "m-2", "s-2")

    found = occupancies(lake.view())

    assert found.of_customer("c") == [
        Occupancy("m-1", date(2024, 1, 1), date(2024, 6, 1), "c"),
        Occupancy("m-2", date(2024, 6, 1), END, "c"),
    ]
    assert found.of_customer("d") == [Occupancy("m-1", date(2024, 6, 1), END, "d")]
    assert found.of_customer("b") == found.of_customer("e") == []
