"""The demo goes from nothing to described customers, once; afterwards it is up to date."""

from __future__ import annotations

import json
import shutil

import pytest

from gridloop.apps.wiring import opened
from gridloop.domain.table import Stage

CUSTOMERS, DAYS, SEED = 12, 40, 3
AGAIN = ("--customers", CUSTOMERS, "--days", DAYS, "--seed", SEED)


def test_the_demo_prints_what_came_in_what_was_found_and_a_few_customers(demo):
    assert demo.answer.code == 0
    for heading in ("What came in", "What was found, gravest first", "A few customers", "Done in"):
        assert heading in demo.answer.out
    drawn = [line for line in demo.answer.out.splitlines() if "00h" in line and "24h" in line]
    assert 1 <= len(drawn) <= 4
    assert all(set(line.split()[3]) <= set("▁▂▃▄▅▆▇█") for line in drawn)


def test_the_demo_tells_its_progress_on_stderr(demo):
    steps = {line.partition(":")[0] for line in demo.answer.err.splitlines()}
    assert {"making the county", "validating readings", "checking tables", "describing customers"} <= steps


def test_every_customer_of_the_county_is_there_and_described(demo):
    with opened(demo.workspace) as session:
        view = session.published()
        customers = set(view.arrow("customer")["customer_id"].to_pylist())
        described = set(view.arrow("feature")["customer_id"].to_pylist())
        days = set(view.arrow("reading")["day"].to_pylist())
        view.close()
    assert len(customers) >= CUSTOMERS
    assert described <= customers
    assert len(described) >= CUSTOMERS - 1
    assert len(days) == DAYS


def test_a_second_demo_of_the_same_county_is_up_to_date(command, demo_copy, state):
    before = state(demo_copy.workspace)
    answer = command("demo", demo_copy.folder, *AGAIN)
    assert answer.code == 0
    assert "already imported" in answer.out
    assert "A few customers" in answer.out
    assert answer.err == ""
    assert state(demo_copy.workspace) == before


def test_what_a_killed_run_left_behind_is_undone_by_the_next_demo(command, demo_copy, state, regions):
    before = state(demo_copy.workspace)
    with opened(demo_copy.workspace) as session:
        session.lake.writer(Stage.DATA).append("region", regions("half-written"))
    assert state(demo_copy.workspace) != before
    assert command("demo", demo_copy.folder, *AGAIN, "--quiet").code == 0
    assert state(demo_copy.workspace) == before


@pytest.mark.parametrize("other", [("--customers", 13), ("--days", 41), ("--seed", 4)])
def test_another_county_in_the_same_folder_is_refused(command, demo, other, state):
    before = state(demo.workspace)
    answer = command("demo", demo.folder, *AGAIN, *other)
    assert answer.code == 2
    assert "holds another demo" in answer.err
    assert f"customers={CUSTOMERS} days={DAYS} seed={SEED}" in answer.err
    assert state(demo.workspace) == before


def test_the_demo_as_json_is_one_object(command, demo_copy):
    answer = command("demo", demo_copy.folder, *AGAIN, "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["workspace"] == str(demo_copy.workspace)


def test_the_truth_may_be_deleted(command, demo_copy, contents):
    before = contents(demo_copy.workspace)
    shutil.rmtree(demo_copy.folder / "truth")
    assert command("run", "--force", "-w", demo_copy.workspace).code == 0
    assert contents(demo_copy.workspace) == before
