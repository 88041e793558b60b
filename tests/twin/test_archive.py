from __future__ import annotations

import csv
import itertools
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

FILES = {
    "region": "REGION_ID", "substation": "SUBS_ID", "feeder": "LINE_ID", "transformer": "TG_ID",
    "service_point": "SP_ID",
    "customer": "CUST_ID", "account": "ACCT_ID", "contract": "CONTRACT_ID", "meter": "METER_ID",
}  # fmt: skip


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def archive(dirty: Any) -> dict[str, list[dict[str, str]]]:
    return {path.stem: _csv(path) for path in (dirty.sources / "archive").glob("*.csv")}


def test_every_reference_leads_somewhere(archive: Any) -> None:
    known = {column: {row[column] for row in archive[name]} for name, column in FILES.items()}
    for rows in archive.values():
        for row in rows:
            for column in known:
                assert not row.get(column) or row[column] in known[column]


def test_identifiers_are_distinct_and_say_nothing_of_their_order(archive: Any) -> None:
    meters = [row["METER_ID"] for row in archive["meter"]]
    assert len(set(meters)) >= 150 and all(len(name) == 12 for name in meters)
    assert meters != sorted(meters)


def test_a_closed_contract_was_known_open_first(archive: Any) -> None:
    states = defaultdict(list)
    for row in archive["contract"]:
        states[row["CONTRACT_ID"]].append((row["UPDATED_AT"], row["END_DATE"]))
    closed = [sorted(rows) for rows in states.values() if len(rows) == 2]
    assert closed and all(rows[0][1] == "" and rows[1][1] for rows in closed)
    assert all(rows[1][0][:10] > rows[1][1] for rows in closed)


def test_contracts_of_one_service_point_never_overlap(archive: Any) -> None:
    last = {row["CONTRACT_ID"]: row for row in archive["contract"]}
    by_point = defaultdict(list)
    for row in last.values():
        by_point[row["SP_ID"]].append((row["BEGIN_DATE"], row["END_DATE"] or "9999"))
    for spans in by_point.values():
        spans.sort()
        assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))


def test_meter_history_covers_each_service_point_without_holes(archive: Any) -> None:
    final = {
        (row["METER_ID"], row["BEGIN_DATE"]): row
        for row in sorted(archive["meter_history"], key=lambda r: r["UPDATED_AT"])
    }
    by_point = defaultdict(list)
    for row in final.values():
        by_point[row["SP_ID"]].append(row)
    assert len(by_point) == 150
    for rows in by_point.values():
        rows.sort(key=lambda row: row["BEGIN_DATE"])
        assert rows[0]["REASON"] == "installed" and rows[-1]["END_DATE"] == ""
        assert all(a["END_DATE"] == b["BEGIN_DATE"] for a, b in itertools.pairwise(rows))
        assert all(
            (b["REASON"] == "exchanged") == (a["METER_ID"] != b["METER_ID"])
            for a, b in itertools.pairwise(rows)
        )


def test_archive_dirt_is_exactly_what_truth_lists(archive: Any, dirty: Any) -> None:
    faults = pq.read_table(dirty.truth / "archive_fault.parquet").to_pylist()
    kinds = {(f["table"], f["column"], f["kind"]): set() for f in faults}  # type: ignore[var-annotated]
    for fault in faults:
        kinds[fault["table"], fault["column"], fault["kind"]].add(fault["record"])
    true_class = {
        row["customer_id"]: row["true_class"]
        for row in pq.read_table(dirty.truth / "customer.parquet").to_pylist()
    }
    said = {row["CUST_ID"]: row["CUST_CLASS"] for row in archive["customer"]}
    assert {name for name, told in said.items() if not told} == kinds["customer", "CUST_CLASS", "missing"]
    wrong = {name for name, told in said.items() if told and told != true_class[name]}
    assert wrong == kinds["customer", "CUST_CLASS", "wrong"]
    twice = {
        name for name, count in Counter(row["CUST_ID"] for row in archive["customer"]).items() if count == 2
    }
    assert twice == kinds["customer", "", "duplicate"]
    points = archive["service_point"]
    assert {row["SP_ID"] for row in points if not row["LAT"]} == kinds["service_point", "LAT,LON", "missing"]
    assert {row["SP_ID"] for row in points if not row["TG_ID"]} == kinds["service_point", "TG_ID", "missing"]


def test_nobody_can_be_called_or_written_to(dirty: Any) -> None:
    contacts = _csv(dirty.sources / "personal" / "contact.csv")
    assert len(contacts) >= 150
    assert all(
        not row["PHONE"] or (row["PHONE"].startswith("111") and len(row["PHONE"]) == 11) for row in contacts
    )
    assert all(not row["EMAIL"] or row["EMAIL"].endswith(".example") for row in contacts)
    assert all(row["ADDRESS"].startswith("澜禾县") for row in contacts)


def test_calendar_and_weather_cover_every_day_once(archive: Any, dirty: Any) -> None:
    assert [row["DAY"] for row in archive["calendar"]] == [
        date.fromordinal(o).isoformat()
        for o in range(date(2024, 12, 30).toordinal(), date(2025, 4, 1).toordinal())
    ]
    hours = [row for path in sorted((dirty.sources / "weather").glob("*.csv")) for row in _csv(path)]
    observed = [row["TIME"] for row in hours if row["KIND"] == "observed"]
    assert len(observed) == len(set(observed)) == 92 * 24
    assert all(row["RECEIVED_AT"] < row["TIME"] for row in hours if row["KIND"] == "forecast")


def test_public_transformers_carry_their_customers(archive: Any) -> None:
    capacity: dict[str, float] = defaultdict(float)
    for row in archive["service_point"]:
        capacity[row["TG_ID"]] += float(row["CAPACITY_KVA"])
    for row in archive["transformer"]:
        assert (
            float(row["RATED_KVA"]) >= (0.29 if row["PUBLIC_FLAG"] == "Y" else 1.0) * capacity[row["TG_ID"]]
        )
