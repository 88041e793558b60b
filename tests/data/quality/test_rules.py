"""Every rule of the declarations and the rule book accuses the fault that was planted, once, and nothing else."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from gridloop.data.quality.rule import FAMILIES
from gridloop.data.quality.rules import check_tables
from gridloop.domain.finding import Severity
from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.testing.readings import day_vector, utc

TOLD_ANYWAY = ("rate.", "timeliness.unchanged")
"""Findings about clean tables too: they inform."""


def accused(rows: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """How many things each rule accuses, by table and rule."""
    return {
        (row["table_name"], row["rule"]): row["count"]
        for row in rows
        if not row["rule"].startswith(TOLD_ANYWAY)
    }


@pytest.fixture(scope="module")
def clean(new_utility, tmp_path_factory):
    return new_utility().check(tmp_path_factory.mktemp("clean") / "workspace")


def test_a_clean_utility_is_not_accused(clean):
    report, rows = clean
    assert accused(rows) == {}
    assert report.findings == ()
    assert report.counts["could_not_run"] == 0
    assert report.counts["tables"] == 20
    assert report.counts["findings"] == len(rows)


def test_rates_of_a_clean_utility_are_one(clean):
    _, rows = clean
    rates = {row["rule"]: row for row in rows if row["table_name"] == "workspace"}
    assert sorted(rates) == [
        "rate.accuracy",
        "rate.completeness",
        "rate.consistency",
        "rate.timeliness",
        "rate.uniqueness",
    ]
    assert all(json.loads(row["evidence"])["rate"] == 1 for row in rates.values())
    (readings,) = [row for row in rows if row["rule"] == "rate.readings"]
    assert readings["text"] == (
        "100.0 % of the 3,456 intervals expected of 12 meters (import_wh) came; 0 are estimated, 0 suspect."
    )


def plant_in_records(utility) -> dict[tuple[str, str], int]:
    """Faults in customers, accounts, contracts, service points and meters, and what accuses them."""
    customers, accounts, points = utility["customer"], utility["account"], utility["service_point"]
    customers.append(dict(customers[0]))
    customers[1]["customer_class"] = "palace"
    customers[2]["customer_class"] = None
    customers[3]["region_id"] = "nowhere"
    customers[4]["segment_source"] = "  "
    customers.append(customers[5] | {"customer_id": "../etc"})
    accounts[0]["closed"] = date(2019, 12, 31)
    accounts[1]["customer_id"] = "nobody"
    points[0]["latitude"] = 95.0
    points[1]["zone"] = "Asia/Peking"
    points[2]["capacity_kva"] = float("nan")
    points[3]["latitude"] = None
    points[4]["longitude"] = points[5]["longitude"] = None
    utility["contract"].append(
        utility["contract"][5] | {"contract_id": "K99", "valid_from": date(2024, 6, 1)}
    )
    utility["contract"][6]["valid_to"] = date(2024, 1, 1)
    utility["tariff_assignment"].append(
        utility["tariff_assignment"][8] | {"tariff_id": "night", "valid_from": date(2024, 6, 1)}
    )
    meters = utility["meter"]
    meters[2]["service_point_id"] = "nowhere"
    meters[3]["channel_set"] = "import_wh,gas"
    meters[4]["interval_minutes"] = 90
    utility["meter_history"].append(
        utility["meter_history"][7] | {"service_point_id": "P08", "valid_from": date(2024, 6, 1)}
    )
    return {
        ("customer", "key.unique"): 1,
        ("customer", "values.customer_class"): 1,
        ("customer", "required.customer_class"): 1,
        ("customer", "known.customer_class"): 1,
        ("customer", "reference.region_id"): 1,
        ("customer", "blank.segment_source"): 1,
        ("customer", "identifier.customer_id"): 1,
        ("customer", "linked.account"): 2,  # the impossible id, and the one whose account is nobody's
        ("account", "order.closed"): 1,
        ("account", "reference.customer_id"): 1,
        ("service_point", "range.latitude"): 1,
        ("service_point", "zone.name"): 1,
        ("service_point", "finite.capacity_kva"): 1,
        ("service_point", "known.latitude"): 1,
        ("service_point", "known.longitude"): 2,
        ("service_point", "linked.meter"): 1,
        ("contract", "overlap.service_point_id"): 1,
        ("contract", "order.valid_to"): 1,
        ("tariff_assignment", "overlap.contract_id"): 1,
        ("meter", "reference.service_point_id"): 1,
        ("meter", "form.channel_set"): 1,
        ("meter", "range.interval_minutes"): 1,
        ("meter", "agree.zone"): 1,  # the meter at the point in Asia/Peking
        ("reading", "agree.interval_minutes"): 12,  # the days of the meter that claims 90 minutes
        ("meter_history", "overlap.meter_id"): 1,
        ("meter_history", "agree.service_point_id"): 2,  # the meter nowhere, and the second stay
    }


def plant_in_series(utility) -> dict[tuple[str, str], int]:
    """Faults in bills, readings, weather and prices, and what accuses them."""
    bills = {row["bill_id"]: row for row in utility["bill"]}
    bills["B00-12"]["energy_wh"] = -5
    bills["B01-12"]["amount"] = Decimal(61)
    bills["B02-12"]["period_start"] = date(2024, 11, 15)
    bills["B03-12"]["period_end"] = date(2024, 12, 1)
    bills["B04-12"]["due"] = date(2024, 12, 24)
    for line in utility["bill_line"]:
        if line["bill_id"] == "B05-12":  # lines before tax are no fault: 2 × 26.55 + 6.90 = 60
            line["amount"] = Decimal("26.55")
    readings = utility["reading"]
    readings.append(dict(readings[5]))
    readings.append(day_vector("M98", date(2025, 1, 3), [1] * 24))
    utility["completeness"][0]["present"] = 25
    utility["weather"][7]["humidity_percent"] = 140.0
    utility["weather"][8]["kind"] = "guess"
    utility["price_series"][0]["currency"] = "yuan"
    return {
        ("bill", "bill.negative_energy"): 1,
        ("bill", "bill.lines"): 1,
        ("bill", "bill.overlap"): 1,
        ("bill", "order.period_end"): 1,
        ("bill", "order.due"): 1,
        ("reading", "key.unique"): 1,
        ("reading", "reference.meter_id"): 1,
        ("completeness", "plausible.present"): 1,
        ("weather", "range.humidity_percent"): 1,
        ("weather", "values.kind"): 1,
        ("price_series", "form.currency"): 1,
    }


@pytest.fixture(scope="module")
def dirty(new_utility, tmp_path_factory):
    """A lake with faults, what must be accused, and the report and rows of a check."""
    utility = new_utility()
    expected = plant_in_records(utility) | plant_in_series(utility)
    lake = utility.write(tmp_path_factory.mktemp("dirty") / "workspace")
    report = check_tables(lake.view(), lake.writer(Stage.DATA))
    rows = lake.view().arrow("quality_finding").to_pylist()
    yield lake, expected, report, rows
    lake.close()


def test_every_planted_fault_is_accused_once_and_nothing_else(dirty):
    _, expected, report, rows = dirty
    assert accused(rows) == expected
    assert report.counts["could_not_run"] == 0


def finding(rows: list[dict[str, Any]], table_name: str, rule: str) -> dict[str, Any]:
    """The one finding of a rule about a table."""
    (row,) = [r for r in rows if (r["table_name"], r["rule"]) == (table_name, rule)]
    return row


def test_a_finding_says_how_many_of_how_many_and_which(dirty):
    _, _, _, rows = dirty
    row = finding(rows, "service_point", "known.longitude")
    assert row["text"] == "longitude is not known in 2 of 12 rows of service_point (16.7 %)."
    assert (row["severity"], row["dimension"]) == ("warning", "completeness")
    assert json.loads(row["evidence"]) == {
        "rows": 12,
        "failing": 2,
        "share": 0.166667,
        "lacking": 0.1,
        "unknown": [],
        "tolerance_share": 0.1,
        "examples": ["P04", "P05"],
    }
    repeated = finding(rows, "reading", "key.unique")
    assert repeated["text"] == (
        "1 rows of reading repeat the key (meter_id, channel, day, available_at, revision) of another row."
    )
    assert json.loads(repeated["evidence"])["examples"] == ["M00|import_wh|2025-01-06"]


def test_a_share_within_its_tolerance_only_informs(dirty):
    _, _, report, rows = dirty
    assert finding(rows, "service_point", "known.latitude")["severity"] == "info"
    assert all(f.severity.rank >= Severity.WARNING.rank for f in report.findings)
    assert "known.latitude" not in {f.code for f in report.findings}
    ranks = [f.severity.rank for f in report.findings]
    assert ranks == sorted(ranks, reverse=True)


def test_a_value_that_may_be_anything_is_not_shown(dirty):
    _, _, _, rows = dirty
    assert "examples" not in json.loads(finding(rows, "customer", "identifier.customer_id")["evidence"])
    shown = {r["rule"]: r["evidence"] for r in rows if "../etc" in r["evidence"] or "../etc" in r["text"]}
    assert sorted(shown) == [], "an id that is no id stands in the evidence"


def test_a_second_check_writes_the_same_and_keeps_the_findings_about_readings(dirty):
    lake, _, _, rows = dirty
    spike = dict(rows[0], finding_id="of-readings", rule="reading.spike", run_at=utc(2025, 1, 1))
    stale = dict(rows[0], finding_id="of-yesterday", rule="range.gone")
    writer = lake.writer(Stage.DATA)
    schema = arrow_schema(table("quality_finding"))
    writer.replace("quality_finding", pa.Table.from_pylist([*rows, spike], schema=schema))
    before = lake.view().digest("quality_finding")
    writer.append("quality_finding", pa.Table.from_pylist([stale], schema=schema))
    progress: list[tuple[int, int]] = []
    check_tables(lake.view(), writer, progress=lambda done, total: progress.append((done, total)))
    assert lake.view().digest("quality_finding") == before
    assert progress == [(n, 20) for n in range(1, 21)]
    kept = [r for r in lake.view().arrow("quality_finding").to_pylist() if r["rule"] == "reading.spike"]
    assert [(r["finding_id"], r["run_at"]) for r in kept] == [("of-readings", utc(2025, 1, 1))]


def test_finding_ids_are_unique_and_sixteen_characters(dirty):
    _, _, _, rows = dirty
    ids = [row["finding_id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert {len(i) for i in ids} == {16}


def test_the_name_of_every_rule_begins_with_a_known_family(clean, new_utility, tmp_path):
    _, rows = clean
    utility = new_utility()
    plant_in_records(utility)
    _, faulty = utility.check(tmp_path / "faulty")

    families = {row["rule"].partition(".")[0] for row in [*rows, *faulty]}

    assert families <= FAMILIES
    assert len(families) > 10
