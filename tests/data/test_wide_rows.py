"""The 96-point table: cells and rows that are wrong, late, doubled or revised, counted to the interval."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from gridloop.domain.errors import SourceMismatch, SourceUnreadable

CHINA = timezone(timedelta(hours=8))
DAY = date(2025, 3, 3)
FLAT = [100] * 96


def arrival(day: date, hours: float = 27) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(hours=hours)


@pytest.fixture
def county(new_site, build):
    site = new_site("Asia/Shanghai", "CNY")
    site.write_csv("meter.csv", ["METER,KVA,MINUTES", "a,8,15", "b,8,15", "c,8,30", "d,,15"])
    return site


def run(site, build, rows, name="readings_1.parquet", zone="Asia/Shanghai", **settings):
    site.write_parquet(name, build.wide_rows(rows))
    report = site.run(build.recipe(build.wide_declaration(zone, **settings)))
    return report.accounts[-1]


def test_a_row_becomes_a_day_vector_with_its_arrival_as_knowledge_time(county, build):
    account = run(county, build, [("a", DAY, "import_wh", FLAT, arrival(DAY))])
    [row] = county.rows("reading")
    assert row["wh"] == FLAT and row["interval_minutes"] == 15 and row["zone"] == "Asia/Shanghai"
    assert row["available_at"] == arrival(DAY)
    assert (account.rows_in, account.rows_accepted, account.intervals_in, account.intervals_accepted) == (
        1,
        1,
        96,
        96,
    )


def test_nulls_are_missing_intervals_and_no_dirt(county, build):
    account = run(county, build, [("a", DAY, "import_wh", [None] * 6 + FLAT[6:], arrival(DAY))])
    assert (account.intervals_in, account.intervals_accepted, account.intervals_missing) == (90, 90, 6)
    assert county.rows("reading")[0]["wh"][:7] == [None] * 6 + [100]


def test_a_meter_of_30_minutes_uses_the_first_48_points(county, build):
    account = run(county, build, [("c", DAY, "import_wh", [100] * 48, arrival(DAY))])
    assert len(county.rows("reading")[0]["wh"]) == 48 and account.intervals_missing == 0


def test_more_intervals_than_the_day_has_are_quarantined(county, build):
    account = run(county, build, [("c", DAY, "import_wh", [100] * 50, arrival(DAY))])
    assert (account.rows_accepted, account.intervals_accepted, account.intervals_quarantined) == (1, 48, 2)
    assert county.reasons() == {"surplus_intervals": [0]}


def test_wrong_keys_quarantine_the_whole_row(county, build):
    rows = [
        ("a", DAY, "import_wh", FLAT, arrival(DAY)),
        ("zz", DAY, "import_wh", FLAT, arrival(DAY)),
        ("", DAY, "import_wh", FLAT, arrival(DAY)),
        ("a", date(2099, 12, 31), "import_wh", FLAT, arrival(DAY)),
        ("a", date(1899, 12, 30), "import_wh", FLAT, arrival(DAY)),
        ("a", DAY + timedelta(days=9), "import_wh", FLAT, arrival(DAY)),
        ("a", DAY, "heat", FLAT, arrival(DAY)),
        ("b", DAY, "import_wh", [None] * 96, arrival(DAY)),
    ]
    account = run(county, build, rows)
    assert county.reasons() == {
        "unknown_meter": [1],
        "blank_id": [2],
        "day_out_of_window": [3, 4],
        "day_after_arrival": [5],
        "unknown_channel": [6],
        "empty_row": [7],
    }
    assert (account.rows_in, account.rows_accepted, account.rows_quarantined) == (8, 1, 7)
    assert (account.intervals_in, account.intervals_accepted, account.intervals_quarantined) == (672, 96, 576)


def test_one_negative_cell_costs_one_interval_and_not_the_row(county, build):
    account = run(county, build, [("a", DAY, "import_wh", [-5, *FLAT[1:]], arrival(DAY))])
    assert (account.rows_accepted, account.intervals_accepted, account.intervals_quarantined) == (1, 95, 1)
    assert county.reasons() == {"negative_on_channel": [0]}
    assert county.rows("reading")[0]["wh"][:2] == [None, 100]


def test_negative_net_is_normal(county, build):
    account = run(county, build, [("a", DAY, "net_wh", [-5, *FLAT[1:]], arrival(DAY))])
    assert account.intervals_accepted == 96


def test_a_single_value_above_the_connection_is_taken_out(county, build):
    account = run(county, build, [("a", DAY, "import_wh", [3_001, *FLAT[1:]], arrival(DAY))])
    assert county.reasons() == {"above_connection_limit": [0]}
    assert (account.rows_accepted, account.intervals_quarantined) == (1, 1)


def test_a_day_in_another_unit_is_quarantined_whole(county, build):
    rows = [
        ("a", DAY, "import_wh", FLAT, arrival(DAY)),
        ("a", DAY + timedelta(days=1), "import_wh", [value * 1000 for value in FLAT], arrival(DAY, 51)),
        ("b", DAY, "import_wh", FLAT, arrival(DAY)),
    ]
    account = run(county, build, rows)
    assert county.reasons() == {"above_connection_limit": [1]}
    assert (account.rows_accepted, account.rows_quarantined, account.intervals_quarantined) == (2, 1, 96)


def test_a_whole_file_in_another_unit_is_refused(county, build):
    rows = [("a", DAY, "import_wh", [100_000] * 96, arrival(DAY))]
    with pytest.raises(SourceMismatch, match="do not look like Wh"):
        run(county, build, rows, typical_day_kwh=[1, 50])


def test_an_exact_duplicate_row_is_superseded(county, build):
    row = ("a", DAY, "import_wh", FLAT, arrival(DAY))
    account = run(county, build, [row, row, ("b", DAY, "import_wh", FLAT, arrival(DAY)), row])
    assert (account.rows_in, account.rows_accepted, account.rows_superseded) == (4, 2, 2)
    assert (account.intervals_accepted, account.intervals_superseded) == (192, 192)
    assert len(county.rows("reading")) == 2


def test_a_revised_row_of_the_same_file_is_appended_with_its_later_arrival(county, build):
    revised = [*FLAT[:95], 777]
    account = run(
        county,
        build,
        [("a", DAY, "import_wh", FLAT, arrival(DAY)), ("a", DAY, "import_wh", revised, arrival(DAY, 99))],
    )
    first, second = sorted(county.rows("reading"), key=lambda row: row["available_at"])
    assert first["wh"] == FLAT and second["wh"] == revised and second["available_at"] == arrival(DAY, 99)
    assert (account.rows_accepted, account.intervals_accepted, account.intervals_superseded) == (2, 97, 95)


def test_contradicting_rows_of_one_instant_keep_both_the_later_delivered_one_known_last(county, build):
    other = [*FLAT[:95], 777]
    site = county
    site.write_parquet(
        "readings_1.parquet",
        build.wide_rows(
            [("a", DAY, "import_wh", FLAT, arrival(DAY)), ("a", DAY, "import_wh", other, arrival(DAY))]
        ),
    )
    report = site.run(build.recipe(build.wide_declaration()))
    last = max(site.rows("reading"), key=lambda row: row["available_at"])
    assert last["wh"] == other and last["available_at"] == arrival(DAY) + timedelta(microseconds=1)
    assert "import.conflicting_rows" in [finding.code for finding in report.findings]


def test_a_second_delivery_appends_only_what_differs(county, build):
    rows = [("a", DAY, "import_wh", FLAT, arrival(DAY)), ("b", DAY, "import_wh", FLAT, arrival(DAY))]
    run(county, build, rows)
    late = ("a", DAY + timedelta(days=1), "import_wh", FLAT, arrival(DAY, 200))
    changed = ("b", DAY, "import_wh", [7, *FLAT[1:]], arrival(DAY, 300))
    account = run(county, build, [*rows, late, changed], name="readings_1.parquet")
    assert (account.rows_in, account.rows_accepted, account.rows_superseded) == (4, 2, 2)
    assert len(county.rows("reading")) == 4
    latest = county.lake.view().arrow("reading").to_pylist()
    assert {(row["meter_id"], row["day"]): row["wh"][0] for row in latest} == {
        ("a", DAY): 100,
        ("a", DAY + timedelta(days=1)): 100,
        ("b", DAY): 7,
    }


def test_a_value_that_is_missing_later_does_not_erase_the_known_one(county, build):
    run(county, build, [("a", DAY, "import_wh", FLAT, arrival(DAY))])
    partly = [None] * 90 + [5] * 6
    run(county, build, [("a", DAY, "import_wh", partly, arrival(DAY, 50))], name="readings_2.parquet")
    [row] = county.lake.view().arrow("reading").to_pylist()
    assert row["wh"] == [100] * 90 + [5] * 6


def test_an_older_version_that_arrives_later_stays_the_older_one(county, build):
    run(county, build, [("a", DAY, "import_wh", [9] * 96, arrival(DAY, 99))])
    account = run(county, build, [("a", DAY, "import_wh", FLAT, arrival(DAY))], name="readings_2.parquet")
    assert account.rows_accepted == 1
    assert county.lake.view().arrow("reading").to_pylist()[0]["wh"] == [9] * 96
    early = county.lake.view().arrow("reading", as_of=arrival(DAY, 30)).to_pylist()
    assert early[0]["wh"] == FLAT


def test_a_truncated_parquet_file_is_told_and_nothing_is_published(county, build):
    path = county.write_parquet(
        "readings_1.parquet", build.wide_rows([("a", DAY, "import_wh", FLAT, arrival(DAY))])
    )
    path.write_bytes(path.read_bytes()[:-300])
    before = county.lake.heads()
    with pytest.raises(SourceUnreadable, match="cannot be read as Parquet"):
        county.run(build.recipe(build.wide_declaration()))
    county.lake.restore(before)
    assert county.lake.heads() == before


def test_after_a_run_that_was_cut_off_the_import_runs_again_from_scratch(county, build):
    rows = [("a", DAY, "import_wh", FLAT, arrival(DAY)), ("b", DAY, "import_wh", [], arrival(DAY))]
    run(county, build, rows)
    whole = county.lake.view().digests()
    county.lake.restore({})
    assert county.lake.heads() == {}
    county.run(build.recipe(build.wide_declaration()))
    assert county.lake.view().digests() == whole


def test_a_channel_that_appears_later_is_news(county, build):
    run(county, build, [("a", DAY, "import_wh", FLAT, arrival(DAY))])
    account = run(county, build, [("a", DAY, "export_wh", FLAT, arrival(DAY))], name="readings_2.parquet")
    assert account.rows_accepted == 1 and len(county.rows("reading")) == 2


def test_wide_days_of_a_clock_change_are_cut_to_their_length(new_site, build):
    site = new_site()
    site.write_csv("meter.csv", ["METER,KVA,MINUTES", "a,8,15"])
    spring, autumn = date(2025, 3, 30), date(2025, 10, 26)
    rows = [
        ("a", spring, "import_wh", FLAT, arrival(spring, 40)),
        ("a", autumn, "import_wh", FLAT, arrival(autumn, 40)),
    ]
    account = run(site, build, rows, zone="Europe/London")
    assert {row["day"]: len(row["wh"]) for row in site.rows("reading")} == {spring: 92, autumn: 100}
    assert (account.intervals_quarantined, account.intervals_missing) == (4, 4)
