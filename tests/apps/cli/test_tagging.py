"""`tag list` is the catalogue with who has what; `tag show` is one customer, with a reason for every gap."""

from __future__ import annotations

import csv
import io

import pytest

from gridloop.insight.tags.catalogue import load_tags


def test_the_catalogue_has_every_tag_with_meaning_rule_and_customers(command, town):
    rows = {row["tag"]: row for row in command("tag", "list", "-w", town, "--json").rows}
    assert set(rows) == {spec.name for spec in load_tags()}
    evening = rows["evening_peak"]
    assert evening["formula"] == "yes when evening_share >= 0.3"
    assert (evening["minimum_days"], evening["owner"], evening["label_zh"]) == (28, "insight", "晚高峰用户")
    assert evening["values"] == {"yes": 40, "no": 45}
    assert (evening["customers"], evening["lacking"]) == (85, 1)
    assert evening["reasons"] == {"no_meter_features": 1}
    assert (rows["annual_charge"]["unit"], rows["annual_charge"]["customers"]) == ("CNY", 85)
    assert sum(rows["charge_decile"]["values"].values()) == 85
    assert next(iter(rows["charge_decile"]["values"])) == "1"


def test_the_catalogue_reads_as_text(command, town):
    answer = command("tag", "list", "-w", town)
    assert answer.code == 0
    assert "evening_peak: Evening peak user" in answer.out
    assert "yes 40, no 45; 1 lack it: no_meter_features 1" in answer.out
    assert "gridloop tag show CUSTOMER" in answer.out
    assert "not given yet" not in answer.out


def test_one_customer_has_values_with_confidence_or_the_reason_why_not(command, town):
    rows = {row["tag"]: row for row in command("tag", "show", "e00", "-w", town, "--json").rows}
    assert (rows["evening_peak"]["value"], rows["evening_peak"]["confidence"]) == ("yes", 0.9)
    assert (rows["weekend_change"]["value"], rows["weekend_change"]["says"]) == ("same", "about the same")
    assert rows["growth"]["value"] is None
    assert rows["growth"]["why_not"] == "less than two years of usable days"
    assert rows["demand_decile"]["says"].endswith(" of 10")
    new = command("tag", "show", "new", "-w", town)
    assert "the customer has no meter that is described" in new.out
    assert "the customer has no bill" in new.out
    listed = list(csv.DictReader(io.StringIO(command("tag", "show", "e00", "-w", town, "--csv").out)))
    assert {row["tag"] for row in listed} == set(rows)


def test_a_customer_that_nobody_knows_is_refused_with_the_way_to_find_one(command, town):
    answer = command("tag", "show", "e99", "-w", town)
    assert answer.code == 2
    assert "gridloop segment members" in answer.err


def test_before_the_first_run_the_catalogue_is_there_and_nobody_is_tagged(command, workspace_path):
    command("init", workspace_path)
    answer = command("tag", "list", "-w", workspace_path)
    assert answer.code == 0
    assert "evening_peak" in answer.out
    assert "Customers have not been tagged yet. Next: gridloop run" in answer.out
    rows = command("tag", "list", "-w", workspace_path, "--json").rows
    assert {row["customers"] for row in rows} == {None}
    shown = command("tag", "show", "e00", "-w", workspace_path)
    assert shown.code == 1
    assert "Customers have not been tagged yet" in shown.out


def test_a_changed_definition_makes_the_counts_old(command, town_copy):
    assert "older than" not in command("tag", "list", "-w", town_copy).out
    (town_copy / "tags").mkdir()
    (town_copy / "tags" / "own.yaml").write_text(
        "tags:\n"
        "  - name: heavy_user\n"
        "    kind: flag\n"
        "    label: {en: Heavy user, zh: 大用户}\n"
        "    definition: {en: More than 4 kWh a day., zh: 日用电超过 4 千瓦时。}\n"
        "    when: daily_mean > 4000\n"
        "    minimum_days: 28\n",
        encoding="utf-8",
    )
    answer = command("tag", "list", "-w", town_copy)
    assert "These counts are older than the data or the definitions" in answer.out
    assert "not given yet" in answer.out


@pytest.mark.parametrize("words", [("list",), ("show", "x")])
def test_without_a_workspace_every_command_says_how_to_get_one(command, words, tmp_path):
    answer = command("tag", *words, "-w", tmp_path)
    assert answer.code == 2
    assert "gridloop init" in answer.err
