"""The twin's county imported whole: every planted fault of the rows is met, personal data goes to the vault only."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date

import pyarrow.parquet as pq
import pytest

from gridloop.data.recipe_store import load_recipe
from gridloop.security.pseudonym import Pseudonyms
from gridloop.twin.county import County
from gridloop.twin.settings import DirtRates, TwinSettings

RATES = DirtRates(
    duplicate=0.02,
    late=0.02,
    revised=0.02,
    unknown_meter=0.01,
    impossible_date=0.01,
    negative=0.01,
    unit_error=0.02,
    customer_duplicate=0.1,
)


@pytest.fixture(scope="module")
def county(shared_site, tmp_path_factory):
    site, truth = shared_site("Asia/Shanghai", "CNY"), tmp_path_factory.mktemp("truth")
    settings = TwinSettings(customers=40, days=75, seed=11, dirt=RATES)
    County(settings).write_sources(site.sources, truth=truth)
    site.report = site.run(load_recipe("county"))
    site.faults = pq.read_table(truth / "fault.parquet").to_pylist()
    return site


def test_every_planted_fault_is_quarantined_or_superseded_and_nothing_else_is(county):
    planted = Counter(fault["kind"] for fault in county.faults)
    reasons = {reason: len(rows) for reason, rows in county.reasons().items()}
    assert reasons == {
        "unknown_meter": planted["unknown_meter"],
        "day_out_of_window": planted["impossible_date"],
        "negative_on_channel": planted["negative"],
        "above_connection_limit": planted["unit_error"],
    }
    readings = [account for account in county.report.accounts if account.role == "readings"]
    assert sum(account.rows_superseded for account in readings) == planted["duplicate"]
    quarantined = sum(account.rows_quarantined for account in readings)
    assert quarantined == planted["unknown_meter"] + planted["impossible_date"] + planted["unit_error"]
    assert min(planted[kind] for kind in ("duplicate", "late", "revised", "unit_error", "negative")) > 5


def test_a_revised_day_holds_the_right_values_once_the_revision_is_known(county):
    names = Pseudonyms(county.vault, "meter")
    latest = {
        (row["meter_id"], row["channel"], row["day"]): row["wh"]
        for row in county.lake.view().arrow("reading").to_pylist()
    }
    revised = [fault for fault in county.faults if fault["kind"] in ("revised", "late")]
    for fault in revised:
        key = (names.of(fault["meter_id"]), fault["channel"], fault["day"])
        assert latest[key] == fault["true_wh"], key


def test_as_of_before_the_revision_shows_what_was_known_then(county):
    names = Pseudonyms(county.vault, "meter")
    fault = next(fault for fault in county.faults if fault["kind"] == "revised")
    rows = county.lake.view().arrow("reading", history=True).to_pylist()
    meter = names.of(fault["meter_id"])
    versions = [row for row in rows if (row["meter_id"], row["day"]) == (meter, fault["day"])]
    versions = sorted(
        (row for row in versions if row["channel"] == fault["channel"]), key=lambda row: row["available_at"]
    )
    assert (
        len(versions) == 2 and versions[0]["wh"] != fault["true_wh"] and versions[1]["wh"] == fault["true_wh"]
    )


def test_no_personal_value_or_source_id_reaches_the_lake(county):
    with (county.sources / "personal" / "contact.csv").open(encoding="utf-8") as handle:
        people = list(csv.DictReader(handle))
    assert people
    customers = {row["customer_id"] for row in county.rows("customer")}
    assert not customers & {person["CUST_ID"] for person in people}
    names = Pseudonyms(county.vault, "customer")
    known = county.vault.person(names.of(people[0]["CUST_ID"]))
    assert known["name"] == people[0]["NAME"] and known["address"] == people[0]["ADDRESS"]
    lake_bytes = b"".join(
        path.read_bytes() for path in county.workspace.lake_dir.rglob("*") if path.is_file()
    )
    landed = b"".join(path.read_bytes() for path in county.workspace.landing_dir.rglob("*") if path.is_file())
    for person in people[:5]:
        for value in (person["NAME"], person["ADDRESS"], person["CUST_ID"]):
            assert value.encode() not in lake_bytes and value.encode() not in landed


def test_ids_agree_between_the_tables(county):
    accounts = {row["account_id"]: row["customer_id"] for row in county.rows("account")}
    assert set(accounts.values()) <= {row["customer_id"] for row in county.rows("customer")}
    assert {row["account_id"] for row in county.rows("contract")} <= set(accounts)
    assert {row["account_id"] for row in county.rows("bill")} <= set(accounts)
    points = {row["service_point_id"] for row in county.rows("service_point")}
    assert {row["service_point_id"] for row in county.rows("meter")} <= points
    assert {row["meter_id"] for row in county.rows("reading")} <= {
        row["meter_id"] for row in county.rows("meter")
    }


def test_bills_are_exact_to_the_last_place(county):
    path = sorted((county.sources / "billing").glob("bill_2*.csv"))[0]
    with path.open(encoding="utf-8") as handle:
        first = next(csv.DictReader(handle))
    [row] = [row for row in county.rows("bill") if row["bill_id"] == first["BILL_ID"]]
    assert row["energy_wh"] == round(float(first["ENERGY_KWH"]) * 1000)
    assert f"{row['amount']:.2f}" == first["AMOUNT"]
    assert row["period_start"] == date.fromisoformat(first["PERIOD_BEGIN"])


@pytest.mark.parametrize(
    "table",
    [
        "payment",
        "interruption",
        "asset",
        "asset_event",
        "area_supply",
        "supplier",
        "interaction",
        "der_unit",
        "population",
        "economy",
        "map_feature",
    ],
)
def test_what_the_county_tells_beside_energy_is_in_the_lake(county, table):
    assert county.rows(table)
