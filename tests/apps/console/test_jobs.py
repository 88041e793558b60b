"""A run is started, watched and stopped from the page."""

from __future__ import annotations

import json
import time
from typing import Any

from gridloop.apps.console.running import Runner


def ended(runner: Runner) -> Any:
    """The progress once the process has ended."""
    deadline = time.monotonic() + 120
    while runner.progress.active:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return runner.progress


def test_the_page_lists_runs_newest_first_and_the_jobs_of_the_loop(site):
    answer = site.get("/jobs.json").json()
    started = [row["started"] for row in answer["rows"]]
    assert started == sorted(started, reverse=True)
    assert [one["job"] for one in answer["facts"]["loop"]][:2] == ["data.validate", "data.check"]
    assert all(one["ran"] for one in answer["facts"]["loop"])


def test_runs_are_chosen_by_their_outcome_and_an_empty_choice_says_so(site):
    assert {row["outcome"] for row in site.get("/jobs.json?outcome=succeeded").json()["rows"]} == {
        "succeeded"
    }
    page = site.page("/jobs?outcome=killed").text
    assert "No run ended so." in page


def test_a_long_list_is_shown_in_parts(site, monkeypatch):
    monkeypatch.setattr("gridloop.apps.console.jobs.SHOWN", 5)
    first = site.get("/jobs.json").json()
    second = site.get("/jobs.json?first=5").json()
    assert len(first["rows"]) == 5 < first["facts"]["total"]
    assert first["rows"][-1]["run"] != second["rows"][0]["run"]
    assert site.get("/jobs.json?first=-3").json()["rows"] == first["rows"]


def test_a_run_started_from_the_page_carries_the_loop_out(demo_copy, site_of):
    with site_of(demo_copy.workspace) as site:
        answer = site.submit("/jobs/start", through="data")
        assert (answer.status_code, answer.headers["location"]) == (303, "/jobs")
        with site.stream("GET", "/jobs/progress") as stream:
            told = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
        assert told[-1]["state"] == "done"
        assert told[-1]["code"] in (0, 5)
        assert "The last run from here has ended." in site.page("/jobs").text


def test_an_unknown_stage_is_refused_with_the_known_ones(site):
    answer = site.submit("/jobs/start", through="nowhere")
    assert answer.status_code == 422
    assert "There is no stage" in answer.text


def test_a_second_run_is_refused_while_one_is_at_work_and_it_can_be_stopped(demo_copy):
    from gridloop.apps.console.running import Runner
    from gridloop.domain.errors import WorkspaceLocked

    runner = Runner(demo_copy.workspace, "ann")
    runner.start()
    try:
        runner.start()
    except WorkspaceLocked as error:
        assert error.ways_out == ("Wait until it has ended, or stop it.",)
    else:
        raise AssertionError("a second run was started")
    runner.stop()
    assert ended(runner).state in ("stopped", "done")
    runner.stop()
    runner.close()


def test_a_run_that_fails_shows_what_it_said(tmp_path):
    runner = Runner(tmp_path / "nowhere", "ann")
    runner.start()
    progress = ended(runner)
    assert progress.state == "failed"
    assert any("not a" in line or "no" in line.lower() for line in progress.lines)


def test_progress_is_read_from_the_lines_of_the_run(tmp_path):
    runner = Runner(tmp_path, "ann")
    runner._hear("Reading meters: 1,200/3,000")
    assert (runner.progress.step, runner.progress.done, runner.progress.total) == (
        "Reading meters",
        1200,
        3000,
    )
    runner._hear("Something to say")
    assert runner.progress.lines == ("Reading meters: 1,200/3,000", "Something to say")


def test_a_run_that_failed_can_be_tried_again_until_it_was_made_good(demo_copy, site_of):
    from gridloop.apps.wiring import opened

    with opened(demo_copy.workspace) as session:
        run = session.ledger.runs.start("insight.tags", "insight", "digest", "0", {})
        session.ledger.runs.fail(run, "StorageFull", "The disk has no room.")
    with site_of(demo_copy.workspace) as site:
        rows = site.get("/jobs.json").json()["rows"]
        page = site.page("/jobs").text
        assert [row["job"] for row in rows if row["again"]] == ["insight.tags"]
        assert '<button name="through" value="insight">Try again</button>' in page
        with opened(demo_copy.workspace) as session:
            good = session.ledger.runs.start("insight.tags", "insight", "digest", "0", {})
            session.ledger.runs.succeed(good, session.ledger.runs.published(), {})
        assert not any(row["again"] for row in site.get("/jobs.json").json()["rows"])


def test_a_plan_of_somebody_else_is_not_out_of_date_for_who_only_looks(planned, site_of):
    """Li made it; ann looks. A play that is changed is out of date for both."""
    with site_of(planned) as site:
        loop = {one["job"]: one["fresh"] for one in site.get("/jobs.json").json()["facts"]["loop"]}
        assert loop["strategy.plan"]
        folder = planned / "playbooks"
        folder.mkdir(exist_ok=True)
        (folder / "own.yaml").write_text("name: own\n", encoding="utf-8")
        loop = {one["job"]: one["fresh"] for one in site.get("/jobs.json").json()["facts"]["loop"]}
        assert not loop["strategy.plan"]
