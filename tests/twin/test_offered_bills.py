"""Bills of those who took the offer, against a calculator that knows tou-evening alone and against repricing's sums."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gridloop.kernels.calendar import day_calendar
from gridloop.kernels.pricing import energy_by_period
from gridloop.strategy.tariff import Use, load_tariff, price_map, price_use
from gridloop.strategy.tariff.bill import month_parts
from gridloop.twin.answers import Answers
from gridloop.twin.county import County, TwinSettings
from gridloop.twin.names import draw_contacts
from gridloop.twin.simulation import Month

END = date(2025, 5, 31)
SENT = datetime(2025, 6, 2, 2, 0, tzinfo=UTC)


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Homes offered a great deal, and the files of June and July 2025."""
    folder = tmp_path_factory.mktemp("offered")
    county = County(TwinSettings(customers=300, days=31, seed=6, end=END, continued_days=61))
    simulation, contracts = county.simulation, county.contracts
    contacts = draw_contacts(county.settings, simulation.premises, simulation.network, contracts)
    answers = Answers(county, folder / "truth")
    for row in range(len(contracts)):
        phone = contacts[row].phone
        if phone is not None and contracts.tariff_id[row] == "RES-TIER":
            answers.receive(f"m|{row}", "app", phone, SENT, {"tariff": "tou-evening", "saving": "900"})
    county.write_continuation(folder / "later", answers, truth=folder / "truth")
    return county, answers, folder


def _loads(story: Any, row: int, begin: date, end: date) -> np.ndarray:
    """int64 [days, 96] net Wh that the contract's meter counted."""
    county, answers, _ = story
    start = county.settings.start
    days = Month(begin.replace(day=1), (begin - start).days, (end - start).days)
    who = county.contracts.premise[row : row + 1]
    return county.simulation.net_wh(who, days, answers.responses())[0].astype(np.int64)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _by_hand(net: np.ndarray, days: int, month: int) -> Decimal:
    """tou-evening: 17–22 h 0.7483, 22–7 h 0.2283, else 0.4183; tiers at 230 and 400 kWh; funds; feed-in."""
    hour = np.arange(96) // 4
    taken = np.maximum(net, 0)
    kwh = {
        "0.7483": taken[:, (hour >= 17) & (hour < 22)].sum(),
        "0.2283": taken[:, (hour >= 22) | (hour < 7)].sum(),
        "0.4183": taken[:, (hour >= 7) & (hour < 17)].sum(),
    }
    total = sum((_cents(Decimal(int(wh)) / 1000 * Decimal(rate)) for rate, wh in kwh.items()), Decimal(0))
    energy = Decimal(int(taken.sum())) / 1000
    low, high = ((Decimal(end) * days / month).quantize(Decimal(1), ROUND_HALF_UP) for end in (230, 400))
    total += _cents(max(min(energy, high) - low, Decimal(0)) * Decimal("0.05"))
    total += _cents(max(energy - high, Decimal(0)) * Decimal("0.30"))
    total += _cents(energy * Decimal("0.0276"))
    return total - _cents(Decimal(int(-net[net < 0].sum())) / 1000 * Decimal("0.3844"))


def test_bills_under_the_offer_are_right_to_the_cent(story: Any) -> None:
    county, answers, folder = story
    row_of = {name: row for row, name in enumerate(county.contracts.contract_id)}
    enrolments = answers.responses().enrolments
    assert len(enrolments) > 15
    checked = 0
    for name, month in (("2025-06", 30), ("2025-07", 31)):
        for bill in _csv(folder / "later" / "billing" / f"bill_{name}.csv"):
            row = row_of[bill["CONTRACT_ID"]]
            begin, end = date.fromisoformat(bill["PERIOD_BEGIN"]), date.fromisoformat(bill["PERIOD_END"])
            enrolment = enrolments.get(row)
            if enrolment is None or not enrolment.since <= begin.toordinal() < enrolment.until:
                continue
            net = _loads(story, row, begin, end)
            assert Decimal(bill["AMOUNT"]) == _by_hand(net, (end - begin).days, month)
            assert round(float(bill["ENERGY_KWH"]) * 1000) == np.maximum(net, 0).sum()
            checked += 1
    assert checked > 30


def test_repricing_sums_and_bills_the_same_readings_alike(story: Any) -> None:
    county, answers, folder = story
    tariff, contracts = load_tariff("tou-evening"), county.contracts
    calendar = day_calendar(date(2025, 7, 1), 31, "Asia/Shanghai", 15)
    period = price_map(tariff, calendar)
    bills = {b["CONTRACT_ID"]: b for b in _csv(folder / "later" / "billing" / "bill_2025-07.csv")}
    compared = 0
    for row, enrolment in answers.responses().enrolments.items():
        if (
            enrolment.since <= date(2025, 7, 1).toordinal()
            and enrolment.until > date(2025, 7, 31).toordinal()
        ):
            net = _loads(story, row, date(2025, 7, 1), date(2025, 8, 1))
            cube = np.full((1, 31, 100), np.nan, np.float32)
            cube[0, :, :96] = np.maximum(net, 0)
            wh = energy_by_period(cube, period, np.zeros(31, np.int32), 3).wh
            fed = np.array([[-int(net[net < 0].sum())]])
            priced = price_use(tariff, Use(month_parts(date(2025, 7, 1), 31), wh, fed)).bill(0, 0)
            assert Decimal(bills[contracts.contract_id[row]]["AMOUNT"]) == priced.amount
            assert Decimal(bills[contracts.contract_id[row]]["TAX"]) == priced.tax
            compared += 1
    assert compared > 15


def test_a_month_in_which_somebody_enrolled_has_a_bill_for_each_tariff(story: Any) -> None:
    county, answers, folder = story
    by_contract = defaultdict(list)
    for bill in _csv(folder / "later" / "billing" / "bill_2025-06.csv"):
        by_contract[bill["CONTRACT_ID"]].append(bill)
    lines = defaultdict(set)
    for line in _csv(folder / "later" / "billing" / "bill_line_2025-06.csv"):
        lines[line["BILL_ID"]].add(line["ITEM"])
    for row, enrolment in answers.responses().enrolments.items():
        since = date.fromordinal(enrolment.since)
        if date(2025, 6, 1) < since < date(2025, 7, 1) and enrolment.until > date(2025, 7, 1).toordinal():
            before, after = by_contract[county.contracts.contract_id[row]]
            assert (before["PERIOD_BEGIN"], before["PERIOD_END"]) == ("2025-06-01", f"{since}")
            assert (after["PERIOD_BEGIN"], after["PERIOD_END"]) == (f"{since}", "2025-07-01")
            assert "energy flat" in lines[before["BILL_ID"]] and "energy flat" not in lines[after["BILL_ID"]]
            assert "energy evening" in lines[after["BILL_ID"]]
            assert after["BILL_ID"] == before["BILL_ID"] + "-2"


def test_bill_lines_add_up(story: Any) -> None:
    _, _, folder = story
    total: dict[str, Decimal] = defaultdict(Decimal)
    for line in _csv(folder / "later" / "billing" / "bill_line_2025-07.csv"):
        assert Decimal(line["AMOUNT"]) == _cents(Decimal(line["QUANTITY"]) * Decimal(line["RATE"]))
        total[line["BILL_ID"]] += Decimal(line["AMOUNT"])
    for bill in _csv(folder / "later" / "billing" / "bill_2025-07.csv"):
        assert total[bill["BILL_ID"]] == Decimal(bill["AMOUNT"])


def test_archives_carry_the_offered_tariff_from_the_first_day(story: Any) -> None:
    county, answers, folder = story
    contracts, last = county.contracts, county.settings.last_day.toordinal()
    states, assigned = defaultdict(list), defaultdict(list)
    for line in _csv(folder / "later" / "archive" / "contract.csv"):
        states[line["CONTRACT_ID"]].append((line["TARIFF_ID"], line["UPDATED_AT"][:10]))
    for line in _csv(folder / "later" / "archive" / "tariff_assignment.csv"):
        assigned[line["CONTRACT_ID"]].append((line["TARIFF_ID"], line["BEGIN_DATE"], line["END_DATE"]))
    for row, enrolment in answers.responses().enrolments.items():
        name, since = contracts.contract_id[row], date.fromordinal(enrolment.since)
        begins = date.fromordinal(int(contracts.begins[row]))
        assert states[name][1] == ("tou-evening", f"{since + timedelta(days=1)}")
        told = [
            ("RES-TIER", f"{begins}", ""),
            ("RES-TIER", f"{begins}", f"{since}"),
            ("tou-evening", f"{since}", ""),
        ]
        assert assigned[name][:3] == told
        if enrolment.until <= last:
            until = date.fromordinal(enrolment.until)
            assert states[name][2] == ("RES-TIER", f"{until + timedelta(days=1)}")
            assert assigned[name][3:] == [
                ("tou-evening", f"{since}", f"{until}"),
                ("RES-TIER", f"{until}", ""),
            ]


def test_the_truth_says_who_changed_what(story: Any) -> None:
    _, answers, folder = story
    told = pq.read_table(folder / "truth" / "response.parquet").to_pylist()
    responses = answers.responses()
    assert len(told) == len(responses.premise)
    assert sum(row["tariff"] is not None for row in told) == len(responses.enrolments)
    assert {row["tariff"] for row in told} == {None, "tou-evening"}
    daily = pq.read_table(folder / "truth" / "daily_energy_continued.parquet")
    assert min(daily["day"].to_pylist()) == END + timedelta(days=1)
