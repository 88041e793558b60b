"""The first page tells a manager where the loop stands and what needs her, with the proof of every number."""

from __future__ import annotations

import re

import pytest

from gridloop.apps.wiring import create, opened


def test_the_loop_is_shown_in_its_order(site):
    page = site.page("/").text
    stages = re.findall(r'<li class="stage-(\w+)" id=', page)
    assert stages == ["data", "insight", "strategy", "reach", "evaluate"]


def test_each_figure_answers_how_it_was_computed(site):
    facts = site.get("/overview.json").json()["facts"]
    assert len(facts["figures"]) >= 3
    for figure in facts["figures"]:
        basis = figure["basis"]
        assert basis["meaning"] and basis["code_version"]
        assert all(one["snapshot"] for one in basis["tables"])


def test_the_number_of_customers_is_that_of_the_table(site, demo):
    with opened(demo.workspace) as session:
        view = session.published()
        count = view.count("customer")
        view.close()
    (row,) = [row for row in site.get("/overview.json").json()["rows"] if row["figure"] == "Customers"]
    assert row["value"] == count == 12


def test_a_plan_that_waits_is_told_with_its_author(site, demo):
    with opened(demo.workspace) as session:
        waiting = session.ledger.plans.recent("submitted")
    told = [task["what"] for task in site.get("/overview.json").json()["facts"]["todo"]]
    assert sum(what.startswith("Approve the plan") for what in told) == len(waiting)


def test_a_job_that_failed_is_the_first_thing_to_do(demo_copy, site_of):
    with opened(demo_copy.workspace) as session:
        run = session.ledger.runs.start("data.check", "data", "digest", "0", {})
        session.ledger.runs.fail(run, "StorageFull", "The disk has no room.")
    with site_of(demo_copy.workspace) as site:
        first = site.get("/overview.json").json()["facts"]["todo"][0]
        page = site.page("/").text
    assert first["what"] == "data.check has failed"
    assert first["why"] == "The disk has no room."
    assert "data.check has failed" in page


def test_the_chart_of_the_mean_day_has_a_table_with_its_numbers(site):
    hours = site.get("/overview.json").json()["facts"]["hours"]
    assert [one["hour"] for one in hours] == [f"{hour:02d}:00" for hour in range(24)]
    assert "The numbers as a table" in site.page("/").text


def test_a_run_that_a_person_stopped_is_told_so(demo_copy, site_of):
    with opened(demo_copy.workspace) as session:
        run = session.ledger.runs.start("data.check", "data", "digest", "0", {})
        session.ledger.runs.fail(run, "KeyboardInterrupt", "KeyboardInterrupt")
    with site_of(demo_copy.workspace) as site:
        assert site.get("/overview.json").json()["facts"]["todo"][0]["why"] == "It was stopped."


def test_an_empty_workspace_says_what_to_do_next(tmp_path, site_of):
    create(tmp_path / "new", zone="Asia/Shanghai", currency="CNY").close()
    with site_of(tmp_path / "new") as site:
        page = site.page("/").text
    assert "notice empty" in page
    assert "gridloop import --list" in page


@pytest.mark.parametrize(
    ("language", "tag", "word"),
    [("en", "en", "Where the loop stands"), ("zh-CN,en;q=0.5", "zh-CN", "闭环进展")],
)
def test_the_page_is_in_the_language_of_the_browser(site, language, tag, word):
    page = site.page("/", language).text
    assert f'<html lang="{tag}">' in page
    assert word in page
