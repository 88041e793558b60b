from __future__ import annotations

from decimal import Decimal

from gridloop.twin.tariffs import TARIFFS, Usage, bill, hour_periods


def _usage(**changes: object) -> Usage:
    usual: dict[str, object] = {
        "imported_wh": (0, 0, 0, 0), "exported_wh": 0, "top_wh": 0, "interval_minutes": 15,
        "capacity_kva": Decimal(8), "days": 30, "days_in_month": 30,
    }  # fmt: skip
    return Usage(**(usual | changes))  # type: ignore[arg-type]


def test_a_home_of_five_hundred_kwh_pays_through_all_tiers() -> None:
    result = bill(TARIFFS["RES-TIER"], _usage(imported_wh=(0, 500_000, 0, 0)))
    # 500 × 0.4983 = 249.15; 170 × 0.05 = 8.50; 100 × 0.30 = 30.00; 500 × 0.0276 = 13.80
    assert [line.amount for line in result.lines] == [
        Decimal(x) for x in ("249.15", "8.50", "30.00", "13.80")
    ]
    assert result.amount == Decimal("301.45")
    assert result.tax == Decimal("34.68")  # 301.45 × 13 / 113 = 34.6801…


def test_half_a_month_has_half_the_tiers() -> None:
    result = bill(TARIFFS["RES-TIER"], _usage(imported_wh=(0, 215_000, 0, 0), days=15))
    # tiers end at 115 and 200 kWh: 85 kWh in the second, 15 in the third
    assert {line.item: line.quantity for line in result.lines}["tier 2 surcharge"] == Decimal(85)
    assert {line.item: line.quantity for line in result.lines}["tier 3 surcharge"] == Decimal(15)


def test_a_cent_is_rounded_half_up() -> None:
    result = bill(TARIFFS["AGR-FLAT"], _usage(imported_wh=(0, 125_000, 0, 0)))
    assert result.lines[1].amount == Decimal("3.45")  # 125 × 0.0276 = 3.45
    assert result.lines[0].amount == Decimal("58.90")  # 125 × 0.4712 = 58.90
    tiny = bill(TARIFFS["GEN-TOU"], _usage(imported_wh=(0, 10_000, 0, 0)))
    assert tiny.lines[0].amount == Decimal("7.46")  # 10 × 0.7455 = 7.455, half up


def test_maximum_demand_is_not_prorated_and_capacity_is() -> None:
    demand = bill(TARIFFS["IND-DEM"], _usage(imported_wh=(0, 1000, 0, 0), top_wh=100_000, days=10))
    assert next(line for line in demand.lines if line.unit == "kW").quantity == Decimal(
        400
    )  # 100 kWh in a quarter
    assert next(line for line in demand.lines if line.unit == "kW").amount == Decimal("16320.00")
    capacity = bill(TARIFFS["IND-CAP"], _usage(capacity_kva=Decimal(630), days=10))
    assert capacity.lines[0].quantity == Decimal(210) and capacity.amount == Decimal("5376.00")


def test_what_is_fed_in_is_a_negative_line() -> None:
    result = bill(TARIFFS["RES-TIER"], _usage(exported_wh=100_000))
    assert result.amount == Decimal("-38.44") and result.energy_wh == 0


def test_the_critical_peak_exists_in_july_only_in_the_evening() -> None:
    assert [hour for hour, code in enumerate(hour_periods("general", 7)) if code == 3] == [19, 20]
    assert 3 not in hour_periods("general", 4)
    assert set(hour_periods("flat", 7)) == {1}
    assert hour_periods("home", 1)[7:9] == (0, 2)
