"""Segments are listed, read as certificates, opened to their members, and tried out before anybody declares one."""

from __future__ import annotations

import csv
import io

import pytest

from gridloop.apps.cli.segmenting import certificate_lines


def test_the_list_has_what_is_shown_and_why_the_rest_is_not(command, town):
    rows = {row["segment"]: row for row in command("segment", "list", "-w", town, "--json").rows}
    assert (rows["evening_shiftable"]["members"], rows["evening_shiftable"]["reachable"]) == (40, 30)
    assert rows["evening_shiftable"]["verdict"] == "fixed"
    assert rows["home_shapes-1"]["verdict"] == "stable"
    assert rows["business_seasonal"]["members"] is None
    assert "fewer than 15 members" in rows["business_seasonal"]["why_not_shown"]
    assert "no clusters of 15 members" in rows["business_shapes"]["why_not_shown"]
    text = command("segment", "list", "-w", town).out
    assert "Not shown" in text
    assert "gridloop segment show NAME" in text


def test_what_most_customers_lack_is_named_as_the_reason(command, town):
    rows = {row["segment"]: row for row in command("segment", "list", "-w", town, "--json").rows}
    why = rows["business_seasonal"]["why_not_shown"]
    assert "86 of 86 customers lack" in why
    assert "mostly because" in why


def test_a_certificate_reads_as_sentences(command, town):
    text = " ".join(command("segment", "show", "home_shapes-1", "-w", town).out.split())
    assert "home_shapes-1: Home load shape 1: highest at" in text
    assert "居民负荷曲线" in text
    assert "class = 'residential' and" in text
    assert "precision 1.00 [" in text and "customers held out" in text
    assert "40 of 80 customers" in text
    assert "% of the load at" in text
    assert "00h " in text and " 24h, highest at" in text
    assert "stable: 1.00 [" in text
    assert "an effect of" in text and "accounts, half of them treated" in text
    assert "gridloop segment members home_shapes-1" in text


def test_a_certificate_is_one_document_as_json_and_lines_as_csv(command, town):
    found = command("segment", "show", "evening_shiftable", "-w", town, "--json").rows
    assert found["segment_id"] == "evening_shiftable"
    assert found["certificate"]["members"] == 40
    assert found["certificate"]["reachable"] == {
        "purpose": "marketing",
        "customers": 30,
        "by_channel": {"app": 30},
    }
    assert found["certificate"]["stability"]["not_computable"] == "fixed_rule"
    rows = list(
        csv.DictReader(io.StringIO(command("segment", "show", "evening_shiftable", "-w", town, "--csv").out))
    )
    assert {"field": "members", "says": "40 of 85 customers"} in rows


def test_an_unstable_segment_is_called_so_and_a_number_that_is_none_says_why():
    nothing = {"not_computable": "too_few_profiles", "reason": "Too few profiles."}
    certificate = {
        "method": "cluster",
        "definition": "cluster 1 of 2",
        "plain_rule": nothing,
        "rule_precision": nothing,
        "rule_recall": nothing,
        "held_out": 9,
        "members": 20,
        "population": 60,
        "peak_share": nothing,
        "mean_shape": nothing,
        "stability": {"value": 0.55, "ci_low": 0.4, "ci_high": 0.7},
        "verdict": "unstable",
        "reachable": nothing,
        "detectable": nothing,
        "notes": {},
    }
    lines = dict(certificate_lines(certificate))
    assert lines["stability"].startswith("unstable: 0.55 [0.40, 0.70]")
    assert "below 0.7" in lines["stability"]
    assert lines["share of the peak"] == "Too few profiles."
    assert "not computable (too_few_profiles)" in lines["how well they fit"]


def test_one_member_that_decides_what_can_be_detected_is_warned_of():
    value = {"effect_pct": 160.0, "effect_wh": 25_000.0, "units": 100, "unit": "account", "power": 0.8}
    from gridloop.apps.cli.segmenting import _detectable

    assert "look at it first" in _detectable(value | {"significance": 0.05, "largest_share": 0.98})
    assert "look at it first" not in _detectable(value | {"significance": 0.05, "largest_share": 0.1})


def test_members_are_listed_nearest_first(command, town):
    rows = command("segment", "members", "home_shapes-1", "-w", town, "--json").rows
    assert len(rows) == 40
    assert [row["distance"] for row in rows] == sorted(row["distance"] for row in rows)
    text = command("segment", "members", "home_shapes-1", "-w", town, "--most", "5").out
    assert "… and 35 more" in text


@pytest.mark.parametrize("verb", ["show", "members"])
def test_a_segment_that_is_not_shown_a_clustering_and_a_typing_error_are_told_apart(command, town, verb):
    hidden = command("segment", verb, "business_seasonal", "-w", town)
    assert (hidden.code, "is not shown: fewer than 15 members" in hidden.err) == (1, True)
    clustering = command("segment", verb, "home_shapes", "-w", town)
    assert (clustering.code, "gridloop segment show home_shapes-1" in clustering.err) == (2, True)
    mistyped = command("segment", verb, "evening_shiftible", "-w", town)
    assert (mistyped.code, "'evening_shiftable'" in mistyped.err) == (2, True)


def test_a_rule_is_tried_without_changing_anything(command, town_copy, state):
    before = state(town_copy)
    rule = "tag('evening_peak') and daily_mean > 1000"
    found = command("segment", "try", rule, "-w", town_copy, "--json").rows
    assert (found["holds"], found["does_not_hold"], found["unknown"], found["customers"]) == (40, 45, 1, 86)
    assert {row["lacks"] for row in found["unknown_because"]} == {"tag('evening_peak')", "daily_mean"}
    assert found["certificate"]["reachable"]["customers"] == 30
    text = " ".join(command("segment", "try", rule, "-w", town_copy).out.split())
    assert "holds for 40 of 86 customers (46.5%)" in text
    assert "1 lack tag('evening_peak'): the customer has no meter that is described" in text
    assert state(town_copy) == before


def test_small_cells_are_not_told(command, town):
    few = command("segment", "try", "class = 'shop'", "-w", town, "--json").rows
    assert (few["holds"], few["does_not_hold"], few["certificate"]) == (None, None, None)
    assert "fewer than 15 of 86" in command("segment", "try", "class = 'shop'", "-w", town).out
    nobody = command("segment", "try", "class = 'farm'", "-w", town, "--json").rows
    assert nobody["holds"] == 0


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("evening_shar > 0.3", "Did you mean 'evening_share'"),
        ("evening_peak", "Write tag('evening_peak')"),
        ("tag('evening_peek')", "Did you mean 'evening_peak'"),
        ("evening_share > 'a'", "Write a number, without quotes"),
        ("daily_mean > '5'", "Write a number in Wh, without quotes"),
        ("class = 'shopp'", "Did you mean 'shop'"),
        ("daily_mean > 1; drop table customer", "it has no statements"),
        ("class = 'shop' -- and more", "no comments"),
    ],
)
def test_what_a_rule_cannot_say_is_refused_with_the_place_and_a_hint(command, town, rule, hint):
    answer = command("segment", "try", rule, "-w", town)
    assert answer.code == 2
    assert "at character" in answer.err
    assert hint in " ".join(answer.err.split())


def test_everything_that_a_rule_may_name_is_listed(command, town):
    rows = {row["name"]: row for row in command("segment", "try", "--names", "-w", town, "--json").rows}
    assert rows["daily_mean"]["unit"] == "Wh"
    assert rows["tag('evening_peak')"]["type"] == "truth"
    assert "residential" in rows["customer_class"]["values"]
    answer = command("segment", "try", "-w", town)
    assert (answer.code, "--names" in answer.err) == (2, True)


def test_before_the_first_run_nothing_is_claimed(command, workspace_path):
    command("init", workspace_path)
    listed = command("segment", "list", "-w", workspace_path)
    assert "Segments have not been found yet. Next: gridloop run" in listed.out
    for verb in ("show", "members"):
        answer = command("segment", verb, "evening_shiftable", "-w", workspace_path)
        assert (answer.code, "have not been found yet" in answer.out) == (1, True)
    tried = command("segment", "try", "class = 'shop'", "-w", workspace_path)
    assert "holds for" in tried.out


@pytest.mark.parametrize("words", [("list",), ("show", "x"), ("members", "x"), ("try", "vulnerable")])
def test_without_a_workspace_every_command_says_how_to_get_one(command, words, tmp_path):
    answer = command("segment", *words, "-w", tmp_path)
    assert answer.code == 2
    assert "gridloop init" in answer.err
