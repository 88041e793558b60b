"""Long readings: every kind of dirt leaves with its reason, and the counts are exact."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from gridloop.domain.errors import AccountingError, NothingToDo, SourceMismatch, SourceUnreadable

HEADER = "meter,ts,kwh"


def imported(site, build, lines, declaration=None):
    site.write_csv("readings.csv", [HEADER, *lines])
    report = site.run(build.recipe(declaration or build.long_declaration()))
    return report, report.accounts[0]


def test_a_clean_winter_day_becomes_one_vector_of_48_whole_wh(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.25] * 48)
    report, account = imported(site, build, lines)
    assert (account.rows_in, account.rows_accepted, account.intervals_missing) == (48, 48, 0)
    [row] = site.rows("reading")
    assert row["day"] == date(2025, 1, 10) and row["wh"] == [250] * 48
    assert row["available_at"].isoformat() == "2025-01-12T00:00:00+00:00"
    assert dict(report.counts) == {"reading": 1}


def test_an_end_stamp_at_midnight_closes_the_day_before(site, build):
    imported(site, build, [*build.half_hours("m1", datetime(2025, 1, 11, 0, 0), [1.5])])
    [row] = site.rows("reading")
    assert row["day"] == date(2025, 1, 10) and row["wh"] == [None] * 47 + [1500]


def test_values_are_rounded_half_to_even(site, build):
    values = [0.0005, 0.0015, 0.0025, 0.00049, *[1] * 44]
    imported(site, build, build.half_hours("m1", datetime(2025, 1, 10, 0, 30), values))
    assert site.rows("reading")[0]["wh"][:4] == [0, 2, 2, 0]


def test_clock_change_days_have_46_and_50_half_hours(site, build):
    spring = build.half_hours("m1", datetime(2025, 3, 30, 0, 30), [0.1] * 46)
    autumn = build.half_hours("m1", datetime(2025, 10, 25, 23, 30), [0.1] * 50)
    _, account = imported(site, build, [*spring, *autumn])
    assert account.intervals_missing == 0
    assert {row["day"]: len(row["wh"]) for row in site.rows("reading")} == {
        date(2025, 3, 30): 46,
        date(2025, 10, 26): 50,
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",2025-01-10 00:30:00,0.2", "blank_id"),
        ("  ,2025-01-10 00:30:00,0.2", "blank_id"),
        ("x9,2025-01-10 00:30:00,0.2", "bad_id"),
        ("m1,yesterday,0.2", "unparsable_stamp"),
        ("m1,,0.2", "unparsable_stamp"),
        ("m1,2025-02-30 00:30:00,0.2", "unparsable_stamp"),
        ("m1,2031-01-10 00:30:00,0.2", "day_out_of_window"),
        ("m1,1899-12-30 00:30:00,0.2", "day_out_of_window"),
        ("m1,2025-01-10 00:47:00,0.2", "misaligned_stamp"),
        ("m1,2025-01-10 00:30:00,", "missing_value"),
        ("m1,2025-01-10 00:30:00,abc", "unparsable_value"),
        ("m1,2025-01-10 00:30:00,inf", "non_finite"),
        ("m1,2025-01-10 00:30:00,-0.2", "negative_on_channel"),
        ("m1,2025-01-10 00:30:00,99", "implausible_value"),
        ("m1,2025-01-10 00:30:00", "malformed_row"),
        ("m1,2025-01-10 00:30:00,0.2,extra", "malformed_row"),
    ],
)
def test_each_kind_of_dirt_is_quarantined_with_its_reason_and_counted(site, build, line, reason):
    good = build.half_hours("m1", datetime(2025, 1, 10, 1, 0), [0.2] * 20)
    _, account = imported(site, build, [*good[:7], line, *good[7:]])
    assert (account.rows_in, account.rows_accepted, account.rows_quarantined) == (21, 20, 1)
    assert (account.intervals_in, account.intervals_accepted, account.intervals_quarantined) == (21, 20, 1)
    assert site.reasons() == {reason: [7]}


def test_a_quarantined_row_is_kept_sealed_and_can_be_opened(site, build):
    from gridloop.security.seal import open_text

    good = build.half_hours("m1", datetime(2025, 1, 10, 1, 0), [0.2] * 20)
    imported(site, build, [*good, "m1,2025-01-10 00:30:00,-7"])
    [row] = site.rows("quarantine")
    assert "-7" not in row["row_sealed"]
    assert '"kwh": "-7"' in open_text(site.vault, row["row_sealed"])


def test_an_exact_duplicate_is_superseded(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    _, account = imported(site, build, [*lines, lines[3], lines[3]])
    assert (account.rows_in, account.rows_accepted, account.rows_superseded) == (50, 48, 2)


def test_of_two_contradicting_rows_the_one_delivered_last_holds(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    _, account = imported(site, build, [*lines, "m1,2025-01-10 00:30:00,0.9"])
    assert (account.rows_accepted, account.rows_superseded) == (48, 1)
    assert site.rows("reading")[0]["wh"][:2] == [900, 200]


def test_a_meter_in_another_unit_is_quarantined_whole(site, build):
    homes = [
        line
        for home in range(1, 6)
        for line in build.half_hours(f"m{home}", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    ]
    in_wh = build.half_hours("m9", datetime(2025, 1, 10, 0, 30), [200] * 48)
    _, account = imported(site, build, [*homes, *in_wh])
    assert (account.rows_accepted, account.rows_quarantined) == (240, 48)
    assert set(site.reasons()) == {"unit_suspect"}


def test_a_file_in_another_unit_is_refused_with_the_median_that_shows_it(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [200] * 48)
    declaration = build.long_declaration(maximum=10_000)
    with pytest.raises(SourceMismatch) as caught:
        imported(site, build, lines, declaration)
    text = str(caught.value)
    assert "do not look like kWh" in text and "9,600.000" in text and "would fit: Wh" in text
    assert caught.value.exit_code == 3


def test_swapped_columns_are_told_by_name(site, build):
    good = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    swapped = [",".join((meter, value, stamp)) for meter, stamp, value in (line.split(",") for line in good)]
    with pytest.raises(SourceMismatch, match=r"'ts' and 'kwh'.*look swapped|'kwh' and 'ts'.*look swapped"):
        imported(site, build, swapped)


def test_a_missing_column_is_told_with_what_was_found(site, build):
    site.write_csv("readings.csv", ["meter,time,kwh", "m1,2025-01-10 00:30:00,1"])
    with pytest.raises(SourceMismatch) as caught:
        site.run(build.recipe(build.long_declaration()))
    assert caught.value.evidence["missing"] == "ts" and "time" in str(caught.value.evidence["found"])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02PAR1"])
def test_a_file_that_is_no_csv_is_told(site, build, content):
    (site.sources / "readings.csv").write_bytes(content)
    with pytest.raises(SourceUnreadable, match="cannot be read as CSV"):
        site.run(build.recipe(build.long_declaration()))


def test_a_missing_file_is_told_with_the_pattern(site, build):
    with pytest.raises(SourceUnreadable) as caught:
        site.run(build.recipe(build.long_declaration()))
    assert caught.value.evidence["pattern"] == "readings*.csv"


def test_a_second_import_of_the_same_files_has_nothing_to_do(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    imported(site, build, lines)
    before = site.lake.view().digests()
    with pytest.raises(NothingToDo):
        site.run(build.recipe(build.long_declaration()))
    assert site.lake.view().digests() == before


def test_ambiguous_local_stamps_of_a_25_hour_day_are_read_in_order(site, build):
    declaration = build.long_declaration()
    declaration["stamps"] |= {"written_in": "local", "marks": "start", "ambiguous": "in_order"}
    wall = ["00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]
    lines = [f"m1,2025-10-26 {stamp}:00,{0.1 * (1 + count):.1f}" for count, stamp in enumerate(wall)]
    _, account = imported(site, build, lines, declaration)
    assert (account.rows_accepted, account.rows_superseded) == (7, 0)
    [row] = site.rows("reading")
    assert len(row["wh"]) == 50 and row["wh"][:7] == [100, 200, 300, 400, 500, 600, 700]


def test_ambiguous_local_stamps_may_be_refused_instead(site, build):
    declaration = build.long_declaration()
    declaration["stamps"] |= {"written_in": "local", "marks": "start", "ambiguous": "refuse"}
    wall = ["00:00", "00:30", "01:00", "01:30", "02:00"]
    imported(site, build, [f"m1,2025-10-26 {stamp}:00,0.1" for stamp in wall], declaration)
    assert site.reasons() == {"stamp_ambiguous": [2, 3]}


def test_a_local_stamp_that_the_clock_skipped_is_quarantined(site, build):
    declaration = build.long_declaration()
    declaration["stamps"] |= {"written_in": "local", "marks": "start"}
    wall = ["00:00", "00:30", "01:00", "02:00", "02:30"]
    _, account = imported(site, build, [f"m1,2025-03-30 {stamp}:00,0.1" for stamp in wall], declaration)
    assert site.reasons() == {"stamp_nonexistent": [2]}
    assert site.rows("reading")[0]["wh"][:4] == [100, 100, 100, 100]
    assert account.rows_accepted == 4


def test_power_becomes_energy_of_its_interval(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.5] * 48)
    imported(site, build, lines, build.long_declaration(unit="kW", multiplier=2))
    assert site.rows("reading")[0]["wh"] == [500] * 48


def test_net_readings_may_be_negative(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [-0.5] * 24 + [0.5] * 24)
    _, account = imported(site, build, lines, build.long_declaration(channel="net_wh", minimum=-10))
    assert account.rows_accepted == 48 and site.rows("reading")[0]["wh"][0] == -500


def test_text_in_another_encoding_is_read_with_it(site, build):
    declaration = build.long_declaration()
    declaration["files"][0] |= {"encoding": "gb18030"}
    declaration["files"][0]["columns"]["meter"] = {"type": "string", "pattern": "表\\d+"}
    lines = build.half_hours("表1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    (site.sources / "readings.csv").write_bytes("\n".join([HEADER, *lines]).encode("gb18030"))
    site.run(build.recipe(declaration))
    assert site.rows("reading")[0]["meter_id"] == "表1"


def test_an_account_that_does_not_balance_stops_the_run():
    from gridloop.data.accounting import RowAccount

    with pytest.raises(AccountingError) as caught:
        RowAccount("f", "r", "x", rows_in=3, rows_accepted=1, rows_quarantined=1).checked()
    assert caught.value.evidence["in"] == 3
