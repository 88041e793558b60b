"""Features by customer: windows follow contracts, absent months stay missing, memory is by bucket, as_of is kept."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridloop.domain.errors import LookAhead
from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema
from gridloop.engine.workspace import Workspace
from gridloop.insight.features.extract import FeatureSettings, extract_features
from gridloop.testing.readings import day_vector, reading_rows, utc

FIRST = date(2024, 1, 1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=2))
    _write(
        made,
        "account",
        *({"account_id": f"a-{c}", "customer_id": c, "status": "active"} for c in ("c1", "c2")),
    )
    _write(
        made,
        "meter",
        *(
            {"meter_id": m, "service_point_id": f"s-{m}", "channel_set": "import_wh", "interval_minutes": 60}
            | {"zone": "Asia/Shanghai"}
            for m in ("m1", "m2", "m3")
        ),
    )
    _write(
        made,
        "contract",
        _contract("c1", "m1", FIRST),
        _contract("c1", "m2", FIRST, date(2024, 3, 1)),
        _contract("c2", "m2", date(2024, 3, 1)),
    )
    return made


def _write(lake: Lake, name: str, *rows: dict[str, Any]) -> None:
    schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])
    filled = [{"available_at": utc(2024, 1, 1), **row} for row in rows]
    lake.writer(Stage.DATA).append(name, pa.Table.from_pylist(filled, schema=schema))


def _contract(customer: str, meter: str, start: date, end: date | None = None) -> dict[str, Any]:
    return {
        "contract_id": f"k-{customer}-{meter}",
        "account_id": f"a-{customer}",
        "service_point_id": f"s-{meter}",
        "valid_from": start,
        "valid_to": end,
    }


def _days(meter: str, start: date, end: date, wh: int) -> list[dict[str, Any]]:
    return [day_vector(meter, start + timedelta(days=d), [wh] * 24) for d in range((end - start).days)]


def _values(rows: pa.Table, feature: str) -> dict[tuple[str, str], float | None]:
    return {
        (r["customer_id"], r["meter_id"]): r["value"] for r in rows.to_pylist() if r["feature"] == feature
    }


def test_each_customer_is_described_by_the_days_that_were_theirs(lake: Lake) -> None:
    end = date(2024, 5, 1)
    readings = _days("m1", FIRST, end, 100) + _days("m2", FIRST, date(2024, 3, 1), 200)
    readings += _days("m2", date(2024, 3, 1), end, 500)
    lake.writer(Stage.DATA).append_readings([reading_rows(readings)])

    found = extract_features(lake.view())

    daily = _values(found.rows, "daily_mean")
    assert daily == {("c1", "m1"): 2400.0, ("c1", "m2"): 4800.0, ("c2", "m2"): 12000.0}
    total = _values(found.rows, "total_energy")
    assert total["c1", "m2"] == 60 * 4800.0
    windows = {
        (r["customer_id"], r["meter_id"]): (r["window_start"], r["window_end"])
        for r in found.rows.to_pylist()
    }
    assert windows["c1", "m2"] == (FIRST, date(2024, 2, 29))
    assert windows["c2", "m2"] == (date(2024, 3, 1), date(2024, 4, 30))
    assert (found.meters, found.readings) == (2, 242 * 24)


def test_a_month_without_readings_is_missing_not_skipped(lake: Lake) -> None:
    readings = _days("m1", FIRST, date(2024, 2, 1), 100) + _days(
        "m1", date(2024, 3, 1), date(2024, 4, 1), 100
    )
    lake.writer(Stage.DATA).append_readings([reading_rows(readings)])

    rows = extract_features(lake.view()).rows

    assert _values(rows, "missing_share")["c1", "m1"] == pytest.approx(29 / 91)
    assert _values(rows, "longest_missing")["c1", "m1"] == 29 * 24


def test_a_meter_that_nobody_has_is_named_and_not_described(lake: Lake) -> None:
    lake.writer(Stage.DATA).append_readings([reading_rows(_days("m3", FIRST, date(2024, 2, 1), 100))])

    found = extract_features(lake.view())

    assert found.rows.num_rows == 0
    assert [f.evidence for f in found.findings] == [{"meters": 1, "first": "m3"}]


def test_what_cannot_be_known_has_a_reason_instead_of_a_number(lake: Lake) -> None:
    lake.writer(Stage.DATA).append_readings([reading_rows(_days("m1", FIRST, date(2024, 3, 1), 100))])

    rows = [
        r
        for r in extract_features(lake.view()).rows.to_pylist()
        if r["value"] is None and r["vector"] is None
    ]

    reasons = {row["feature"]: row["reason"] for row in rows}
    assert None not in reasons.values()
    assert reasons["cooling_slope"] == "no_temperature"
    assert "growth_year_on_year" in reasons or "year_on_year_growth" in reasons


def test_features_as_of_a_time_see_only_what_was_known_then(lake: Lake) -> None:
    lake.writer(Stage.DATA).append_readings([reading_rows(_days("m1", FIRST, date(2024, 3, 1), 100))])
    view = lake.view().at(utc(2024, 2, 3))

    rows = extract_features(view).rows.to_pylist()

    assert {row["window_end"] for row in rows} == {date(2024, 2, 1)}
    assert {row["as_of"] for row in rows} == {utc(2024, 2, 2, 16)}
    with pytest.raises(LookAhead):
        view.arrow("reading", as_of=utc(2024, 3, 1))


def test_the_window_reaches_back_only_as_far_as_asked(lake: Lake) -> None:
    lake.writer(Stage.DATA).append_readings([reading_rows(_days("m1", FIRST, date(2024, 3, 1), 100))])

    rows = extract_features(lake.view(), FeatureSettings(window_days=10)).rows.to_pylist()

    assert {(r["window_start"], r["window_end"], r["days_used"]) for r in rows} == {
        (date(2024, 2, 20), date(2024, 2, 29), 10)
    }
