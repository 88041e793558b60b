"""Archives, bills and weather: typed, mapped, checked, and merged with what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gridloop.domain.errors import NothingToDo, SourceMismatch

HEADER = "CUST,CLASS,SINCE,CARE,CHANGED"


def customers(build, **changes):
    return {
        **build.head("people"),
        "files": [
            {
                "role": "customer",
                "pattern": "customer*.csv",
                "format": "csv",
                "columns": {
                    "CUST": "string",
                    "CLASS": "string",
                    "SINCE": "date",
                    "CARE": "boolean",
                    "CHANGED": {
                        "type": "instant",
                        "stamps": {"written_in": "offset", "evidence": "each value carries its own offset"},
                    },
                },
                "available": {"rule": "column", "column": "CHANGED", "basis": "made for this test"},
                "feeds": [
                    {
                        "table": "customer",
                        "columns": {
                            "customer_id": "CUST",
                            "customer_class": {
                                "column": "CLASS",
                                "default": "unknown",
                                "values": {"H": "residential", "S": "shop"},
                            },
                            "since": "SINCE",
                            "vulnerable": "CARE",
                        },
                    }
                ],
                **changes,
            }
        ],
    }


def run(site, build, lines, name="customer.csv"):
    site.write_csv(name, [HEADER, *lines])
    return site.run(build.recipe(customers(build))).accounts[-1]


def test_values_are_typed_mapped_and_defaulted(site, build):
    run(site, build, ["c1,H,2019-05-01,Y,2025-01-01T00:00:00+08:00", "c2,,,,2025-01-01T00:00:00+00:00"])
    first, second = sorted(site.rows("customer"), key=lambda row: row["customer_id"])
    assert (first["customer_class"], str(first["since"]), first["vulnerable"]) == (
        "residential",
        "2019-05-01",
        True,
    )
    assert first["available_at"] == datetime(2024, 12, 31, 16, tzinfo=UTC)
    assert (second["customer_class"], second["since"], second["vulnerable"]) == ("unknown", None, None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",H,2019-05-01,Y,2025-01-01T00:00:00Z", "blank_id"),
        ("c9,castle,2019-05-01,Y,2025-01-01T00:00:00Z", "not_in_value_set"),
        ("c9,H,2019-13-01,Y,2025-01-01T00:00:00Z", "unparsable_value"),
        ("c9,H,2019-05-01,perhaps,2025-01-01T00:00:00Z", "unparsable_value"),
        ("c9,H,2019-05-01,Y,", "missing_required"),
        ("c9,H,2019-05-01,Y", "malformed_row"),
    ],
)
def test_a_row_that_does_not_fit_is_quarantined(site, build, line, reason):
    good = [f"c{count},H,2019-05-01,N,2025-01-01T00:00:00Z" for count in range(5)]
    account = run(site, build, [*good[:2], line, *good[2:]])
    assert site.reasons() == {reason: [2]}
    assert (account.rows_in, account.rows_accepted, account.rows_quarantined) == (6, 5, 1)
    assert account.intervals_in == 0


def test_exact_duplicates_are_superseded_and_contradictions_keep_the_last(site, build):
    lines = [
        "c1,H,2019-05-01,N,2025-01-01T00:00:00Z",
        "c1,H,2019-05-01,N,2025-01-01T00:00:00Z",
        "c2,H,2019-05-01,N,2025-01-01T00:00:00Z",
        "c2,S,2019-05-01,N,2025-01-01T00:00:00Z",
    ]
    account = run(site, build, lines)
    assert (account.rows_accepted, account.rows_superseded) == (2, 2)
    assert {row["customer_id"]: row["customer_class"] for row in site.rows("customer")} == {
        "c1": "residential",
        "c2": "shop",
    }


def test_a_redelivered_archive_appends_only_changes(site, build):
    run(site, build, ["c1,H,,N,2025-01-01T00:00:00Z", "c2,H,,N,2025-01-01T00:00:00Z"])
    account = run(
        site,
        build,
        ["c1,H,,N,2025-02-01T00:00:00Z", "c2,S,,N,2025-02-01T00:00:00Z", "c3,S,,N,2025-02-01T00:00:00Z"],
    )
    assert (account.rows_accepted, account.rows_superseded) == (2, 1)
    rows = sorted(
        (row["customer_id"], row["customer_class"], row["available_at"].month)
        for row in site.rows("customer")
    )
    assert rows == [
        ("c1", "residential", 1),
        ("c2", "residential", 1),
        ("c2", "shop", 2),
        ("c3", "shop", 2),
    ]


def test_a_correction_without_a_new_stamp_is_known_when_it_was_received(site, build):
    run(site, build, ["c1,H,,N,2025-01-01T00:00:00Z"])
    run(site, build, ["c1,S,,N,2025-01-01T00:00:00Z"])
    latest = max(site.rows("customer"), key=lambda row: row["available_at"])
    assert latest["customer_class"] == "shop" and latest["available_at"] == build.received


def test_two_files_of_one_role_with_the_same_content_are_read_once(site, build):
    site.write_csv("customer_1.csv", [HEADER, "c1,H,,N,2025-01-01T00:00:00Z"])
    site.write_csv("customer_2.csv", [HEADER, "c1,H,,N,2025-01-01T00:00:00Z"])
    report = site.run(build.recipe(customers(build)))
    assert len(report.accounts) == 1


def test_a_raised_recipe_version_reads_the_same_files_again(site, build):
    run(site, build, ["c1,H,,N,2025-01-01T00:00:00Z"])
    with pytest.raises(NothingToDo):
        site.run(build.recipe(customers(build)))
    again = site.run(build.recipe({**customers(build), "version": "2"}))
    assert again.accounts[0].rows_superseded == 1 and len(site.rows("landing_file")) == 1
    assert site.rows("landing_file")[0]["recipe_version"] == "2"


def test_text_that_is_no_utf8_is_kept_with_a_mark(site, build):
    path = site.write_csv("customer.csv", [HEADER, "cX,H,,N,2025-01-01T00:00:00Z"])
    path.write_bytes(path.read_bytes().replace(b"cX", b"c\xff"))
    site.run(build.recipe(customers(build)))
    assert site.rows("customer")[0]["customer_id"] == "c�"


def test_amounts_in_another_currency_than_the_workspaces_are_refused(site, build):
    declared = {
        **build.head("bills"),
        "currency": "CNY",
        "files": [
            {
                "role": "bill_line",
                "pattern": "line.csv",
                "format": "csv",
                "columns": {"BILL": "string", "AMOUNT": "decimal"},
                "available": {"rule": "at", "at": "2025-01-01T00:00:00Z", "basis": "made for this test"},
                "feeds": [
                    {
                        "table": "bill_line",
                        "columns": {
                            "bill_id": "BILL",
                            "line": {"constant": 1},
                            "item": {"constant": "energy"},
                            "unit": {"constant": "kWh"},
                            "amount": {"column": "AMOUNT", "scale": 0.01},
                        },
                    }
                ],
            }
        ],
    }
    site.write_csv("line.csv", ["BILL,AMOUNT", "b1,123456789.01", "b2,-5"])
    with pytest.raises(SourceMismatch, match="brings amounts in CNY; this workspace keeps GBP"):
        site.run(build.recipe(declared))
    site.run(build.recipe({**declared, "currency": "GBP"}))
    amounts = {row["bill_id"]: row["amount"] for row in site.rows("bill_line")}
    assert amounts == {"b1": Decimal("1234567.890100"), "b2": Decimal("-0.050000")}


def test_source_row_numbers_count_the_rows_of_the_file(site, build):
    lines = []
    for count in range(3_000):
        bad = count % 1_000 == 7
        lines.append("broken" if bad else f"c{count},H,,N,2025-01-01T00:00:00Z")
    lines[1_500] = ",H,,N,2025-01-01T00:00:00Z"
    account = run(site, build, lines)
    assert site.reasons() == {"malformed_row": [7, 1007, 2007], "blank_id": [1500]}
    assert account.rows_in == 3_000


def test_two_columns_of_numbers_in_each_others_place_are_told_by_their_ranges(site, build):
    declared = {
        **build.head("sky"),
        "files": [
            {
                "role": "weather",
                "pattern": "weather.csv",
                "format": "csv",
                "columns": {
                    "TIME": "instant",
                    "TEMP": {"type": "number", "minimum": -40, "maximum": 45},
                    "PRESSURE": {"type": "number", "minimum": 900, "maximum": 1100},
                },
                "available": {"rule": "column", "column": "TIME", "basis": "made for this test"},
                "feeds": [
                    {
                        "table": "weather",
                        "columns": {
                            "station_id": {"constant": "s"},
                            "time": "TIME",
                            "temperature_c": "TEMP",
                            "kind": {"constant": "observed"},
                        },
                    }
                ],
            }
        ],
    }
    start = datetime(2025, 1, 1)
    lines = [f"{start + timedelta(hours=count)},{1000 + count},{count}" for count in range(30)]
    site.write_csv("weather.csv", ["TIME,TEMP,PRESSURE", *lines])
    with pytest.raises(SourceMismatch, match="Columns 'TEMP' and 'PRESSURE'"):
        site.run(build.recipe(declared))


@pytest.mark.parametrize("part_bytes", [200, 4_000, 8 << 20])
def test_a_file_is_judged_by_the_same_rows_in_whatever_parts_it_is_read(site, build, monkeypatch, part_bytes):
    monkeypatch.setattr("gridloop.data.sources.csv._BLOCK_BYTES", part_bytes)
    lines = [f"c{count},H,someday,N,2025-01-01T00:00:00Z" for count in range(20)]
    lines += [f"c{count},H,2019-05-01,N,2025-01-01T00:00:00Z" for count in range(20, 300)]
    account = run(site, build, lines)
    assert (account.rows_in, account.rows_accepted) == (300, 280)
    assert site.reasons() == {"unparsable_value": list(range(20))}
