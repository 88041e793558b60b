"""What became of the rows that came in: every one is accounted for, or the check says so gravely."""

from __future__ import annotations

import json

import pytest

from gridloop.data.quality.book import CheckSettings
from gridloop.testing.readings import utc


@pytest.fixture(scope="module")
def found(new_utility, tmp_path_factory):
    """Findings about two recipes: one in order but for some dirt, one that lost rows."""
    utility = new_utility().keep(("landing_file", "row_account"))
    accounts = utility["row_account"]
    accounts[0] |= {"rows_accepted": 91, "rows_superseded": 6, "rows_quarantined": 3}
    accounts[0] |= {"intervals_accepted": 2302, "intervals_superseded": 26, "intervals_quarantined": 72}
    accounts[2] |= {"recipe": "grid", "rows_accepted": 60, "rows_quarantined": 30, "intervals_accepted": 2399}
    utility["landing_file"].append(utility["landing_file"][1] | {"file_id": "file-9", "name": "lost.csv"})
    utility["landing_file"][2]["recipe"] = "grid"
    utility.rows["quarantine"] = [
        {"file_id": "file-0", "recipe": "county", "role": "readings", "source_row": n, "reason_code": code}
        | {"reason": code, "intervals": 24, "available_at": utc(2025, 1, 2)}
        for n, code in enumerate(["unknown_meter", "blank_id", "unknown_meter"])
    ]
    report, rows = utility.check(tmp_path_factory.mktemp("intake") / "workspace")
    return {(r["rule"], r["subject"]): r for r in rows if r["rule"].startswith("intake.")}, report


def test_each_fault_of_the_accounts_is_found_once(found):
    rows, _ = found
    assert {place: (row["severity"], row["count"]) for place, row in rows.items()} == {
        ("intake.unaccounted", "grid"): ("critical", 1),
        ("intake.quarantined", "county"): ("warning", 3),  # 3 of 200 rows: 1.5 %
        ("intake.quarantined", "grid"): ("error", 30),  # 30 of 100
        ("intake.refused_without_trace", "grid"): ("error", 30),
        ("intake.superseded", "county"): ("info", 6),
        ("intake.file_without_account", "county"): ("error", 1),
    }


def test_rows_that_vanished_are_critical_and_told_first(found):
    rows, report = found
    assert report.findings[0].code == "intake.unaccounted"
    evidence = json.loads(rows["intake.unaccounted", "grid"]["evidence"])
    assert evidence == {"files": ["file-2"], "rows_lost": 10, "intervals_lost": 1}


def test_the_commonest_reason_is_named(found):
    rows, _ = found
    row = rows["intake.quarantined", "county"]
    assert (
        row["text"]
        == "3 of 200 rows of recipe county (1.5 %) are in quarantine, 2 of them for unknown_meter."
    )
    assert json.loads(row["evidence"])["reasons"] == {"unknown_meter": 2, "blank_id": 1}


def test_wall_clock_stamps_do_not_reach_the_findings(new_utility, tmp_path):
    digests = []
    for day in (1, 9):
        utility = new_utility().keep(("landing_file", "row_account"))
        for row in utility["landing_file"]:
            row["received_at"] = utc(2025, 2, day)
        _, rows = utility.check(tmp_path / str(day), settings=CheckSettings())
        digests.append([{k: v for k, v in row.items() if k != "run_at"} for row in rows])
    assert digests[0] == digests[1]
