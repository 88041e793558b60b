"""Drawings carry their numbers; an interval that holds zero looks so."""

from __future__ import annotations

import re

from gridloop.apps.web.drawing import bars, curve, heat, interval, sparkline, twice


def test_an_interval_that_holds_zero_is_open():
    assert "point open" in interval(1.0, -2.0, 4.0, "effect")
    assert "point open" not in interval(3.0, 2.0, 4.0, "effect")


def test_an_interval_lies_where_its_numbers_are():
    drawn = interval(-3.0, -5.0, -1.0, "effect", 280)
    zero = float(re.findall(r'<line x1="([\d.]+)"[^>]*class="zero"', drawn)[0])
    low, high = map(float, re.findall(r'x1="([\d.]+)"[^>]*x2="([\d.]+)"[^>]*class="span"', drawn)[0])
    assert low < high < zero
    assert (zero - low) / (zero - high) == 5.0 or abs((zero - low) / (zero - high) - 5) < 0.01


def test_a_gap_interrupts_a_line():
    assert sparkline([1, 2, None, 3, 4], "trend").count("<path") == 2
    assert sparkline([1, None], "trend") == ""


def test_a_curve_marks_its_window_and_names_its_lines():
    drawn = curve([("A <b>", [1, 2, 3], "")], [(0, "00:00")], "t", "kW", windows=[(1, 2, "evening")])
    assert 'class="window"' in drawn
    assert "A &lt;b&gt;" in drawn
    assert "evening" in drawn


def test_nothing_to_draw_is_no_error():
    assert bars([], "none")
    assert curve([], [], "none", "kW")
    assert twice(lambda width: f"<i>{width:g}</i>").count("<i>") == 2
    assert 'data-heat="/x.json?a=1&amp;b=2"' in heat("/x.json?a=1&b=2", "year")
