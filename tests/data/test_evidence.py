"""The evidence that the shipped recipes state is counted again in the published files, and the days they make."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from gridloop.data.recipe_store import load_recipe

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def lcl_readings(realdata: Path):
    return pq.read_table(realdata / "lcl" / "readings_halfhourly_2013.parquet")


def stamps_a_day(table, day: str) -> Counter:
    """How many homes have how many stamps on a published day."""
    of_day = table.filter(pc.equal(table["ts"].cast("date32"), date.fromisoformat(day)))
    counts = of_day.group_by("household_id").aggregate([("ts", "count")])["ts_count"].to_pylist()
    return Counter(counts)


def test_lcl_stamps_are_utc_because_clock_change_days_have_48(lcl_readings):
    assert stamps_a_day(lcl_readings, "2013-03-31") == {48: 60}
    assert stamps_a_day(lcl_readings, "2013-10-27") == {48: 56}


def test_lcl_stamps_mark_the_end_because_four_of_five_early_homes_stop_at_midnight(lcl_readings):
    last = lcl_readings.group_by("household_id").aggregate([("ts", "max")])["ts_max"].to_pylist()
    early = [stamp for stamp in last if stamp < datetime(2013, 12, 31, 23, 30)]
    assert len(early) == 5 and sum(stamp.hour == stamp.minute == 0 for stamp in early) == 4


def test_lcl_prices_are_local_because_high_events_begin_at_17_in_summer_and_winter(realdata: Path):
    table = pacsv.read_csv(realdata / "lcl" / "dtou_tariff_2013_halfhourly.csv")
    high = np.asarray(pc.equal(table["tariff"], "High"))
    stamps = table["ts"].to_pylist()
    starts = [stamps[row] for row in np.flatnonzero(high & ~np.r_[False, high[:-1]])]
    at_17 = [stamp for stamp in starts if stamp.hour == 17 and stamp.minute == 0]
    summer = [stamp for stamp in at_17 if datetime(2013, 3, 31) <= stamp < datetime(2013, 10, 27)]
    assert (len(summer), len(at_17) - len(summer)) == (11, 20)
    assert set(Counter(stamp.date() for stamp in stamps).values()) == {48}


def test_edrp_stamps_are_utc(realdata: Path):
    table = pq.read_table(realdata / "edrp" / "readings_halfhourly_2009.parquet")
    assert stamps_a_day(table, "2009-03-29") == {48: 414}
    day, slot = (
        table["ts"].cast("date32").to_pylist(),
        np.asarray(table["ts"].cast("int64")) // 1_800_000_000 % 48,
    )
    ordinal = np.array([0, *np.cumsum(np.diff([one.toordinal() for one in day]))]) + day[0].toordinal()
    workday = (ordinal - 1) % 7 < 5

    def steepest(first: date, last: date) -> int:
        chosen = workday & (ordinal >= first.toordinal()) & (ordinal < last.toordinal())
        kwh = np.asarray(table["kwh"])[chosen]
        mean = np.bincount(slot[chosen], kwh, 48) / np.bincount(slot[chosen], minlength=48)
        return 9 + int(np.diff(mean[8:20]).argmax())

    before, after = (
        steepest(date(2009, 3, 16), date(2009, 3, 28)),
        steepest(date(2009, 3, 30), date(2009, 4, 10)),
    )
    assert (before, after) == (15, 13)


def test_lcl_becomes_days_of_46_and_50_half_hours(site, realdata: Path):
    site.sources = realdata / "lcl"
    report = site.run(load_recipe("lcl"))
    rows = site.lake.view().arrow("reading", columns=["meter_id", "day", "wh", "interval_minutes", "channel"])
    slots = {day: set() for day in (date(2013, 3, 31), date(2013, 10, 27), date(2013, 6, 1))}
    for row in rows.to_pylist():
        if row["day"] in slots:
            slots[row["day"]].add(len(row["wh"]))
    assert slots == {date(2013, 3, 31): {46}, date(2013, 10, 27): {50}, date(2013, 6, 1): {48}}
    [readings] = [account for account in report.accounts if account.role == "readings"]
    assert readings.rows_in == readings.rows_accepted == 1_025_931
    total = sum(sum(value or 0 for value in row) for row in rows["wh"].to_pylist())
    source = pq.read_table(realdata / "lcl" / "readings_halfhourly_2013.parquet")["kwh"]
    assert total == int(np.rint(np.asarray(source, dtype=np.float64) * 1000).sum())
    check_lcl_surroundings(site)


def check_lcl_surroundings(site) -> None:
    """Prices, weather, calendar and archive of the same import."""
    calendar = {row["day"]: row for row in site.rows("calendar")}
    assert calendar[date(2013, 4, 1)]["holiday_name"] == "Easter Monday"
    assert calendar[date(2013, 5, 6)]["day_kind"] == "holiday"
    assert calendar[date(2013, 1, 4)]["day_kind"] == "workday"
    assert calendar[date(2012, 4, 6)]["holiday_name"] == "Good Friday"
    assert calendar[date(2013, 1, 1)]["holiday_name"] == "New Year?s Day"
    assert len(calendar) == 366 + 365 + 365
    assert Counter(row["tariff_id"] for row in site.rows("tariff_assignment")) == {
        "lcl-flat": 50,
        "lcl-dtou": 11,
    }
    prices = {row["time"]: row for row in site.rows("price_series")}
    assert len(prices) == 17_520  # two stamps do not exist in spring, two hold twice in autumn
    assert str(max(row["price"] for row in prices.values())) == "0.672000"
    # 01:00 and 01:30 of 31 March in the prices (row 89 · 48 + 2) and 01:20 and 01:50 in the weather
    assert site.reasons() == {"stamp_nonexistent": [4274, 4275, 8685, 8686]}
    assert sum(row["temperature_c"] is None for row in site.rows("weather")) == 2


def test_edrp_meters_become_customers_and_the_assumption_is_told(site, realdata: Path):
    site.sources = realdata / "edrp"
    report = site.run(load_recipe("edrp"))
    [account] = report.accounts
    assert (account.rows_in, account.rows_accepted) == (1_828_224, 1_828_224)
    assert [len(site.rows(table)) for table in ("customer", "contract", "meter", "service_point")] == [
        414
    ] * 4
    assert "import.assumption" in [finding.code for finding in report.findings]
    lengths = Counter((row["day"], len(row["wh"])) for row in site.lake.view().arrow("reading").to_pylist())
    assert lengths[date(2009, 3, 29), 46] == 414
    assert not site.lake.view().exists("weather")
