"""A customer's own year under two tariffs: winners and losers, reasons instead of numbers, gaps owned up to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gridloop.domain.errors import UsageError
from gridloop.domain.interval import CivilDay
from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema, conform
from gridloop.engine.workspace import Workspace
from gridloop.strategy.repricing import REASONS, Repricing, RepricingSettings, offer_values, reprice
from gridloop.strategy.tariff import Tariff, load_tariff
from gridloop.testing.readings import day_vector, reading_rows, utc

FIRST, LAST = date(2023, 12, 1), date(2024, 12, 31)
DAYS = [FIRST + timedelta(days=d) for d in range((LAST - FIRST).days + 1)]
FLAT = [100] * 24
EVENING = [50] * 17 + [500] * 5 + [50] * 2
NIGHT = [500] * 7 + [50] * 17
BASE, OFFER = load_tariff("county-residential-flat"), load_tariff("tou-evening")

Profile = Callable[[date], list[int | None] | None]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=2))


def _write(lake: Lake, name: str, *rows: dict[str, Any]) -> None:
    schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])
    filled = [{"available_at": utc(2023, 1, 1), **row} for row in rows]
    lake.writer(Stage.DATA).append(name, pa.Table.from_pylist(filled, schema=schema))


def _home(lake: Lake, name: str, profile: Profile | None, **more: Any) -> None:
    """A customer with contract, meter and hourly readings; `more` changes contract and meter."""
    exported = more.pop("exported", None)
    _sign(lake, [name], **more)
    _read(lake, f"m-{name}", profile)
    _read(lake, f"m-{name}", exported, channel="export_wh")


def _sign(lake: Lake, names: list[str], channel_set: str = "import_wh", **more: Any) -> None:
    """A customer, contract and meter of each name."""
    contract = {"valid_from": date(2020, 1, 1), "tariff_id": "RES-TIER"} | more
    meter = {"channel_set": channel_set, "interval_minutes": 60, "zone": "Asia/Shanghai"}
    accounts, contracts, meters = [], [], []
    for name in names:
        place = {"service_point_id": f"s-{name}"}
        accounts.append({"account_id": f"a-{name}", "customer_id": f"c-{name}", "status": "active"})
        contracts.append({"contract_id": f"k-{name}", "account_id": f"a-{name}"} | place | contract)
        meters.append({"meter_id": f"m-{name}"} | place | meter)
    _write(lake, "account", *accounts)
    _write(lake, "contract", *contracts)
    _write(lake, "meter", *meters)


def _read(lake: Lake, meter: str, profile: Profile | None, **changes: Any) -> None:
    if profile is not None:
        rows = [day_vector(meter, d, wh, **changes) for d in DAYS if (wh := profile(d)) is not None]
        lake.writer(Stage.DATA).append_readings([reading_rows(rows)])


def _run(lake: Lake, base: Tariff = BASE, offer: Tariff = OFFER, **settings: Any) -> Repricing:
    return reprice(lake.view(), base, offer, RepricingSettings(**settings))


def _row(found: Repricing, name: str) -> dict[str, Any]:
    return next(row for row in found.rows.to_pylist() if row["contract_id"] == f"k-{name}")


def test_winners_and_losers_are_counted_and_the_largest_loser_is_named(lake: Lake) -> None:
    for name, wh in (("flat", FLAT), ("evening", EVENING), ("night", NIGHT)):
        _home(lake, name, lambda day, wh=wh: wh)

    found = _run(lake)

    assert (found.winners, found.losers, found.unchanged, found.computed) == (2, 1, 0, 3)
    row = _row(found, "flat")
    assert (row["window_start"], row["window_end"], row["days_used"]) == (date(2024, 1, 1), LAST, 366)
    # 2.4 kWh a day: a month of 31 days costs 74.4 × 0.4983 = 37.07 and 74.4 × 0.0276 = 2.05; 30 days 35.88 + 1.99;
    # February 69.6 kWh: 34.68 + 1.92.
    assert row["bill_now"] == 7 * Decimal("39.12") + 4 * Decimal("37.87") + Decimal("36.60")
    # The offer: 10 hours at 0.4183, 5 at 0.7483, 9 at 0.2283, 0.1 kWh an hour: 31 days 12.97 + 11.60 + 6.37 + 2.05.
    january = found.months.to_pylist()[12]
    assert january["contract_id"] == "k-flat" and january["energy_wh"] == 74_400
    assert january["bill_offered"] == Decimal("32.99")
    worst = min(found.rows.to_pylist(), key=lambda r: r["saving"])
    assert found.largest_loser == ("k-evening", worst["saving"])
    assert worst["saving"] < 0
    assert found.total_saving == sum(r["saving"] for r in found.rows.to_pylist())
    assert conform(table("offer_value"), found.rows).num_rows == 3


def test_months_add_up_to_the_year(lake: Lake) -> None:
    _home(lake, "evening", lambda day: EVENING)
    found = _run(lake)
    for column in ("bill_now", "bill_offered", "saving"):
        assert sum(found.months.column(column).to_pylist()) == _row(found, "evening")[column]


def test_an_offer_equal_to_the_base_saves_exactly_nothing(lake: Lake) -> None:
    rng = np.random.default_rng(3)
    _home(
        lake,
        "noisy",
        lambda day: [None if rng.random() < 0.02 else int(w) for w in rng.integers(0, 3000, 24)],
    )
    same = Tariff.model_validate(BASE.model_dump(mode="json") | {"name": "same"})
    found = _run(lake, offer=same)
    assert (found.unchanged, found.computed, found.total_saving) == (1, 1, 0)
    assert found.support.to_pylist()[0]["saving_margin"] == 0.0
    assert found.largest_loser is None


def test_what_cannot_be_computed_has_a_reason_and_no_number(lake: Lake) -> None:
    flat: Profile = lambda day: FLAT  # noqa: E731
    _home(lake, "kept", flat)
    _home(lake, "moved", flat, valid_from=date(2024, 3, 1))
    _home(lake, "left", flat, valid_to=date(2024, 12, 1))
    _home(lake, "silent", lambda day: FLAT if day.day < 25 else None)
    _home(lake, "sparse", lambda day: FLAT[:11] + [None] * 13)
    _home(lake, "other", flat, tariff_id="GEN-TOU")
    _home(lake, "unknown", flat, tariff_id=None)
    _home(lake, "net", None, channel_set="net_wh")
    _home(lake, "hole", lambda day: None if day.month == 6 else FLAT)

    found = _run(lake)

    reasons = {row["contract_id"][2:]: row["reason"] for row in found.rows.to_pylist()}
    assert reasons == {
        "kept": None,
        "moved": "too_few_days",
        "left": "too_few_days",
        "silent": "low_coverage",
        "sparse": "low_coverage",
        "other": "other_tariff",
        "unknown": "other_tariff",
        "net": "net_metered",
        "hole": "gap_too_long",
    }
    assert set(found.reasons) < set(REASONS)
    for row in found.rows.to_pylist():
        amounts = [row["bill_now"], row["bill_offered"], row["saving"]]
        assert all(amount is None for amount in amounts) == (row["reason"] is not None)
    assert found.computed + sum(found.reasons.values()) == found.rows.num_rows
    assert {row["contract_id"] for row in found.months.to_pylist()} == {"k-kept"}
    assumed = _run(lake, assume_base=True)
    assert _row(assumed, "other")["reason"] is None and _row(assumed, "unknown")["reason"] is None


def test_a_meter_exchange_joins_both_meters_days(lake: Lake) -> None:
    day = date(2024, 7, 10)
    _home(lake, "kept", lambda _: EVENING)
    _home(lake, "changed", lambda d: EVENING if d < day else None)
    meter = {"meter_id": "m-new", "service_point_id": "s-changed", "channel_set": "import_wh"}
    _write(lake, "meter", meter | {"interval_minutes": 60, "zone": "Asia/Shanghai"})
    places = (("m-changed", date(2020, 1, 1), day), ("m-new", day, None))
    _write(
        lake,
        "meter_history",
        *(
            {
                "meter_id": m,
                "service_point_id": "s-changed",
                "valid_from": a,
                "valid_to": b,
                "reason": "exchanged",
            }
            for m, a, b in places
        ),
    )
    _read(lake, "m-new", lambda d: EVENING if d >= day else None)

    found = _run(lake)

    amounts = ("bill_now", "bill_offered", "saving", "days_used", "reason")
    assert [_row(found, "changed")[a] for a in amounts] == [_row(found, "kept")[a] for a in amounts]


def test_feed_in_is_credited_and_export_meters_must_have_read_it(lake: Lake) -> None:
    both = {"channel_set": "import_wh,export_wh"}
    _home(lake, "sunny", lambda day: FLAT, **both, exported=lambda day: [0] * 10 + [1000] * 4 + [0] * 10)
    _home(lake, "plain", lambda day: FLAT)
    _home(lake, "unread", lambda day: FLAT, **both)
    found = _run(lake)
    # 4 kWh a day at 0.3844: 47.67 in 31 days (124 kWh), 46.13 in 30, 44.59 in 29.
    credit = 7 * Decimal("47.67") + 4 * Decimal("46.13") + Decimal("44.59")
    assert _row(found, "plain")["bill_now"] - _row(found, "sunny")["bill_now"] == credit
    assert _row(found, "sunny")["saving"] == _row(found, "plain")["saving"]
    assert _row(found, "unread")["reason"] == "low_coverage"


def test_suspects_and_estimates_are_filled_from_measured_values(lake: Lake) -> None:
    _home(lake, "plain", lambda day: FLAT)
    _home(lake, "spiky", None)
    spikes = {date(2024, 3, 9): 10, date(2024, 4, 9): 20}
    coded = [
        day_vector("m-spiky", day, [900_000, *FLAT[1:]], quality=[code] + [0] * 23)
        for day, code in spikes.items()
    ]
    rest = [day_vector("m-spiky", day, FLAT) for day in DAYS if day not in spikes]
    lake.writer(Stage.DATA).append_readings([reading_rows(coded + rest)])
    found = _run(lake)
    assert _row(found, "spiky")["bill_now"] == _row(found, "plain")["bill_now"]
    support = {row["contract_id"]: row for row in found.support.to_pylist()}
    assert support["k-spiky"]["filled_intervals"] == 2
    assert support["k-plain"]["filled_intervals"] == 0
    trusting = _run(lake, use_suspects=True)
    assert _row(trusting, "spiky")["bill_now"] > _row(found, "spiky")["bill_now"] + 400


def test_the_margin_of_filling_covers_the_truth(lake: Lake) -> None:
    rng = np.random.default_rng(8)
    rows, homes = [], 16
    for home in range(homes):
        shape = np.array(EVENING) * rng.uniform(0.5, 2)
        for day in DAYS:
            truth: list[int | None] = rng.gamma(2, shape / 2).round().astype(int).tolist()
            holed = list(truth)
            if rng.random() < 0.15:
                begin, end = sorted(rng.integers(0, 25, 2))
                holed[begin:end] = [None] * (end - begin)
            rows += [day_vector(f"m-t{home}", day, truth), day_vector(f"m-h{home}", day, holed)]
    _sign(lake, [f"{kind}{home}" for kind in "th" for home in range(homes)])
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])

    found = _run(lake)

    margin = {row["contract_id"]: row["saving_margin"] for row in found.support.to_pylist()}
    saving = {row["contract_id"]: float(row["saving"]) for row in found.rows.to_pylist()}
    assert all(margin[f"k-t{n}"] == 0 for n in range(homes))
    rounding = 12 * 0.02
    inside = [
        abs(saving[f"k-h{n}"] - saving[f"k-t{n}"]) <= margin[f"k-h{n}"] + rounding for n in range(homes)
    ]
    assert sum(inside) >= homes - 2
    # A twentieth of the year was filled, and the margin stays below a twentieth of what the home pays.
    paid = {row["contract_id"]: float(row["bill_now"]) for row in found.rows.to_pylist()}
    assert all(margin[f"k-h{n}"] < paid[f"k-h{n}"] / 20 for n in range(homes))


def test_an_event_priced_offer_needs_its_whole_price_series(tmp_path: Path) -> None:
    lake = Lake(Workspace.create(tmp_path / "l", zone="Europe/London", currency="GBP", buckets=1))
    days = [date(2013, 1, 1) + timedelta(days=d) for d in range(365)]
    _home(lake, "home", None, tariff_id="lcl-flat", valid_from=date(2012, 1, 1))
    rows = [
        day_vector("m-home", d, [100] * CivilDay(d, "Europe/London").interval_count(60), zone="Europe/London")
        for d in days
    ]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])
    base, offer = load_tariff("lcl-flat"), load_tariff("lcl-dtou")

    def call(first: int, count: int) -> None:
        schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table("price_series"))])
        prices = {"series_id": "lcl-dtou", "interval_minutes": 60, "price": Decimal(1), "currency": "GBP"}
        called = [
            prices
            | {
                "time": utc(2013, 1, 1) + timedelta(hours=h),
                "per_unit": "kWh",
                "available_at": utc(2013, 1, 1),
            }
            | {"label": "High" if h % 24 == 18 else "Low" if h % 24 < 6 else "Normal"}
            for h in range(first, first + count)
        ]
        lake.writer(Stage.DATA).append("price_series", pa.Table.from_pylist(called, schema=schema))

    with pytest.raises(UsageError, match="price series is not there"):
        reprice(lake.view(), base, offer)
    call(0, 8000)
    assert reprice(lake.view(), base, offer).reasons == {"no_price": 1}
    call(8000, 760)
    found = reprice(lake.view(), base, offer)
    # A year of 0.1 kWh an hour: one hour in 24 high, six low, seventeen normal.
    expected = 36.5 * (0.6720 + 6 * 0.0399 + 17 * 0.1176)
    row = found.rows.to_pylist()[0]
    assert float(row["bill_offered"]) == pytest.approx(expected, abs=0.2)
    assert float(row["bill_now"]) == pytest.approx(876 * 0.14228, abs=0.1)
    assert row["days_used"] == 365


def test_as_of_a_time_only_what_was_known_then_is_priced(lake: Lake) -> None:
    _home(lake, "home", lambda day: FLAT)
    assert _row(_run(lake), "home")["as_of"] == utc(2025, 1, 1, 16)
    early = reprice(lake.view().at(utc(2024, 6, 1)), BASE, OFFER).rows.to_pylist()[0]
    assert early["window_end"] == date(2024, 5, 30)
    assert early["reason"] == "low_coverage"


def test_tariffs_that_do_not_compare_and_empty_workspaces_are_refused(lake: Lake) -> None:
    with pytest.raises(UsageError, match="no readings to price"):
        _run(lake)
    _home(lake, "home", lambda day: FLAT)
    with pytest.raises(UsageError, match="their currency differs"):
        _run(lake, offer=load_tariff("lcl-flat"))
    with pytest.raises(UsageError, match="not in the currency of this workspace"):
        _run(lake, base=load_tariff("lcl-flat"), offer=load_tariff("lcl-flat"))


def test_capacity_is_taken_from_the_contract_and_asked_for(lake: Lake) -> None:
    two_part = Tariff.model_validate(
        OFFER.model_dump(mode="json") | {"name": "two", "capacity": {"rate": "2"}}
    )
    _home(lake, "known", lambda day: FLAT, capacity_kva=8.0)
    _home(lake, "unknown", lambda day: FLAT)
    found = _run(lake, offer=two_part)
    assert _row(found, "unknown")["reason"] == "no_capacity"
    assert _row(found, "known")["bill_offered"] - _row(_run(lake), "known")["bill_offered"] == 12 * 16


def test_an_offer_in_place_of_two_tariffs_keeps_the_row_of_the_one_that_a_contract_is_on(lake: Lake) -> None:
    _home(lake, "tiered", lambda day: FLAT)
    _home(lake, "plain", lambda day: EVENING, tariff_id="plain")
    _home(lake, "elsewhere", lambda day: FLAT, tariff_id="GEN-TOU")
    _home(lake, "moved", lambda day: FLAT, tariff_id="plain", valid_from=date(2024, 3, 1))
    plain = Tariff.model_validate(BASE.model_dump(mode="json") | {"name": "plain", "assigned_as": []})

    found = [_run(lake), _run(lake, base=plain)]
    rows = offer_values(found)

    assert rows.schema.names == found[0].rows.schema.names
    assert {row["contract_id"]: row["reason"] for row in rows.to_pylist()} == {
        "k-elsewhere": "other_tariff",
        "k-moved": "too_few_days",
        "k-plain": None,
        "k-tiered": None,
    }
    by_contract = {row["contract_id"]: row["saving"] for row in rows.to_pylist()}
    assert by_contract["k-tiered"] == _row(found[0], "tiered")["saving"]
    assert by_contract["k-plain"] == _row(found[1], "plain")["saving"]
    assert offer_values([]).num_rows == 0
