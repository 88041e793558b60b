"""A plan tells what an import would do and changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gridloop.data.plan import plan_import
from gridloop.data.recipe_store import load_recipe
from gridloop.domain.errors import NothingToDo
from gridloop.domain.finding import Severity

HEADER = "meter,ts,kwh"


def test_a_plan_lists_files_sizes_and_what_they_become(site, build):
    path = site.write_csv("readings_1.csv", [HEADER, "m1,2025-01-10 00:30:00,0.2"])
    plan = plan_import(build.recipe(build.long_declaration()), site.sources, site.lake.view())
    [file] = plan.files
    assert (file.name, file.bytes, file.becomes, file.imported) == (
        "readings_1.csv",
        path.stat().st_size,
        ("reading",),
        False,
    )
    assert site.lake.heads() == {} and not list(site.zone.files())


def test_after_the_import_only_a_new_file_is_pending(site, build):
    recipe = build.recipe(build.long_declaration())
    site.write_csv(
        "readings_1.csv", [HEADER, *build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)]
    )
    site.run(recipe)
    site.write_csv(
        "readings_2.csv", [HEADER, *build.half_hours("m1", datetime(2025, 1, 11, 0, 30), [0.2] * 48)]
    )
    plan = plan_import(recipe, site.sources, site.lake.view())
    assert [(file.name, file.imported) for file in plan.files] == [
        ("readings_1.csv", True),
        ("readings_2.csv", False),
    ]
    report = site.run(recipe)
    assert len(report.accounts) == 1 and report.total.rows_accepted == 48


def test_files_that_no_role_reads_are_named_before_and_after_the_import(site, build):
    recipe = build.recipe(build.long_declaration())
    site.write_csv(
        "readings_1.csv", [HEADER, *build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)]
    )
    for name in ("prices/sheet.csv", "reading_2.csv", ".hidden", "another/gridloop.toml", "another/lake/x"):
        site.write_csv(name, ["whatever"])
    plan = plan_import(recipe, site.sources, site.lake.view())
    assert plan.unclaimed == ("prices/sheet.csv", "reading_2.csv")
    [finding] = [f for f in site.run(recipe).findings if f.code == "import.unclaimed_files"]
    assert (finding.severity, finding.evidence["files"]) == (Severity.INFO, 2)
    assert finding.evidence["names"] == "prices/sheet.csv, reading_2.csv"
    assert "import.unclaimed_files" in [row["rule"] for row in site.rows("quality_finding")]
    with pytest.raises(NothingToDo) as nothing:
        site.run(recipe)
    assert nothing.value.evidence["no role reads"] == "prices/sheet.csv, reading_2.csv"


def test_nothing_is_said_of_a_folder_all_of_whose_files_are_read(site, build):
    site.write_csv(
        "readings_1.csv", [HEADER, *build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)]
    )
    assert "import.unclaimed_files" not in [
        finding.code for finding in site.run(build.recipe(build.long_declaration())).findings
    ]


def test_a_plan_repeats_the_assumptions_of_the_recipe(site, realdata):
    plan = plan_import(load_recipe("edrp"), realdata / "edrp", site.lake.view())
    assert len(plan.assumptions) == 1 and "Start is assumed" in plan.assumptions[0]


def test_a_local_day_that_two_files_share_is_put_together(site, build):
    """Monthly files cut at UTC midnight cut a British summer day at 01:00 local time."""
    june = build.half_hours("m1", datetime(2025, 6, 30, 0, 30), [0.1] * 48)
    july = build.half_hours("m1", datetime(2025, 7, 1, 0, 30), [0.2] * 48)
    site.write_csv("readings_2025-06.csv", [HEADER, *june])
    site.write_csv("readings_2025-07.csv", [HEADER, *july])
    report = site.run(build.recipe(build.long_declaration()))
    assert [account.rows_accepted for account in report.accounts] == [48, 48]
    latest = {row["day"].isoformat(): row for row in site.lake.view().arrow("reading").to_pylist()}
    assert latest["2025-07-01"]["wh"] == [100] * 2 + [200] * 46
    versions = sorted(
        row["available_at"] for row in site.rows("reading") if row["day"].isoformat() == "2025-07-01"
    )
    assert versions[1] - versions[0] == timedelta(microseconds=1)


def test_a_corrected_file_is_known_from_when_it_was_received(site, build):
    recipe = build.recipe(build.long_declaration())
    lines = build.half_hours("m1", datetime(2025, 1, 10, 0, 30), [0.2] * 48)
    site.write_csv("readings_1.csv", [HEADER, *lines])
    site.run(recipe)
    site.write_csv("readings_1.csv", [HEADER, *lines[:-1], lines[-1].replace("0.2", "0.7")])
    account = site.run(recipe).accounts[0]
    assert (account.rows_accepted, account.rows_superseded) == (1, 47)
    first, second = sorted(site.rows("reading"), key=lambda row: row["available_at"])
    assert second["available_at"] == build.received and second["wh"] == [200] * 47 + [700]
    assert first["wh"] == [200] * 48
