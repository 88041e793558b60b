"""Sources and quality on the screen: what became of every row, and what does not hold."""

from __future__ import annotations

from gridloop.apps.checks import findings_by_rule
from gridloop.apps.console import quality
from gridloop.domain.finding import Finding, Severity


def test_every_row_that_came_in_is_accounted_for(site):
    rows = site.get("/data.json").json()["rows"]
    assert {row["recipe"] for row in rows} == {"county"}
    for row in rows:
        assert row["rows_in"] == row["rows_accepted"] + row["rows_superseded"] + row["rows_quarantined"]
    assert site.get("/data.csv").text.count("\r\n") == len(rows) + 1


def test_rows_that_are_kept_out_say_why_without_being_shown(site):
    answer = site.get("/data.json").json()
    kept = answer["facts"]["kept_out"]
    assert sum(row["rows"] for row in kept) == sum(row["rows_quarantined"] for row in answer["rows"])
    assert all("row_sealed" not in row for row in kept)


def test_the_last_import_and_its_outcome_are_told(site):
    assert "import.county" in site.page("/data").text
    assert "数据来源" in site.page("/data", "zh").text


def test_before_anything_came_in_the_pages_say_what_to_do(site_of, workspace_path, session):
    with site_of(workspace_path) as site:
        assert "gridloop import --list" in site.page("/data").text
        assert "The data has not been checked yet." in site.page("/data/quality").text


def test_findings_are_told_by_rule_and_one_rule_in_full(site):
    rows = site.get("/data/quality.json").json()["rows"]
    assert rows
    first = rows[0]
    facts = site.get(f"/data/quality.json?rule={first['rule']}").json()["facts"]
    assert facts["count"] == first["findings"]
    assert site.page("/data/quality?rule=no.such").status_code == 404


def test_a_rule_that_could_not_run_is_not_told_as_bad_data(site, monkeypatch):
    broken = Finding(quality.COULD_NOT_RUN, "Rule x could not run.", {}, Severity.ERROR, "bill", "x")
    bad = Finding("key.bill", "Two rows have one key.", {}, Severity.ERROR, "bill", None)
    monkeypatch.setattr(quality, "quality_findings", lambda session: [broken, bad])
    answer = site.get("/data/quality.json").json()
    assert [row["rule"] for row in answer["rows"]] == ["key.bill"]
    assert answer["facts"]["could_not_run"] == [
        {"rule": "x", "table": "bill", "text": "Rule x could not run."}
    ]
    assert len(findings_by_rule([broken, bad])) == 2
    assert "not the same as bad data" in site.page("/data/quality").text
