"""`data check`, `profile` and `compact` answer from what is published."""

from __future__ import annotations

import csv
import io
import json

import pytest

from gridloop.domain.finding import Severity


def test_findings_are_counted_by_rule_gravest_first(command, demo):
    answer = command("data", "check", "-w", demo.workspace)
    assert answer.code == 0
    assert "gridloop data check RULE" in answer.out
    ranks = [
        Severity(line.split()[0]).rank for line in answer.out.splitlines() if line.startswith(tuple(Severity))
    ]
    assert ranks
    assert ranks == sorted(ranks, reverse=True)


def test_one_rule_is_shown_in_full(command, demo):
    everything = command("data", "check", "-w", demo.workspace, "--json").rows
    code = everything[0]["code"]
    mine = command("data", "check", code, "-w", demo.workspace, "--json").rows
    assert mine == [row for row in everything if row["code"] == code]
    text = command("data", "check", code, "-w", demo.workspace, "--most", "1").out
    assert code in text
    assert "… and" in text or len(mine) == 1


def test_a_rule_without_finding_is_refused_with_the_nearest_one(command, demo):
    answer = command("data", "check", "rate.accurracy", "-w", demo.workspace)
    assert answer.code == 2
    assert "'rate.accuracy'" in answer.err


def test_the_gate_closes_at_its_severity_and_not_above(command, demo):
    rows = command("data", "check", "-w", demo.workspace, "--json").rows
    gravest = max(Severity(row["severity"]).rank for row in rows)
    at, *graver = list(Severity)[gravest:]
    closed = command("data", "check", "-w", demo.workspace, "--gate", at)
    assert closed.code == 3
    assert f"of severity '{at}'" in closed.err
    assert [command("data", "check", "-w", demo.workspace, "--gate", one).code for one in graver] == [
        0
    ] * len(graver)


def test_a_gate_at_no_severity_is_refused_with_the_nearest_one(command, demo):
    unknown = command("data", "check", "-w", demo.workspace, "--gate", "eror")
    assert unknown.code == 2
    assert "'error'" in unknown.err


def test_findings_as_csv_keep_their_evidence(command, demo):
    rows = list(csv.DictReader(io.StringIO(command("data", "check", "-w", demo.workspace, "--csv").out)))
    assert rows
    assert all(isinstance(json.loads(row["evidence"]), dict) for row in rows)


def test_before_the_first_run_nothing_is_claimed_about_the_data(command, workspace_path):
    command("init", workspace_path)
    answer = command("data", "check", "-w", workspace_path)
    assert answer.code == 1
    assert "Nothing has been checked yet" in answer.out + answer.err
    assert "Every rule holds" not in answer.out


def test_the_profile_of_a_workspace_has_a_row_for_each_table(command, demo):
    rows = {row["table"]: row for row in command("data", "profile", "-w", demo.workspace, "--json").rows}
    assert rows["customer"]["rows"] >= 12
    assert rows["feature"]["owner"] == "insight"
    assert rows["reading"]["known_from"] < rows["reading"]["known_until"]
    assert "contact" not in rows


def test_the_profile_of_a_table_counts_what_is_missing(command, demo):
    rows = {
        r["column"]: r for r in command("data", "profile", "customer", "-w", demo.workspace, "--json").rows
    }
    assert rows["customer_id"]["missing"] == 0
    assert rows["customer_id"]["distinct"] >= 12
    assert rows["since"]["least"] < rows["since"]["most"]


def test_the_profile_of_a_customer_draws_the_mean_day_and_names_what_cannot_be_computed(command, demo):
    table = command("data", "profile", "feature", "-w", demo.workspace, "--json").rows
    customer = next(row["least"] for row in table if row["column"] == "customer_id")
    answer = command("data", "profile", customer, "-w", demo.workspace)
    assert answer.out.startswith(f"Customer {customer}, meter ")
    (line,) = [text for text in answer.out.splitlines() if text.startswith("mean day")][:1]
    assert len(line.split()[3]) == 48
    rows = command("data", "profile", customer, "-w", demo.workspace, "--json").rows
    assert {row["customer"] for row in rows} == {customer}
    assert [row["feature"] for row in rows if row["value"] is None and row["why_not"] is None] == []
    assert "too_few_days" in {row["why_not"] for row in rows}


def test_a_meter_has_the_profile_of_its_customer(command, demo):
    table = command("data", "profile", "feature", "-w", demo.workspace, "--json").rows
    meter = next(row["least"] for row in table if row["column"] == "meter_id")
    rows = command("data", "profile", meter, "-w", demo.workspace, "--json").rows
    assert {row["meter"] for row in rows} == {meter}


def test_a_subject_that_nobody_knows_is_refused_with_the_nearest_table(command, demo):
    answer = command("data", "profile", "custmer", "-w", demo.workspace)
    assert answer.code == 2
    assert "'customer'" in answer.err


def test_an_empty_workspace_says_how_to_begin(command, workspace_path):
    command("init", workspace_path)
    assert "gridloop import --list" in command("data", "profile", "-w", workspace_path).out
    assert command("data", "quarantine", "-w", workspace_path).out == "Nothing is in quarantine.\n"
    assert command("data", "profile", "customer", "-w", workspace_path, "--json").code in (0, 2)


def test_compaction_merges_files_keeps_every_row_and_makes_nothing_stale(command, demo_copy, contents):
    before = contents(demo_copy.workspace)
    merged = {r["table"]: r for r in command("data", "compact", "-w", demo_copy.workspace, "--json").rows}
    assert merged["reading"]["files_after"] < merged["reading"]["files_before"]
    assert contents(demo_copy.workspace) == before
    stale = [
        row["would_run"] for row in command("run", "-w", demo_copy.workspace, "--dry-run", "--json").rows
    ]
    assert not any(stale)
    assert command("data", "compact", "-w", demo_copy.workspace).out == "Nothing to compact.\n"
    assert command("doctor", "-w", demo_copy.workspace).code == 0


@pytest.mark.parametrize("words", [("check",), ("profile",), ("quarantine",), ("compact",)])
def test_without_a_workspace_every_command_says_how_to_get_one(command, words, tmp_path):
    answer = command("data", *words, "-w", tmp_path)
    assert answer.code == 2
    assert "gridloop init" in answer.err
