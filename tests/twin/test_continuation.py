"""The county goes on after its first files: what was delivered stays, and only what is new comes."""

from __future__ import annotations

import csv
import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gridloop.domain.errors import UsageError
from gridloop.twin.county import County, DirtRates, TwinSettings

END = date(2025, 5, 17)
KNOWN: dict[str, Any] = {"customers": 40, "days": 50, "seed": 3, "end": END}


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def gone_on(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A county of fifty days that goes on for thirty: `first`, `later` and `truth`."""
    folder = tmp_path_factory.mktemp("gone on")
    county = County(TwinSettings(**KNOWN, continued_days=30))
    county.write_sources(folder / "first", truth=folder / "truth")
    county.write_continuation(folder / "later", truth=folder / "truth")
    return folder


def test_the_first_files_do_not_depend_on_how_long_the_county_goes_on(gone_on: Path, tmp_path: Path) -> None:
    County(TwinSettings(**KNOWN)).write_sources(tmp_path / "first", truth=tmp_path / "truth")
    assert _digests(tmp_path / "first") == _digests(gone_on / "first")
    truth = {
        name: digest for name, digest in _digests(gone_on / "truth").items() if "_continued." not in name
    }
    assert truth == _digests(tmp_path / "truth")


def test_a_day_does_not_depend_on_how_long_the_county_goes_on() -> None:
    short, long = (County(TwinSettings(**KNOWN, continued_days=days)).simulation for days in (20, 45))
    one, other = short.continuation.months[-1], long.continuation.months[-2]
    assert (one.first, one.end - one.begin, other.end - other.begin) == (date(2025, 6, 1), 6, 30)
    everybody = slice(0, 40)
    assert (short.net_wh(everybody, one) == long.net_wh(everybody, other)[:, :6]).all()


def test_files_of_a_month_that_was_begun_are_named_by_their_first_day(gone_on: Path) -> None:
    names = {str(path.relative_to(gone_on / "later")) for path in (gone_on / "later").rglob("*_20*")}
    energy = ("readings/readings_", "billing/bill_", "weather/")
    assert {name for name in names if name.startswith(energy)} == {
        "readings/readings_2025-05-18.parquet",
        "readings/readings_2025-06.parquet",
        "billing/bill_2025-05.csv",
        "billing/bill_line_2025-05.csv",
        "weather/weather_2025-05-18.csv",
    }


def test_only_days_after_the_window_are_delivered(gone_on: Path) -> None:
    later = gone_on / "later"
    days = [END + timedelta(days=1 + number) for number in range(30)]
    assert [row["DAY"] for row in _csv(later / "archive" / "calendar.csv")] == [f"{day}" for day in days]
    hours = {row["TIME"][:10] for row in _csv(later / "weather" / "weather_2025-05-18.csv")}
    assert hours == {f"{day}" for day in days}
    read = [pq.read_table(path) for path in (later / "readings").iterdir()]
    told = {day for table in read for day in table["DATE"].to_pylist()}
    assert told - {date(2099, 12, 31), date(1899, 12, 30)} == set(days)
    daily = pq.read_table(gone_on / "truth" / "daily_energy_continued.parquet")
    assert set(daily["day"].to_pylist()) == set(days)


def test_archives_say_what_they_said_when_nothing_changed(gone_on: Path) -> None:
    first, later = (_digests(gone_on / part) for part in ("first", "later"))
    again = {name for name in first if name.startswith(("archive", "personal"))} - {"archive/calendar.csv"}
    assert {name: later[name] for name in again} == {name: first[name] for name in again}


def test_the_month_that_the_window_cut_is_billed_as_a_whole(gone_on: Path) -> None:
    bills = _csv(gone_on / "later" / "billing" / "bill_2025-05.csv")
    assert {(row["PERIOD_BEGIN"], row["PERIOD_END"]) for row in bills} == {("2025-05-01", "2025-06-01")}
    energy = pq.read_table(gone_on / "truth" / "month_energy_continued.parquet").to_pylist()
    wh = sum(row["import_wh"] for row in energy if row["month"] == "2025-05")
    assert sum(round(float(row["ENERGY_KWH"]) * 1000) for row in bills) == wh


def test_what_comes_too_late_for_one_continuation_is_in_a_longer_one(tmp_path: Path) -> None:
    told = []
    for days in (20, 90):
        dirt = DirtRates(late=0.3)
        County(TwinSettings(**KNOWN, continued_days=days, dirt=dirt)).write_continuation(tmp_path / f"{days}")
        rows = [
            pq.read_table(path).to_pylist() for path in sorted((tmp_path / f"{days}" / "readings").iterdir())
        ]
        told.append(
            {(r["METER_ID"], r["DATE"], r["CHANNEL"], r["RECEIVED_AT"]): r for part in rows for r in part}
        )
    short, long = told
    assert all(long[key] == row for key, row in short.items())
    late = [key[3].date() for key in long if END < key[1] <= END + timedelta(days=20) and key not in short]
    assert len(late) > 100 and min(late) > END + timedelta(days=25)


def test_a_county_that_ends_can_not_go_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not go on"):
        County(TwinSettings(**KNOWN)).write_continuation(tmp_path)


def test_the_first_files_are_not_overwritten(gone_on: Path) -> None:
    before = _digests(gone_on / "first")
    with pytest.raises(UsageError, match="first files"):
        County(TwinSettings(**KNOWN, continued_days=30)).write_continuation(gone_on / "first")
    assert _digests(gone_on / "first") == before


def test_truth_among_the_later_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outside"):
        County(TwinSettings(**KNOWN, continued_days=3)).write_continuation(tmp_path, truth=tmp_path / "truth")


def test_a_negative_continuation_and_one_beyond_the_known_holidays_are_refused() -> None:
    with pytest.raises(UsageError, match="0 days or more"):
        TwinSettings(**KNOWN, continued_days=-1)
    with pytest.raises(UsageError, match="known holidays"):
        TwinSettings(end=date(2026, 12, 1), continued_days=31)


def test_nobody_moves_and_no_meter_changes_after_the_window() -> None:
    first, on = (County(TwinSettings(**KNOWN, continued_days=days)) for days in (0, 300))
    mine, theirs = first.simulation.premises, on.simulation.premises
    for name in ("connected", "vacant_from", "vacant_until", "exchanged", "ct_changed"):
        assert np.array_equal(getattr(mine, name), getattr(theirs, name))
    assert first.contracts.customer_id == on.contracts.customer_id
