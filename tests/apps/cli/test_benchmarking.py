"""A benchmark is named, rerun and printed beside what was published."""

from __future__ import annotations

import json

import pytest

from gridloop.apps.cli.benchmarking import figures


def test_what_ships_is_listed(command):
    rows = command("benchmark", "--list", "--json").rows
    assert "lcl-dtou" in [row["name"] for row in rows]


def test_without_name_or_folder_the_way_out_is_told(command):
    answer = command("benchmark", "lcl-dtou")
    assert answer.code == 2
    assert "--data DIR" in answer.err


def test_an_unknown_benchmark_is_refused_with_the_nearest_one(command, tmp_path):
    answer = command("benchmark", "lcl-dtuo", "--data", tmp_path)
    assert (answer.code, "'lcl-dtou'" in answer.err) == (2, True)


def test_a_figure_with_uncertainty_shows_its_interval():
    tree = {
        "high": {"effect_pct": {"value": -6.5, "ci_low": -9.0, "ci_high": -4.0}, "homes": 11},
        "rate": 0.05,
    }
    assert figures(tree) == [("high.effect_pct", "-6.5 [-9, -4]"), ("high.homes", "11"), ("rate", "0.05")]


@pytest.mark.slow
@pytest.mark.realdata
def test_lcl_dtou_answers_in_the_one_shape(command, realdata):
    answer = command("benchmark", "lcl-dtou", "--data", realdata / "lcl", "--json")
    result = json.loads(answer.out)
    assert list(result) == [
        "benchmark",
        "protocol",
        "metrics",
        "references",
        "seconds",
        "peak_rss_mb",
        "version",
    ]
    for event in ("high", "low"):
        found = result["metrics"][event]
        assert set(found["effect_pct"]) == {"value", "ci_low", "ci_high"}
        assert found["mde_pct"] > 0
        assert (found["homes_treated"], found["homes_control"]) == (11, 46)
    assert 0.025 <= result["metrics"]["placebo_rejection_rate"] <= 0.075
