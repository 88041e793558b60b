"""Every bill of the small county against a calculator that knows the price sheet alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, str]


def _csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _by_hand(
    prices: list[Row], wh: dict[str, int], fed_in: int, top_kw: Decimal, kva: Decimal, days: int, month: int
) -> Decimal:
    """The amount from price sheet, Wh by period, feed-in Wh, highest kW, kVA, days billed and days of the month."""
    kwh, total = Decimal(sum(wh.values())) / 1000, Decimal(0)
    for price in prices:
        rate, item = Decimal(price["RATE"]), price["ITEM"]
        if item == "energy":
            total += _cents(Decimal(wh.get(price["PERIOD"], 0)) / 1000 * rate)
        elif item == "government funds":
            total += _cents(kwh * rate)
        elif item == "feed-in credit":
            total += _cents(Decimal(fed_in) / 1000 * rate)
        elif item == "capacity charge":
            total += _cents((kva * days / month).quantize(Decimal("0.001"), ROUND_HALF_UP) * rate)
        elif item == "demand charge":
            total += _cents(top_kw.quantize(Decimal("0.001"), ROUND_HALF_UP) * rate)
        else:
            low = (Decimal(price["FROM_KWH"]) * days / month).quantize(Decimal(1), ROUND_HALF_UP)
            high = (Decimal(price["TO_KWH"] or "1e12") * days / month).quantize(Decimal(1), ROUND_HALF_UP)
            total += _cents(max(min(kwh, high) - low, Decimal(0)) * rate)
    return total


def test_every_bill_reconciles_with_clean_energy_and_price_sheet(dirty: Any) -> None:
    archive, simulation = dirty.sources / "archive", dirty.county.simulation
    prices: dict[str, list[Row]] = defaultdict(list)
    for row in _csv(archive / "tariff_price.csv"):
        prices[row["TARIFF_ID"]].append(row)
    hours = {}
    for row in _csv(archive / "tariff_period.csv"):
        for hour in range(int(row["FROM_HOUR"]), int(row["TO_HOUR"])):
            hours[row["TARIFF_ID"], int(row["MONTH"]), hour] = row["PERIOD"]
    contracts = {row["CONTRACT_ID"]: row for row in _csv(archive / "contract.csv")}
    place = {name: who for who, name in enumerate(simulation.premises.service_point_id)}
    tariffs_seen = set()
    assert not (dirty.sources / "billing" / "bill_2024-12.csv").exists()  # the window has two days of it
    for month in simulation.months[1:]:
        net = np.concatenate([simulation.net_wh(block, month) for block in simulation.blocks()])
        first, length = month.first, month.end - month.begin
        bills = _csv(dirty.sources / "billing" / f"bill_{month.name}.csv")
        assert len(bills) >= 140
        for bill in bills:
            contract = contracts[bill["CONTRACT_ID"]]
            begin, end = date.fromisoformat(bill["PERIOD_BEGIN"]), date.fromisoformat(bill["PERIOD_END"])
            days = net[place[contract["SP_ID"]], (begin - first).days : (end - first).days]
            wh: dict[str, int] = defaultdict(int)
            for hour in range(24):
                part = days[:, 4 * hour : 4 * hour + 4]
                wh[hours[contract["TARIFF_ID"], first.month, hour]] += int(part[part > 0].sum())
            expected = _by_hand(
                prices[contract["TARIFF_ID"]], wh, -int(days[days < 0].sum()), Decimal(int(max(days.max(), 0))) / 250,
                Decimal(contract["CAPACITY_KVA"]), (end - begin).days, length,
            )  # fmt: skip
            assert Decimal(bill["AMOUNT"]) == expected
            assert Decimal(bill["ENERGY_KWH"]) * 1000 == sum(wh.values())
            assert Decimal(bill["TAX"]) == _cents(expected * 13 / 113)
            tariffs_seen.add(contract["TARIFF_ID"])
    assert tariffs_seen >= {"RES-TIER", "RES-TOU", "GEN-TOU", "AGR-FLAT"} and tariffs_seen & {
        "IND-CAP",
        "IND-DEM",
    }


def test_lines_add_up_to_their_bill(dirty: Any) -> None:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for row in _csv(dirty.sources / "billing" / "bill_line_2025-02.csv"):
        assert Decimal(row["AMOUNT"]) == _cents(Decimal(row["QUANTITY"]) * Decimal(row["RATE"]))
        total[row["BILL_ID"]] += Decimal(row["AMOUNT"])
    bills = _csv(dirty.sources / "billing" / "bill_2025-02.csv")
    assert {row["BILL_ID"]: Decimal(row["AMOUNT"]) for row in bills if Decimal(row["AMOUNT"])} == {
        name: amount for name, amount in total.items() if amount
    }


def test_nobody_is_billed_for_days_without_a_contract(dirty: Any) -> None:
    ends = {}
    for row in _csv(dirty.sources / "archive" / "contract.csv"):
        ends[row["CONTRACT_ID"]] = (row["BEGIN_DATE"], row["END_DATE"] or "9999")
    for path in (dirty.sources / "billing").glob("bill_2*.csv"):
        for bill in _csv(path):
            begin, end = ends[bill["CONTRACT_ID"]]
            assert begin <= bill["PERIOD_BEGIN"] < bill["PERIOD_END"] <= end
            assert bill["PERIOD_END"] <= bill["ISSUE_DATE"] < bill["DUE_DATE"]
