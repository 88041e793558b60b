"""Files that are empty, broken in the middle or wholly refused; and what an import leaves behind about itself."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone

import pytest

from gridloop.domain.errors import SourceUnreadable, StorageFull

HEADER = "meter,ts,kwh"


def test_a_file_with_a_header_only_is_an_import_of_nothing(site, build):
    site.write_csv("readings.csv", [HEADER])
    [account] = site.run(build.recipe(build.long_declaration())).accounts
    assert account.rows_in == 0 and site.rows("landing_file")[0]["rows"] == 0
    assert not site.lake.view().exists("reading") or site.lake.view().count("reading") == 0


def test_a_file_in_which_every_row_is_refused_leaves_no_reading(site, build):
    site.write_csv("readings.csv", [HEADER, *(f"m1,2025-01-1{day} 00:30:00,-1" for day in range(5))])
    [account] = site.run(build.recipe(build.long_declaration())).accounts
    assert (account.rows_in, account.rows_quarantined) == (5, 5)
    assert site.reasons() == {"negative_on_channel": [0, 1, 2, 3, 4]}


def test_a_csv_that_ends_within_a_row_loses_that_row_only(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    path = site.write_csv("readings.csv", [HEADER, *lines])
    path.write_bytes(path.read_bytes()[:-12])
    [account] = site.run(build.recipe(build.long_declaration())).accounts
    assert (account.rows_in, account.rows_accepted) == (48, 47)
    assert site.reasons() == {"malformed_row": [47]}


def test_a_text_that_breaks_off_within_a_character_is_told(site, build):
    declaration = build.long_declaration()
    declaration["files"][0] |= {"encoding": "gb18030"}
    (site.sources / "readings.csv").write_bytes(
        f"{HEADER}\nm1,2025-01-10 00:30:00,1\nm1,表".encode("gb18030")[:-1]
    )
    with pytest.raises(SourceUnreadable, match="cannot be read as CSV"):
        site.run(build.recipe(declaration))


def test_a_parquet_file_broken_in_the_middle_is_told_and_leaves_no_file_in_the_table(new_site, build):
    site = new_site("Asia/Shanghai", "CNY")
    site.write_csv("meter.csv", ["METER,KVA,MINUTES", "a,8,15"])
    arrived = datetime(2025, 3, 4, 3, tzinfo=timezone(timedelta(hours=8)))
    rows = [("a", date(2025, 3, 3), "import_wh", list(range(96)), arrived)] * 50
    path = site.write_parquet("readings.parquet", build.wide_rows(rows))
    content = bytearray(path.read_bytes())
    content[40:4000] = bytes(3960)
    path.write_bytes(bytes(content))
    with pytest.raises(SourceUnreadable, match="cannot be read as Parquet"):
        site.run(build.recipe(build.wide_declaration()))
    assert not list((site.workspace.lake_dir / "gridloop" / "reading").rglob("*.parquet"))


def test_a_folder_that_is_not_there_is_told(site, build):
    site.sources = site.sources / "nowhere"
    with pytest.raises(SourceUnreadable, match="data folder is not there"):
        site.run(build.recipe(build.long_declaration()))


def test_what_is_analysed_is_what_was_landed(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    path = site.write_csv("readings.csv", [HEADER, *lines])
    site.run(build.recipe(build.long_declaration()))
    [landed] = site.rows("landing_file")
    with site.zone.open(landed["file_id"]) as handle:
        assert handle.read() == path.read_bytes()
    assert (landed["name"], landed["bytes"], landed["rows"]) == ("readings.csv", path.stat().st_size, 48)
    assert landed["purpose"] == "testing" and landed["key_id"] == site.vault.key_id


def test_accounts_and_findings_are_kept_in_tables(site, build):
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    site.write_csv("readings.csv", [HEADER, *lines, lines[0], "m1,2025-01-10 00:30:00,-3"])
    report = site.run(build.recipe(build.long_declaration()))
    [account] = site.rows("row_account")
    assert (account["rows_in"], account["rows_accepted"], account["rows_superseded"]) == (50, 48, 1)
    found = {row["rule"]: row for row in site.rows("quality_finding")}
    assert set(found) == {finding.code for finding in report.findings}
    assert found["import.negative_on_channel"]["count"] == 1
    assert json.loads(found["import.negative_on_channel"]["evidence"])["intervals"] == 1


def test_columns_that_the_recipe_does_not_use_are_mentioned(site, build):
    site.write_csv("readings.csv", [f"{HEADER},phase", "m1,2025-01-10 00:30:00,0.2,A"])
    report = site.run(build.recipe(build.long_declaration()))
    [finding] = [finding for finding in report.findings if finding.code == "import.unmapped_columns"]
    assert finding.evidence["columns"] == "phase"


def test_progress_ends_with_all_bytes(site, build):
    from gridloop.data.ingest import ImportContext, execute_import
    from gridloop.data.plan import plan_import

    for count in range(3):
        lines = build.half_hours("m1", datetime(2025, 1, 10 + count, 0, 30), [0.2] * 48)
        site.write_csv(f"readings_{count}.csv", [HEADER, *lines])
    told = []
    plan = plan_import(build.recipe(build.long_declaration()), site.sources, site.lake.view())
    context = ImportContext(site.lake, site.zone, site.vault, build.received, lambda *step: told.append(step))
    execute_import(plan, context)
    assert [name for name, _, _ in told] == ["readings_0.csv", "readings_1.csv", "readings_2.csv"]
    assert told[-1][1] == told[-1][2] == plan.bytes


def test_a_full_disk_is_told_and_nothing_is_left(site, build, monkeypatch):
    import errno

    from gridloop.engine import parquet

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    site.write_csv("readings.csv", [HEADER, *lines])
    monkeypatch.setattr(parquet, "sync_file", full)
    with pytest.raises(StorageFull):
        site.run(build.recipe(build.long_declaration()))
    monkeypatch.undo()
    site.lake.restore({})
    site.run(build.recipe(build.long_declaration()))
    assert len(site.rows("reading")) == 1
